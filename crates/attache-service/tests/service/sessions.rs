//! Upload sessions: intent, bytes, commit, response; all files or none.

use attache_model::{MediaType, PersonIdentifier, PersonRef};
use attache_service::{IdempotencyKey, ListRequest, ServiceError, UploadFields};
use attache_testkit::Fixture;

use super::support::{assert_nothing_left, body, file, read, store};

#[tokio::test]
async fn stored_bytes_are_read_back() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "a.txt", b"hello").await;
    assert_eq!(record.content_type.as_str(), "text/plain");
    assert_eq!(record.size_bytes, 5);
    let download = fixture
        .service
        .open_download(&cx, record.id, false)
        .await
        .unwrap();
    assert_eq!(read(&download).await.unwrap(), b"hello");
}

#[tokio::test]
async fn session_commits_all_files_or_none() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pdf = vec![MediaType::parse("application/pdf").unwrap()];
    for third in [&b"%PDF-1.7 three"[..], b"not a pdf"] {
        let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
        upload
            .add_file(file("1.pdf"), body(b"%PDF-1.7 one"))
            .await
            .unwrap();
        upload
            .add_file(file("2.pdf"), body(b"%PDF-1.7 two"))
            .await
            .unwrap();
        upload.add_file(file("3.pdf"), body(third)).await.unwrap();
        let fields = UploadFields {
            accept: pdf.clone(),
            ..UploadFields::default()
        };
        let outcome = upload.commit(fields).await;
        if third.starts_with(b"%PDF") {
            let names: Vec<_> = outcome
                .unwrap()
                .iter()
                .map(|file| file.record.filename.to_string())
                .collect();
            assert_eq!(names, ["1.pdf", "2.pdf", "3.pdf"]);
            let list = fixture
                .service
                .list_files(&cx, ListRequest::default())
                .await
                .unwrap();
            for record in list.files {
                fixture
                    .service
                    .delete_file(&cx, record.id, None)
                    .await
                    .unwrap();
            }
        } else {
            assert!(
                matches!(outcome, Err(ServiceError::TypeNotAccepted { .. })),
                "{outcome:?}"
            );
        }
    }
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn dropped_session_leaves_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload
        .add_file(file("a.txt"), body(b"hello"))
        .await
        .unwrap();
    assert_eq!(fixture.blob_count().await, 1);
    drop(upload);
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn record_is_dated_by_its_commit() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload.add_file(file("a"), body(b"slow")).await.unwrap();
    fixture.clock.advance(std::time::Duration::from_secs(40));
    let committed = upload.commit(UploadFields::default()).await.unwrap();
    assert_eq!(committed[0].record.created_at, fixture.now());
}

#[tokio::test]
async fn idempotency_key_commits_once() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let fields = UploadFields {
        idempotency_key: Some(IdempotencyKey::parse("once").unwrap()),
        ..UploadFields::default()
    };
    fixture
        .service
        .upload(&cx, file("a"), fields.clone(), body(b"x"))
        .await
        .unwrap();
    let again = fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await;
    assert!(
        matches!(again, Err(ServiceError::RequestRepeated)),
        "{again:?}"
    );
}

#[tokio::test]
async fn unknown_person_id_stores_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = PersonRef::Id("0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap());
    let fields = UploadFields {
        person: Some(person),
        ..UploadFields::default()
    };
    let outcome = fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await;
    assert!(
        matches!(outcome, Err(ServiceError::UnknownPerson)),
        "{outcome:?}"
    );
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn person_is_registered_by_write_not_filter() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = || PersonRef::Identifier(PersonIdentifier::parse("PT-1").unwrap());
    let about = || ListRequest {
        person: Some(person()),
        ..ListRequest::default()
    };
    assert!(
        fixture
            .service
            .list_files(&cx, about())
            .await
            .unwrap()
            .files
            .is_empty()
    );
    assert_eq!(
        fixture
            .repository
            .find_person(&cx, &person())
            .await
            .unwrap(),
        None
    );

    let fields = UploadFields {
        person: Some(person()),
        ..UploadFields::default()
    };
    fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await
        .unwrap();
    assert_eq!(
        fixture
            .service
            .list_files(&cx, about())
            .await
            .unwrap()
            .files
            .len(),
        1
    );
}
