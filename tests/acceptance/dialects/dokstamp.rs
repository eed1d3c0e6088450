//! dokstamp, tested with the commands of its page.

use serde_json::{Value, json};

use crate::support::{Options, PDF, PageReader, Server, assert_shape, has_program, id_of};

const FILE_OBJECT: &str = r#"
{
"uuid": "h8i9j0k1-l2m3-4567-nopq-678901234567",
"original_name": "diploma-maria-silva.pdf",
"mime_type": "application/pdf",
"extension": "pdf",
"size": 245760,
"used_at": null,
"file": "https://storage.dokstamp.eu/files/h8i9j0k1.pdf"
}
"#;

const UPLOAD_ONE: &str = r#"
curl -X POST https://api.dokstamp.eu/files \
-H "Authorization: Bearer {TOKEN}" \
-H "Accept: application/json" \
-H "X-Tenant: {TENANT}" \
-F "files[]=@/path/to/diploma-maria-silva.pdf"
"#;

const UPLOAD_SEVERAL: &str = r#"
curl -X POST https://api.dokstamp.eu/files \
-H "Authorization: Bearer {TOKEN}" \
-H "Accept: application/json" \
-H "X-Tenant: {TENANT}" \
-F "files[]=@diploma-1.pdf" \
-F "files[]=@diploma-2.pdf" \
-F "files[]=@diploma-3.pdf"
"#;

const UPLOADED: &str = r#"
{
"data": [
{
"uuid": "h8i9j0k1-l2m3-4567-nopq-678901234567",
"original_name": "diploma-maria-silva.pdf",
"mime_type": "application/pdf",
"size": 245760,
"used_at": null
}
]
}
"#;

const DOWNLOAD: &str = r#"
curl "https://api.dokstamp.eu/files/h8i9j0k1-l2m3-4567-nopq-678901234567/download" \
--output diploma.pdf
"#;

async fn start_with_page() -> (Server, PageReader) {
    start_with_page_and(Options::new()).await
}

async fn start_with_page_and(options: Options) -> (Server, PageReader) {
    let server = Server::start(options).await;
    let mut page = PageReader::new(&[
        ("https://api.dokstamp.eu", server.url()),
        ("{TOKEN}", server.key()),
        ("{TENANT}", "default"),
    ]);
    let path = page.write("diploma-maria-silva.pdf", PDF);
    page.replace("/path/to/diploma-maria-silva.pdf", path.to_str().unwrap());
    for number in 1..=3 {
        let bytes = [PDF, format!("% {number}").as_bytes()].concat();
        page.write(&format!("diploma-{number}.pdf"), &bytes);
    }
    (server, page)
}

#[tokio::test]
async fn printed_commands_work() {
    if !has_program("curl", "dokstamp") {
        return;
    }
    let (server, mut page) = start_with_page().await;
    let uploaded = page.curl(UPLOAD_ONE).json(201);
    assert_shape(UPLOADED, &uploaded);
    let file = &uploaded["data"][0];
    assert_shape(FILE_OBJECT, file);
    assert_eq!(file["original_name"], "diploma-maria-silva.pdf");
    assert_eq!(file["size"], PDF.len());
    // A second upload returns the same file.
    assert_eq!(page.curl(UPLOAD_ONE).json(201), uploaded);

    let several = page.curl(UPLOAD_SEVERAL).json(201);
    assert_shape(UPLOADED, &several);
    let data = several["data"].as_array().unwrap();
    let names = data
        .iter()
        .map(|file| file["original_name"].as_str().unwrap());
    let expected = ["diploma-1.pdf", "diploma-2.pdf", "diploma-3.pdf"];
    assert_eq!(names.collect::<Vec<_>>(), expected);

    let uuid = file["uuid"].as_str().unwrap();
    page.replace("h8i9j0k1-l2m3-4567-nopq-678901234567", uuid);
    assert_eq!(page.curl(DOWNLOAD).status, 200);
    assert_eq!(page.read("diploma.pdf"), PDF);
    let direct = server.anonymous().get(file["file"].as_str().unwrap()).await;
    assert_eq!(direct.expect(200).body, PDF);

    let unused = server
        .client()
        .get("/files?where[used_at]=null")
        .await
        .json();
    assert_shape(UPLOADED, &unused);
    assert_eq!(unused["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn download_never_redirects() {
    if !has_program("curl", "dokstamp") {
        return;
    }
    let options = Options::new().environment("ATTACHE_DOWNLOADS", "redirect");
    let (server, mut page) = start_with_page_and(options).await;
    let file = page.curl(UPLOAD_ONE).json(201)["data"][0].clone();
    let uuid = file["uuid"].as_str().unwrap();
    page.replace("h8i9j0k1-l2m3-4567-nopq-678901234567", uuid);
    assert_eq!(page.curl(DOWNLOAD).status, 200);
    assert_eq!(page.read("diploma.pdf"), PDF);
    let direct = server.anonymous().get(file["file"].as_str().unwrap()).await;
    assert_eq!(direct.expect(200).body, PDF);
}

#[tokio::test]
async fn file_is_used_once_and_kept_while_used() {
    if !has_program("curl", "dokstamp") {
        return;
    }
    let (server, page) = start_with_page().await;
    let client = server.client();
    let file = page.curl(UPLOAD_ONE).json(201)["data"][0].clone();
    let uuid = file["uuid"].as_str().unwrap();
    client.claim(uuid, "certificate:42").await.expect(200);

    let target = format!("/files/{uuid}");
    let used = client.get(&target).await.expect(200).json();
    assert!(used["data"]["used_at"].is_string(), "{used}");
    let unused = client.get("/files?where[used_at]=null").await.json();
    assert_eq!(unused["data"], json!([]));
    client.delete(&target).await.problem(409, "file-claimed");
    let another = page.curl(UPLOAD_ONE).json(201)["data"][0].clone();
    assert_ne!(another["uuid"], file["uuid"]);

    client.release(uuid, "certificate:42").await.expect(200);
    client.delete(&target).await.expect(204);
    client.get(&target).await.problem(404, "not-found");
}

#[tokio::test]
async fn non_pdf_upload_is_refused() {
    if !has_program("curl", "dokstamp") {
        return;
    }
    let (server, page) = start_with_page().await;
    page.write("diploma-2.pdf", b"no pdf at all");
    let refused = page.curl(UPLOAD_SEVERAL).json(422);
    assert_eq!(refused["type"], "urn:attache:problem:type-not-accepted");
    let none: Vec<Value> = server.client().list("").await;
    assert_eq!(none, [] as [Value; 0]);
}

#[tokio::test]
async fn other_tenant_in_header_is_refused() {
    let (server, _) = start_with_page().await;
    server.create_tenant("north");
    let request = server.client().request("GET", "/files");
    let response = request.header("X-Tenant", "north").send().await;
    response.problem(403, "other-tenant");
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    let stranger = server.other_tenant("south");
    stranger
        .get(&format!("/files/{id}"))
        .await
        .problem(404, "not-found");
}
