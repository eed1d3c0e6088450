//! Lists: pages, cursors and their bounds.

use attache_model::FileSeq;
use attache_service::{FileQuery, ListRequest, ServiceError, Sort, SortDirection, SortField};
use attache_testkit::Fixture;

use super::support::{body, file, store};

fn page(limit: u32, cursor: Option<String>) -> ListRequest {
    ListRequest {
        limit: Some(limit),
        cursor,
        ..ListRequest::default()
    }
}

#[tokio::test]
async fn paging_returns_each_record_once() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for n in 0..7 {
        store(&fixture.service, &cx, &format!("{n}"), b"x").await;
    }
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let list = fixture
            .service
            .list_files(&cx, page(3, cursor))
            .await
            .unwrap();
        names.extend(list.files.iter().map(|file| file.filename.to_string()));
        cursor = list.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    names.sort();
    assert_eq!(names, ["0", "1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn cursor_is_bound_to_tenant_filter_and_order() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let other = fixture.context("b").await;
    for context in [&cx, &other] {
        store(&fixture.service, context, "1", b"x").await;
        store(&fixture.service, context, "2", b"x").await;
    }
    let first = fixture
        .service
        .list_files(&cx, page(1, None))
        .await
        .unwrap();
    let cursor = first.next_cursor.unwrap();
    assert!(
        fixture
            .service
            .list_files(&cx, page(5, Some(cursor.clone())))
            .await
            .is_ok()
    );

    let filtered = FileQuery {
        used: Some(false),
        ..FileQuery::default()
    };
    let sorted = FileQuery {
        sort: Sort {
            field: SortField::CreatedAt,
            direction: SortDirection::Ascending,
        },
        ..FileQuery::default()
    };
    for (context, query, cursor) in [
        (&other, FileQuery::default(), cursor.clone()),
        (&cx, filtered, cursor.clone()),
        (&cx, sorted, cursor.clone()),
        (&cx, FileQuery::default(), "invalid".to_owned()),
        (&cx, FileQuery::default(), String::new()),
    ] {
        let request = ListRequest {
            query,
            ..page(1, Some(cursor))
        };
        let outcome = fixture.service.list_files(context, request).await;
        assert!(
            matches!(outcome, Err(ServiceError::InvalidCursor)),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn pages_with_long_texts_are_short_and_complete() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let long = attache_model::Description::parse(&"x".repeat(4096)).unwrap();
    for n in 0..150 {
        let fields = attache_service::UploadFields {
            description: Some(long.clone()),
            ..attache_service::UploadFields::default()
        };
        let upload = fixture
            .service
            .upload(&cx, file(&format!("{n}")), fields, body(b"x"));
        upload.await.unwrap();
    }
    let first = fixture
        .service
        .list_files(&cx, page(1000, None))
        .await
        .unwrap();
    assert_eq!(first.files.len(), 127, "512 KiB of text, names included");
    let rest = fixture
        .service
        .list_files(&cx, page(1000, first.next_cursor))
        .await
        .unwrap();
    assert_eq!((rest.files.len(), rest.next_cursor), (23, None));
    assert!(
        first
            .files
            .iter()
            .all(|file| rest.files.iter().all(|other| other.id != file.id))
    );
}

#[tokio::test]
async fn page_limit_is_1_to_1000() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (limit, fits) in [(0, false), (1, true), (1000, true), (1001, false)] {
        let outcome = fixture.service.list_files(&cx, page(limit, None)).await;
        assert_eq!(outcome.is_ok(), fits, "{limit}");
    }
}

#[tokio::test]
async fn record_is_found_by_seq_and_key() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let service = &fixture.service;
    let file = store(service, &cx, "1", b"x").await;
    store(service, &cx, "2", b"x").await;
    let archived = service.archive_file(&cx, file.id).await.unwrap();
    let by_seq = service.get_file_by_seq(&cx, file.seq).await.unwrap();
    let by_key = service.get_file_by_key(&cx, &file.key).await.unwrap();
    assert_eq!((&by_seq, &by_key), (&archived, &archived));
    let unknown = service.get_file_by_seq(&cx, FileSeq::new(99)).await;
    assert!(
        matches!(unknown, Err(ServiceError::NotFound)),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn after_seq_excludes_cursor_and_unknown_numbers() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let other = fixture.context("b").await;
    let service = &fixture.service;
    let first = store(service, &cx, "1", b"x").await;
    let second = store(service, &cx, "2", b"x").await;
    for name in ["1", "2"] {
        store(service, &other, name, b"x").await;
    }
    let theirs = store(service, &other, "3", b"x").await;
    let list = async |field, seq, cursor| {
        let direction = SortDirection::Ascending;
        let request = ListRequest {
            query: FileQuery {
                sort: Sort { field, direction },
                ..FileQuery::default()
            },
            after_seq: Some(seq),
            ..page(1, cursor)
        };
        let list = service.list_files(&cx, request).await?;
        Ok(list.files.into_iter().map(|file| file.id).collect())
    };
    let found: Result<Vec<_>, ServiceError> = list(SortField::Name, first.seq, None).await;
    assert_eq!(found.unwrap(), [second.id]);
    // Another tenant's number is a position in the order of numbers, but no file of this tenant.
    let found = list(SortField::Seq, theirs.seq, None).await;
    assert_eq!(found.unwrap(), []);
    let found = list(SortField::Seq, first.seq, None).await;
    assert_eq!(found.unwrap(), [second.id]);
    for refused in [
        list(SortField::Name, theirs.seq, None).await,
        list(SortField::Seq, first.seq, Some("any".to_owned())).await,
    ] {
        let invalid =
            matches!(&refused, Err(ServiceError::Invalid(it)) if it.what() == "after_seq");
        assert!(invalid, "{refused:?}");
    }
}

/// Follows a list to its end from a cursor on, and returns the names and the cursor behind them.
async fn follow(
    fixture: &Fixture,
    cx: &attache_model::Context,
    request: &ListRequest,
    cursor: Option<String>,
) -> (Vec<String>, String) {
    let (mut names, mut cursor) = (Vec::new(), cursor);
    loop {
        let request = ListRequest {
            cursor,
            ..request.clone()
        };
        let list = fixture.service.list_files(cx, request).await.unwrap();
        names.extend(list.files.iter().map(|file| file.filename.to_string()));
        let resume = list.resume_cursor.unwrap();
        if list.next_cursor.is_none() {
            return (names, resume);
        }
        assert_eq!(list.next_cursor.as_ref(), Some(&resume));
        cursor = list.next_cursor;
    }
}

#[tokio::test]
async fn resume_cursor_returns_what_was_stored_since() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for field in [SortField::CreatedAt, SortField::Seq] {
        let direction = SortDirection::Ascending;
        let request = ListRequest {
            query: FileQuery {
                sort: Sort { field, direction },
                name_prefix: Some(format!("{field:?}")),
                ..FileQuery::default()
            },
            ..page(2, None)
        };
        let store = async |name| {
            let name = format!("{field:?} {name}");
            store(&fixture.service, &cx, &name, b"x").await
        };
        let (names, empty) = follow(&fixture, &cx, &request, None).await;
        assert!(names.is_empty(), "{names:?}");
        for name in ["1", "2", "3"] {
            store(name).await;
        }
        let (names, third) = follow(&fixture, &cx, &request, Some(empty)).await;
        assert_eq!(names, ["1", "2", "3"].map(|it| format!("{field:?} {it}")));
        let (names, idle) = follow(&fixture, &cx, &request, Some(third)).await;
        assert!(names.is_empty(), "{names:?}");
        // The last record that was seen goes away.
        let fourth = store("4").await;
        let (names, fourth_seen) = follow(&fixture, &cx, &request, Some(idle)).await;
        assert_eq!(names, [format!("{field:?} 4")]);
        fixture
            .service
            .delete_file(&cx, fourth.id, None)
            .await
            .unwrap();
        store("5").await;
        let (names, _) = follow(&fixture, &cx, &request, Some(fourth_seen)).await;
        assert_eq!(names, [format!("{field:?} 5")]);
    }
}

#[tokio::test]
async fn orders_that_cannot_be_followed_have_none() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    store(&fixture.service, &cx, "1", b"x").await;
    for (field, direction) in [
        (SortField::CreatedAt, SortDirection::Descending),
        (SortField::Name, SortDirection::Ascending),
        (SortField::SizeBytes, SortDirection::Ascending),
    ] {
        let request = ListRequest {
            query: FileQuery {
                sort: Sort { field, direction },
                ..FileQuery::default()
            },
            ..page(1, None)
        };
        let list = fixture.service.list_files(&cx, request).await.unwrap();
        assert_eq!((list.files.len(), list.resume_cursor), (1, None));
    }
}
