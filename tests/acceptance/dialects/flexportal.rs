//! flexportal, tested with the commands and scripts of its page.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{
    Client, Options, PDF, PageReader, Response, Server, assert_shape, has_program, id_of, run,
};

const GET_URL: &str = r#"
curl --request POST \
  --url https://api-eu.flexportal.io/v1/files/url \
  --header 'Authorization: Bearer <token>' \
  --header 'Content-Type: application/json' \
  --header 'Tenant-ID: <tenant-id>' \
  --data '
{
  "fileId": "<string>",
  "action": "view",
  "expiresInMinutes": 60
}
'
"#;

/// As printed, except `url`: printed as plain text, but a URL in the page's schema.
const URL: &str = r#"
{
  "success": true,
  "url": "https://<string>",
  "filename": "<string>",
  "contentType": "<string>",
  "fileSize": 1,
  "expiresAt": 1
}
"#;

const DOWNLOAD_BODY: &str = r#"
{
  "action": "download",
  "fileId": "file_abc123"
}
"#;

/// As printed, except `expiresAt`: a number, as in the page's schema.
const DOWNLOAD_URL: &str = r#"
{
  "url": "https://storage.example.com/files/abc123?signature=...",
  "expiresAt": 1
}
"#;

const UPLOAD_BODY: &str = r#"
{
  "action": "upload",
  "fileName": "contract-order-123.pdf",
  "contentType": "application/pdf"
}
"#;

/// As printed, except `expiresAt`: a number, as in the page's schema.
const UPLOAD_URL: &str = r#"
{
  "url": "https://storage.example.com/upload?signature=...",
  "fileId": "file_xyz789",
  "expiresAt": 1
}
"#;

/// As printed.
const DOWNLOAD_FILE: &str = r"
async function downloadFile(fileId) {
  // Get signed download URL
  const { url } = await getFileUrl({
    action: 'download',
    fileId
  });

  // Download using the signed URL
  const response = await fetch(url);
  return await response.blob();
}
";

/// As printed.
const UPLOAD_FILE: &str = r"
async function uploadFile(file) {
  // Get signed upload URL
  const { url, fileId } = await getFileUrl({
    action: 'upload',
    fileName: file.name,
    contentType: file.type
  });

  // Upload to signed URL
  await fetch(url, {
    method: 'PUT',
    body: file,
    headers: {
      'Content-Type': file.type
    }
  });

  return fileId;
}
";

/// Not printed: the request of the page's curl command.
const GET_FILE_URL: &str = r"
async function getFileUrl(body) {
  const response = await fetch(`${process.env.BASE_URL}/v1/files/url`, {
    method: 'POST',
    headers: {
      'Authorization': `Bearer ${process.env.TOKEN}`,
      'Content-Type': 'application/json',
      'Tenant-ID': process.env.TENANT
    },
    body: JSON.stringify(body)
  });
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}
";

/// Uses the page's functions for a file whose type a browser knows, and for one whose type it does not.
const STORY: &str = r"
async function roundTrip(name, type) {
  const bytes = Buffer.from(process.env.CONTENT, 'base64');
  const file = new File([bytes], name, { type });
  const id = await uploadFile(file);
  const blob = await downloadFile(id);
  const back = Buffer.from(await blob.arrayBuffer()).toString('base64');
  return { id, type: blob.type, back };
}

(async () => {
  const { File: BuiltIn } = require('node:buffer');
  globalThis.File ??= BuiltIn;
  console.log(JSON.stringify([
    await roundTrip('contract-order-123.pdf', 'application/pdf'),
    await roundTrip('contract-order-124.xyz', '')
  ]));
})();
";

async fn start_with_page() -> (Server, PageReader) {
    let server = Server::start(Options::new()).await;
    let page = PageReader::new(&[
        ("https://api-eu.flexportal.io", server.url()),
        ("<token>", server.key()),
        ("<tenant-id>", "default"),
    ]);
    (server, page)
}

/// Requests a URL with one of the page's bodies.
async fn request_url(client: &Client, body: &str, file: &str) -> Value {
    let body = serde_json::from_str(&body.replace("file_abc123", file)).unwrap();
    let response = client.post_json("/v1/files/url", &body).await;
    response.expect(200).json()
}

async fn put(server: &Server, url: &str, content_type: &str) -> Response {
    let request = server.anonymous().request("PUT", url);
    request.body(content_type, PDF).send().await
}

#[tokio::test]
async fn printed_command_works() {
    if !has_program("curl", "flexportal") {
        return;
    }
    let (server, mut page) = start_with_page().await;
    let id = id_of(&server.client().store("contract.pdf", PDF).await);
    page.replace("<string>", &id);
    let response = page.curl(GET_URL).json(200);
    assert_shape(URL, &response);
    assert_eq!(
        (
            &response["filename"],
            &response["contentType"],
            &response["fileSize"]
        ),
        (
            &json!("contract.pdf"),
            &json!("application/pdf"),
            &json!(PDF.len())
        )
    );
    let anyone = server.anonymous();
    let viewed = anyone.get(response["url"].as_str().unwrap()).await;
    let viewed = viewed.expect(200);
    assert_eq!(viewed.body, PDF);
    let disposition = viewed.header("content-disposition");
    assert!(disposition.starts_with("inline"), "{disposition}");

    let response = request_url(&server.client(), DOWNLOAD_BODY, &id).await;
    assert_shape(DOWNLOAD_URL, &response);
    assert_shape(URL, &response);
    let saved = anyone.get(response["url"].as_str().unwrap()).await;
    let saved = saved.expect(200);
    let disposition = saved.header("content-disposition");
    assert!(disposition.starts_with("attachment"), "{disposition}");
}

#[tokio::test]
async fn one_put_of_the_declared_type_creates_the_file() {
    let (server, _) = start_with_page().await;
    let client = server.client();
    let pending = request_url(&client, UPLOAD_BODY, "").await;
    assert_shape(UPLOAD_URL, &pending);
    assert_shape(URL, &pending);
    let url = pending["url"].as_str().unwrap();
    // A refused PUT does not consume the URL.
    let refused = put(&server, url, "text/plain").await;
    refused.problem(422, "type-not-accepted");
    let (one, two) = tokio::join!(
        put(&server, url, "application/pdf"),
        put(&server, url, "application/pdf")
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let again = put(&server, url, "application/pdf").await;
    again.problem(409, "upload-completed");

    let id = pending["fileId"].as_str().unwrap();
    let response = request_url(&client, DOWNLOAD_BODY, id).await;
    assert_eq!(response["filename"], "contract-order-123.pdf");
    let anyone = server.anonymous();
    let saved = anyone.get(response["url"].as_str().unwrap()).await;
    assert_eq!(saved.expect(200).body, PDF);
    assert_eq!(client.list("").await.len(), 1);
}

#[tokio::test]
async fn upload_url_accepts_any_origin() {
    const ORIGIN: &str = "https://portal.example.org";
    let (server, _) = start_with_page().await;
    let pending = request_url(&server.client(), UPLOAD_BODY, "").await;
    let url = pending["url"].as_str().unwrap();
    let preflight = server.anonymous().request("OPTIONS", url);
    let preflight = preflight
        .header("origin", ORIGIN)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), ORIGIN);
    let methods = preflight.header("access-control-allow-methods");
    assert!(methods.contains("PUT"), "{methods}");
    let headers = preflight.header("access-control-allow-headers");
    assert!(headers.contains("content-type"), "{headers}");
}

#[tokio::test]
async fn printed_functions_upload_and_download() {
    if !has_program("node", "flexportal") {
        return;
    }
    let (server, page) = start_with_page().await;
    let script = [GET_FILE_URL, DOWNLOAD_FILE, UPLOAD_FILE, STORY].concat();
    let script = page.write("page.cjs", script.as_bytes());
    let mut node = Command::new("node");
    node.arg(script)
        .env("BASE_URL", server.url())
        .env("TOKEN", server.key())
        .env("TENANT", "default")
        .env("CONTENT", STANDARD.encode(PDF));
    let output = run(&mut node);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let printed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(printed.len(), 2);
    for back in &printed {
        assert_eq!(back["back"], STANDARD.encode(PDF), "{back}");
        // The bytes decide the type if the browser sends none.
        assert_eq!(back["type"], "application/pdf");
        let record = server.client().record(back["id"].as_str().unwrap()).await;
        assert_eq!(record.expect(200).json()["size_bytes"], PDF.len());
    }
}
