//! Lists: filters, orders, cursors, and links between pages.

use std::time::Duration;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration as Span, OffsetDateTime};
use url::Url;

use crate::support::{Client, Options, PDF, PNG, Server, encode_segment, id_of, sha256_hex};

/// Stores five files that differ in each property, in this order:
/// `delta` 4 bytes, `alpha` a PDF, `charlie` a PNG, `bravo` 1 byte, `alpine` archived.
async fn five_files(client: &Client) -> Vec<Value> {
    let described: [(&str, &[u8], Value); 5] = [
        (
            "delta.txt",
            b"dddd",
            json!({"person": "ann", "category": "images"}),
        ),
        (
            "alpha.pdf",
            PDF,
            json!({"person": "ann", "category": "medical"}),
        ),
        (
            "charlie.png",
            PNG,
            json!({"person": "bob", "category": "images"}),
        ),
        ("bravo.txt", b"b", json!({})),
        ("alpine.txt", b"alpine", json!({"person": "bob"})),
    ];
    let mut records = Vec::new();
    for (filename, bytes, fields) in described {
        records.push(client.store_with(filename, bytes, fields).await);
        // Gives each its own timestamp.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client
        .claim(&id_of(&records[1]), "certificate:1")
        .await
        .expect(200);
    let archive = format!("/v1/files/{}/archive", id_of(&records[4]));
    client.post(&archive).await.expect(200);
    records
}

fn created_at(record: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(record["created_at"].as_str().unwrap(), &Rfc3339).unwrap()
}

fn query_value(time: OffsetDateTime) -> String {
    encode_segment(&time.format(&Rfc3339).unwrap())
}

#[tokio::test]
async fn filters_select_matching_files() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let records = five_files(&client).await;
    let ann = records[0]["person_id"].as_str().unwrap();
    let after_first = query_value(created_at(&records[0]) + Span::milliseconds(1));
    let at_third = query_value(created_at(&records[2]));
    let digest = sha256_hex(b"b");
    let cases: Vec<(String, &[&str])> = vec![
        (
            String::new(),
            &["bravo.txt", "charlie.png", "alpha.pdf", "delta.txt"],
        ),
        (
            "state=active".into(),
            &["bravo.txt", "charlie.png", "alpha.pdf", "delta.txt"],
        ),
        ("state=archived".into(), &["alpine.txt"]),
        (
            "state=any".into(),
            &[
                "alpine.txt",
                "bravo.txt",
                "charlie.png",
                "alpha.pdf",
                "delta.txt",
            ],
        ),
        ("person=ann".into(), &["alpha.pdf", "delta.txt"]),
        (format!("person_id={ann}"), &["alpha.pdf", "delta.txt"]),
        ("person=unknown".into(), &[]),
        ("category=images".into(), &["charlie.png", "delta.txt"]),
        ("category=none".into(), &[]),
        ("person=ann&category=images".into(), &["delta.txt"]),
        ("used=true".into(), &["alpha.pdf"]),
        (
            "used=false".into(),
            &["bravo.txt", "charlie.png", "delta.txt"],
        ),
        (
            format!("uploaded_after={after_first}"),
            &["bravo.txt", "charlie.png", "alpha.pdf"],
        ),
        (
            format!("uploaded_before={at_third}"),
            &["alpha.pdf", "delta.txt"],
        ),
        (
            format!("uploaded_after={after_first}&uploaded_before={at_third}"),
            &["alpha.pdf"],
        ),
        ("uploaded_after=2126-01-01".into(), &[]),
        ("content_type=image/png".into(), &["charlie.png"]),
        (format!("sha256={digest}"), &["bravo.txt"]),
        ("name=al".into(), &["alpha.pdf"]),
        ("name=al&state=any".into(), &["alpine.txt", "alpha.pdf"]),
        ("name=%25".into(), &[]),
        ("name=_".into(), &[]),
        (
            "person=bob&state=any&sort=name".into(),
            &["alpine.txt", "charlie.png"],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(client.list_names(&query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn has_person_and_filename_filter_files() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    five_files(&client).await;
    let cases: [(&str, &[&str]); 8] = [
        (
            "has_person=true",
            &["charlie.png", "alpha.pdf", "delta.txt"],
        ),
        ("has_person=false", &["bravo.txt"]),
        ("has_person=false&person=ann", &[]),
        ("has_person=true&state=archived", &["alpine.txt"]),
        (
            "has_person=true&category=images&sort=name",
            &["charlie.png", "delta.txt"],
        ),
        ("filename=bravo.txt", &["bravo.txt"]),
        ("filename=bravo", &[]),
        ("filename=delta.txt&person=ann", &["delta.txt"]),
    ];
    for (query, expected) in cases {
        assert_eq!(client.list_names(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn sort_order_holds_with_and_without_pages() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    five_files(&client).await;
    let by_time = ["delta.txt", "alpha.pdf", "charlie.png", "bravo.txt"];
    let by_name = ["alpha.pdf", "bravo.txt", "charlie.png", "delta.txt"];
    let sizes = [
        ("bravo.txt", 1),
        ("delta.txt", 4),
        ("alpha.pdf", PDF.len()),
        ("charlie.png", PNG.len()),
    ];
    let mut by_size = sizes;
    by_size.sort_by_key(|(_, size)| *size);
    let by_size = by_size.map(|(name, _)| name);
    for (sort, ascending) in [
        ("created_at", by_time),
        ("name", by_name),
        ("size_bytes", by_size),
        ("seq", by_time),
    ] {
        let mut descending = ascending;
        descending.reverse();
        for (query, expected) in [
            (sort.to_owned(), ascending),
            (format!("-{sort}"), descending),
        ] {
            assert_eq!(
                client.list_names(&format!("sort={query}")).await,
                expected,
                "{query}"
            );
            let paged = follow_pages(&client, &format!("/v1/files?sort={query}&limit=1")).await;
            assert_eq!(paged, expected, "{query} with pages of one");
        }
    }
}

#[tokio::test]
async fn after_seq_continues_in_the_given_order() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let records = five_files(&client).await;
    let seq = |at: usize| records[at]["seq"].as_i64().unwrap();
    for (query, expected) in [
        (
            format!("sort=seq&after_seq={}", seq(1)),
            vec!["charlie.png", "bravo.txt"],
        ),
        (format!("sort=-seq&after_seq={}", seq(1)), vec!["delta.txt"]),
        (format!("sort=name&after_seq={}", seq(2)), vec!["delta.txt"]),
        (
            format!("after_seq={}", seq(2)),
            vec!["alpha.pdf", "delta.txt"],
        ),
        // A file outside the list still has a position in its order.
        (format!("sort=created_at&after_seq={}", seq(4)), vec![]),
        (
            "sort=seq&after_seq=0".to_owned(),
            vec!["delta.txt", "alpha.pdf", "charlie.png", "bravo.txt"],
        ),
    ] {
        assert_eq!(client.list_names(&query).await, expected, "{query}");
        let paged = follow_pages(&client, &format!("/v1/files?{query}&limit=1")).await;
        assert_eq!(paged, expected, "{query} with pages of one");
    }
    // Sorted by number, the position remains after the file is deleted.
    let charlie = format!("/v1/files/{}", id_of(&records[2]));
    client.delete(&charlie).await.expect(204);
    let by_seq = format!("sort=seq&after_seq={}", seq(2));
    assert_eq!(client.list_names(&by_seq).await, ["bravo.txt"]);
    let by_name = format!("/v1/files?sort=name&after_seq={}", seq(2));
    let refused = client.get(&by_name).await;
    refused.problem_mentioning(400, "invalid-parameter", "after_seq");
    let first = client.get("/v1/files?sort=seq&limit=1").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let both = format!("/v1/files?sort=seq&cursor={cursor}&after_seq=1");
    let refused = client.get(&both).await;
    refused.problem_mentioning(400, "invalid-parameter", "after_seq");
}

/// Follows `Link: rel="next"` from page to page; returns the filenames.
async fn follow_pages(client: &Client, first: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut target = first.to_owned();
    for _ in 0..100 {
        let page = client.get(&target).await.expect(200);
        let files = page.files();
        names.extend(
            files
                .iter()
                .map(|file| file["filename"].as_str().unwrap().to_owned()),
        );
        let cursor = page.json()["next_cursor"].clone();
        let Some(link) = page.find_header("link") else {
            assert_eq!(cursor, Value::Null, "a cursor without a link");
            return names;
        };
        assert!(link.ends_with("rel=\"next\""), "{link}");
        let next = Url::parse(&link[1..link.find('>').unwrap()]).unwrap();
        let linked = next.query_pairs().find(|(name, _)| name == "cursor");
        assert_eq!(linked.unwrap().1, cursor.as_str().unwrap());
        target = next.into();
    }
    panic!("the pages never end: {names:?}");
}

#[tokio::test]
async fn next_link_keeps_the_filters() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for number in 0..7 {
        let person = if number % 2 == 0 { "even/&=?" } else { "odd" };
        client
            .store_with(&format!("{number}.txt"), b"x", json!({"person": person}))
            .await;
    }
    let first = format!(
        "/v1/files?person={}&sort=name&limit=2",
        encode_segment("even/&=?")
    );
    assert_eq!(
        follow_pages(&client, &first).await,
        ["0.txt", "2.txt", "4.txt", "6.txt"]
    );
}

#[tokio::test]
async fn cursor_is_valid_for_its_own_list_only() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for number in 0..3 {
        client.store(&format!("{number}.txt"), b"x").await;
    }
    let page = client
        .get("/v1/files?limit=1&sort=name")
        .await
        .expect(200)
        .json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let with = |query: &str| format!("/v1/files?{query}&cursor={cursor}");
    client.get(&with("limit=2&sort=name")).await.expect(200);
    for query in [
        "sort=-name",
        "sort=created_at",
        "sort=name&state=any",
        "sort=name&person=x",
    ] {
        // The list of an unknown person is empty with any cursor.
        let response = client.get(&with(query)).await;
        if response.status == 200 {
            assert!(
                query.contains("person") && response.files().is_empty(),
                "{query}"
            );
        } else {
            response.problem(400, "invalid-cursor");
        }
    }
    let other = server.other_tenant("other");
    other
        .get(&with("sort=name"))
        .await
        .problem(400, "invalid-cursor");
    let mut changed = cursor.to_owned();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    let response = client
        .get(&format!("/v1/files?sort=name&cursor={changed}"))
        .await;
    response.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn invalid_parameters_are_refused_and_named() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    client.store("a.txt", b"a").await;
    let cases = [
        ("colour=blue", "colour"),
        ("Person=ann", "Person"),
        ("state=gone", "state"),
        ("used=maybe", "used"),
        ("used=", "used"),
        ("has_person=some", "has_person"),
        ("filename=..", "filename"),
        ("after_seq=x", "after_seq"),
        ("after_seq=99", "after_seq"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=-1", "limit"),
        ("sort=colour", "sort"),
        ("sort=--name", "sort"),
        ("uploaded_after=yesterday", "uploaded_after"),
        ("uploaded_before=2026-13-01", "uploaded_before"),
        ("sha256=abc", "sha256"),
        ("content_type=image", "content_type"),
        ("person_id=7", "person_id"),
        ("category=a%20b", "category"),
        ("limit=5&limit=5", "limit"),
        ("person=%ff", "person"),
        ("person=%zz", "person"),
    ];
    for (query, named) in cases {
        let response = client.get(&format!("/v1/files?{query}")).await;
        response.problem_mentioning(400, "invalid-parameter", named);
    }
    client
        .get("/v1/files?cursor=abc")
        .await
        .problem(400, "invalid-cursor");
    client.get("/v1/files?cursor=").await.expect(200);
    client.get("/v1/files?limit=1000").await.expect(200);
}
