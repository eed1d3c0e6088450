//! All files of one request are stored, or none.

use serde_json::json;

use crate::support::{Form, Options, PDF, Server, assert_nothing_left, noise, sha256_hex};

const LIMIT_BYTES: &str = "100000";

#[tokio::test]
async fn files_of_one_request_commit_together() {
    let server = Server::start(Options::new()).await;
    let form = Form::new()
        .file("file", "1.pdf", "application/pdf", PDF)
        .file(
            "file",
            "2.bin",
            "application/octet-stream",
            &noise(2, 50_000),
        )
        .file(
            "file",
            "3.bin",
            "application/octet-stream",
            &noise(3, 50_000),
        );
    let files = server.client().upload_form(form).await.expect(201).files();
    assert_eq!(files.len(), 3);
    // A follower tells them apart by their times, which rise in the order of the form.
    let times: Vec<_> = files
        .iter()
        .map(|file| file["created_at"].as_str())
        .collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    assert_eq!(server.client().list("").await.len(), 3);
}

#[tokio::test]
async fn unaccepted_type_of_one_file_refuses_all() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let files = |form: Form| {
        form.file("file", "1.pdf", "application/pdf", PDF)
            .file("file", "2.pdf", "application/pdf", &[PDF, b" "].concat())
            .file("file", "3.txt", "text/plain", b"not a PDF")
    };
    let early = files(Form::new().field("accept", "application/pdf"));
    let late = files(Form::new()).field("accept", "application/pdf");
    for form in [early, late] {
        let response = client.upload_form(form).await;
        response.problem_mentioning(422, "type-not-accepted", "3.txt");
        assert_nothing_left(&server).await;
    }
}

#[tokio::test]
async fn exceeded_size_limit_refuses_all() {
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument(LIMIT_BYTES);
    let server = Server::start(options).await;
    let client = server.client();
    let form = Form::new()
        .file(
            "file",
            "1.bin",
            "application/octet-stream",
            &noise(1, 40_000),
        )
        .file(
            "file",
            "2.bin",
            "application/octet-stream",
            &noise(2, 40_000),
        )
        .file(
            "file",
            "3.bin",
            "application/octet-stream",
            &noise(3, 40_000),
        );
    let response = client.upload_form(form).await;
    response.problem_mentioning(413, "too-large", LIMIT_BYTES);
    assert_nothing_left(&server).await;
}

#[tokio::test]
async fn invalid_field_after_files_refuses_all() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let files = || Form::new().file("file", "1.pdf", "application/pdf", PDF);
    let unknown = files().field("colour", "blue");
    client
        .upload_form(unknown)
        .await
        .problem_mentioning(422, "invalid-field", "colour");
    let invalid = files().field("category", "not a slug!");
    client
        .upload_form(invalid)
        .await
        .problem_mentioning(422, "invalid-field", "category");
    let twice = files().field("person", "a").field("person", "b");
    client
        .upload_form(twice)
        .await
        .problem_mentioning(422, "invalid-field", "person");
    let digest_for_two_files = files()
        .file("file", "2.pdf", "application/pdf", PDF)
        .field("sha256", &sha256_hex(PDF));
    client
        .upload_form(digest_for_two_files)
        .await
        .problem_mentioning(422, "invalid-field", "sha256");
    assert_nothing_left(&server).await;
}

#[tokio::test]
async fn invalid_name_of_one_file_refuses_all() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let form = Form::new()
        .file("file", "good.pdf", "application/pdf", PDF)
        .file("file", "exe.\u{202e}fdp", "application/pdf", PDF);
    client
        .upload_form(form)
        .await
        .problem_mentioning(422, "invalid-field", "filename");
    let fields = json!({});
    let response = client.upload_json("nul\0.txt", b"x", fields).await;
    response.problem_mentioning(422, "invalid-field", "filename");
    assert_nothing_left(&server).await;
}
