//! biometricscloud, tested with the commands of its page.

use serde_json::json;

use crate::support::{Options, PageReader, Server, assert_shape, has_program};

/// The printed response to create, read and update.
const RECORD: &str = r#"
    {
        "description": "This is a sample record",
        "type": 1,
        "state": 1,
        "file_name": "lalal.png",
        "file_url": "https://ipreqnancy-qa.nyc3.digitaloceanspaces.com/tenant/1/private/uploads/07b90d0b-07c4-4dfb-a9da-459d647c18e9-lalal.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ECYCCCUHLER27NMNI5OE%2F20220130%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20220130T052448Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=21b2bded890fa5be5122a2804de170844f56ed47c54985ed14780740a6429e50"
    }
"#;

const LIST: &str = r#"
    {
        "next_id": 3,
        "count": 1,
        "results": [
            {
                "id": 3,
                "uuid": "5fe0f10d-cb3c-4232-9f61-5e1b5b1c8f2c",
                "tenant_id": 1,
                "user_id": 1,
                "description": "This is a sample record",
                "type": 1,
                "state": 1,
                "created_time": "2022-01-30T00:24:48.259289-05:00",
                "file_name": "lalal.png"
            }
        ]
    }
"#;

const CREATE: &str = r#"
curl -X POST \
    -H "Content-Type: application/json" \
    -H "Authorization: Bearer VSvXrNLlQCeCdTJjGUJgKw" \
    -d '{"description":"This is a sample record","type":1,"upload_content":"xyz","upload_filename":"lalal.png"}
' \
    https://biometricscloud.net/api/v1/files
"#;

const GET_LIST: &str = r#"
curl "https://biometricscloud.net/api/v1/files" \
    -H "Authorization: Bearer VSvXrNLlQCeCdTJjGUJgKw" \
    -H "Content-Type: application/json"
"#;

const GET_ONE: &str = r#"
curl "https://biometricscloud.net/api/v1/file/1" \
    -H "Authorization: Bearer VSvXrNLlQCeCdTJjGUJgKw" \
    -H "Content-Type: application/json"
"#;

const UPDATE: &str = r#"
curl -X PUT \
    -H "Content-Type: application/json" \
    -H "Authorization: Bearer VSvXrNLlQCeCdTJjGUJgKw" \
    -d '{"description":"This is a sample record","type":1,"upload_filename":"lalal.png"}' \
    https://biometricscloud.net/api/v1/file/1
"#;

const DELETE: &str = r#"
curl -X DELETE "https://biometricscloud.net/api/v1/file/1" \
     -H "Authorization: Bearer VSvXrNLlQCeCdTJjGUJgKw"
"#;

/// The page prints each command for its own host and for a local one.
const HOSTS: [&str; 2] = ["https://biometricscloud.net", "http://127.0.0.1:8000"];

fn on_local_host(command: &str) -> String {
    command.replace(HOSTS[0], HOSTS[1])
}

async fn start_with_page() -> (Server, PageReader) {
    let server = Server::start(Options::new()).await;
    let page = PageReader::new(&[
        (HOSTS[0], server.url()),
        (HOSTS[1], server.url()),
        ("VSvXrNLlQCeCdTJjGUJgKw", server.key()),
    ]);
    (server, page)
}

#[tokio::test]
async fn printed_commands_work() {
    if !has_program("curl", "biometricscloud") {
        return;
    }
    let (server, mut page) = start_with_page().await;
    let created = page.curl(CREATE).json(200);
    assert_shape(RECORD, &created);
    let id = created["id"].as_i64().unwrap();
    page.replace("/api/v1/file/1", &format!("/api/v1/file/{id}"));
    let more = page.curl(&on_local_host(CREATE)).json(200);
    assert!(more["id"].as_i64() > Some(id), "{more}");

    for command in [GET_LIST.to_owned(), on_local_host(GET_LIST)] {
        let list = page.curl(&command).json(200);
        assert_shape(LIST, &list);
        assert_eq!((&list["count"], &list["next_id"]), (&json!(2), &json!(id)));
    }
    for command in [GET_ONE, UPDATE] {
        for command in [command.to_owned(), on_local_host(command)] {
            let record = page.curl(&command).json(200);
            assert_shape(RECORD, &record);
            for field in ["id", "description", "type", "state", "file_name"] {
                assert_eq!(record[field], created[field], "{field}");
            }
            let url = record["file_url"].as_str().unwrap();
            assert!(url.contains("/lalal.png?"), "{url}");
            let bytes = server.anonymous().get(url).await.expect(200).body;
            // `xyz` is two bytes in base64, and two spare bits.
            assert_eq!(bytes, &b"\xc7\x2c"[..]);
        }
    }
    for command in [DELETE.to_owned(), on_local_host(DELETE)] {
        let deleted = page.curl(&command);
        assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    }
    let archived = page.curl(GET_ONE).json(200);
    assert_eq!(
        (&archived["state"], &archived["file_url"]),
        (&json!(2), &json!(""))
    );
    assert_eq!(
        page.curl(GET_LIST).json(200)["results"][0]["id"],
        more["id"]
    );
}

#[tokio::test]
async fn last_id_continues_the_list() {
    if !has_program("curl", "biometricscloud") {
        return;
    }
    let (server, page) = start_with_page().await;
    let mut created: Vec<_> = (0..5)
        .map(|_| page.curl(CREATE).json(200)["id"].clone())
        .collect();
    for (order, newest_first) in [("asc", false), ("desc", true)] {
        for field in ["id", "created_time"] {
            let mut seen = Vec::new();
            let mut offset = String::new();
            loop {
                let query = format!("limit=2&sort_order={order}&sort_field={field}{offset}");
                let target = format!("/api/v1/files?{query}");
                let list = server.client().get(&target).await.expect(200).json();
                let results = list["results"].as_array().unwrap();
                seen.extend(results.iter().map(|record| record["id"].clone()));
                assert!(seen.len() <= created.len(), "the list does not end");
                if list["next_id"].is_null() {
                    break;
                }
                offset = format!("&offset={}", list["next_id"]);
            }
            created.sort_by_key(|id| {
                let id = id.as_i64().unwrap();
                if newest_first { -id } else { id }
            });
            assert_eq!(seen, created, "{order} {field}");
        }
    }
}

#[tokio::test]
async fn content_of_several_mebibytes_is_accepted() {
    let (server, _) = start_with_page().await;
    let body = json!({
        "upload_content": "QUJD".repeat(2 << 20),
        "upload_filename": "large.txt",
    });
    let record = server
        .client()
        .post_json("/api/v1/files", &body)
        .await
        .expect(200)
        .json();
    let url = record["file_url"].as_str().unwrap();
    assert_eq!(
        server.anonymous().get(url).await.expect(200).body.len(),
        6 << 20
    );
    for wrong in ["Zm9v-Zm9v", "-_-_", "Z"] {
        let body = json!({ "upload_content": wrong, "upload_filename": "a.txt" });
        let response = server.client().post_json("/api/v1/files", &body).await;
        response.problem_mentioning(422, "invalid-field", "upload_content");
    }
}
