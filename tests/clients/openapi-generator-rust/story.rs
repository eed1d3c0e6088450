//! One story with the client that openapi-generator makes for Rust.

use std::path::PathBuf;

use attache_client::apis::configuration::Configuration;
use attache_client::apis::{Error, claims_api, content_api, files_api, links_api, uploads_api};
use attache_client::models::{
    Claim, FilePatch, LinkAction, NewLink, NewUpload, SortOrder, UploadJson, UploadState,
};

fn write(name: &str, bytes: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let api = Configuration {
        base_path: std::env::var("BASE").unwrap(),
        bearer_access_token: std::env::var("KEY").ok(),
        ..Configuration::default()
    };

    // A form with two files: fields that are not given are absent.
    let files = vec![write("one.txt", "one"), write("two.txt", "two")];
    let uploaded = files_api::upload_files(
        &api, files, None, None, None, Some("letters"), None, None, None, None, None, None,
    );
    let uploaded = uploaded.await.unwrap().files;
    let [one, two] = &uploaded[..] else { panic!("{uploaded:?}") };
    let (one_id, two_id) = (one.id.to_string(), two.id.to_string());
    assert!(one.filename.ends_with("one.txt"));
    assert_eq!((one.category.as_deref(), &one.person), (Some("letters"), &None));

    // The bytes themselves, and base64.
    let three = write("three.txt", "three");
    let raw = files_api::upload_raw(
        &api, "three.txt", three, Some("PT-1"), None, None, None, None, None, None, None, None,
    );
    let raw = raw.await.unwrap().files;
    assert_eq!((raw[0].person.as_deref(), raw[0].size_bytes), (Some("PT-1"), 5));
    let four = UploadJson::new("four.txt".into(), "Zm91cg==".into());
    files_api::upload_json(&api, four).await.unwrap();

    // Two pages.
    let list = async |cursor: Option<&str>| {
        files_api::list_files(
            &api, None, None, None, None, None, None, None, None, None, None, None, None,
            Some(SortOrder::Seq), Some(3), cursor, None,
        )
        .await
        .unwrap()
    };
    let first = list(None).await;
    assert_eq!(first.files.len(), 3);
    let second = list(first.next_cursor.as_deref()).await;
    assert_eq!((second.files.len(), second.next_cursor), (1, None));
    assert_eq!(second.files[0].filename, "four.txt");

    // A change, in which null differs from absent.
    let patch = FilePatch { category: Some(None), name: Some("First".into()), ..FilePatch::new() };
    let changed = files_api::change_file(&api, &one_id, patch, None).await.unwrap();
    assert_eq!((&*changed.name, changed.category, &changed.filename), ("First", None, &one.filename));

    // One holder claims it; another is refused with a problem.
    let claim = |holder: &str| claims_api::claim_file(&api, &one_id, Claim::new(holder.into()));
    let claimed = claim("certificate:42").await.unwrap();
    assert_eq!(claimed.used_by.as_deref(), Some("certificate:42"));
    let Err(Error::ResponseError(refused)) = claim("certificate:43").await else {
        panic!("claimed twice");
    };
    assert!(refused.content.contains("urn:attache:problem:file-claimed"), "{}", refused.content);
    let released = claims_api::release_claim(&api, &one_id, "certificate:42").await;
    assert_eq!(released.unwrap().used_by, None);

    // The bytes: with the key, and by a link.
    let bytes = content_api::read_content(&api, &two_id, None, None, None, None, None, None, None);
    assert_eq!(bytes.await.unwrap().text().await.unwrap(), "two");
    let new = NewLink { action: Some(LinkAction::View), expires_in: Some(Some(60)) };
    let link = links_api::create_link(&api, &two_id, new).await.unwrap();
    let linked = reqwest::get(&link.url).await.unwrap();
    assert_eq!(linked.text().await.unwrap(), "two");

    // A direct upload: anyone who has the URL sends the bytes.
    let new = NewUpload { size_bytes: Some(Some(4)), ..NewUpload::new("five.txt".into(), "text/plain".into()) };
    let pending = uploads_api::begin_upload(&api, new).await.unwrap();
    let method = reqwest::Method::from_bytes(pending.method.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(method, &pending.url).body("five");
    for (name, value) in &pending.headers {
        request = request.header(name, value);
    }
    assert_eq!(request.send().await.unwrap().status(), 201);
    let upload = uploads_api::get_upload(&api, &pending.id.to_string()).await.unwrap();
    assert_eq!(upload.state, UploadState::Completed);
    assert_eq!(upload.file.unwrap().size_bytes, 4);
}
