//! Filenames are returned byte for byte, as read by an independent parser.

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;
use serde_json::json;

use crate::support::{Form, Options, PDF, Server, encode_segment, id_of};

/// Parses a `Content-Disposition` with a mail library; returns its type and the name that RFC 6266
/// prefers. The library represents `filename*` as a further `filename`, after the plain one.
fn parse_disposition(header: &str) -> (String, String) {
    let line = format!("{header}\r\n");
    let parsed = MessageStream::new(line.as_bytes()).parse_content_type();
    let HeaderValue::ContentType(parsed) = parsed else {
        panic!("not a disposition: {header}");
    };
    let parameters = parsed.attributes.unwrap_or_default();
    let mut names = parameters
        .iter()
        .filter(|parameter| parameter.name == "filename");
    let name = names
        .next_back()
        .unwrap_or_else(|| panic!("no name in {header}"));
    (parsed.c_type.to_string(), name.value.to_string())
}

fn awkward_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "naïve résumé \"2\".pdf",
        "中文.pdf",
        "%41.txt",
        "a;b=c.txt",
        "'quoted'.txt",
        "plain.txt",
        "two  spaces .txt",
        " leading and trailing ",
        "UTF-8''trick.txt",
        "a, b.txt",
        "100%.txt",
        "#hash?query&and=more+plus.txt",
        "emoji 🗂️.pdf",
        ".hidden",
        "no extension",
        "=?utf-8?q?mail?=.txt",
        "<script>.html",
        "a*b|c.txt",
        "CON",
        "$(touch x).sh",
        "é",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push(format!("{}.pdf", "n".repeat(251)));
    names.push(format!("{}x.pdf", "é".repeat(125)));
    names
}

#[tokio::test]
async fn filename_survives_every_upload_and_download() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for name in awkward_names() {
        assert!(name.len() <= 255, "{name}");
        let in_json = client
            .store_with(&name, PDF, json!({"visibility": "public"}))
            .await;
        let in_query = client.upload_raw(&name, "&visibility=public", PDF).await;
        for record in [in_json, in_query.expect(201).only_file()] {
            assert_eq!(record["filename"], name.as_str());
            assert_eq!(record["name"], name.as_str());
            let id = id_of(&record);
            let link = client.link(&id, &json!({"action": "download"})).await;
            for address in [
                format!("/v1/files/{id}/content"),
                format!("/v1/public/{id}/{}", encode_segment(&name)),
                link,
            ] {
                let response = server.client().get(&address).await.expect(200);
                let read = parse_disposition(response.header("content-disposition"));
                assert_eq!(read, ("attachment".into(), name.clone()), "{address}");
                assert_eq!(response.body, PDF, "{address}");
            }
        }
    }
}

#[tokio::test]
async fn multipart_filenames_of_real_clients_are_decoded() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let cases = [
        ("filename=\"中文.pdf\"", "中文.pdf"),
        (
            "filename=\"naïve résumé %222%22.pdf\"",
            "naïve résumé \"2\".pdf",
        ),
        ("filename=\"say \\\"2\\\".pdf\"", "say \"2\".pdf"),
        ("filename=plain.pdf", "plain.pdf"),
        ("filename=\"a;b=c.txt\"", "a;b=c.txt"),
        ("filename=\"%41.txt\"", "%41.txt"),
        // Forms have no `filename*` (RFC 7578, section 4.2), but .NET sends it.
        (
            "filename=\"x.pdf\"; filename*=UTF-8''%E4%B8%AD%E6%96%87.pdf",
            "中文.pdf",
        ),
        ("filename=\"C:\\Users\\me\\scan.pdf\"", "scan.pdf"),
        ("filename=\"../../etc/passwd\"", "passwd"),
    ];
    for (parameter, expected) in cases {
        let head = format!(
            "Content-Disposition: form-data; name=\"file\"; {parameter}\r\n\
             Content-Type: application/pdf"
        );
        let response = client
            .upload_form(Form::new().part(&head, PDF))
            .await
            .expect(201);
        assert_eq!(response.only_file()["filename"], expected, "{parameter}");
    }
}

#[tokio::test]
async fn filenames_are_normalised_or_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let decomposed = client.store("e\u{301}.txt", b"x").await;
    assert_eq!(decomposed["filename"], "\u{e9}.txt");
    let too_long = "n".repeat(256);
    let refused = [
        "a\nb.txt",
        "a\0b",
        "exe.\u{202e}fdp",
        "\u{2066}x",
        "a/..",
        ".",
        "",
        &too_long,
    ];
    for name in refused {
        let response = client.upload_json(name, b"x", json!({})).await;
        response.problem_mentioning(422, "invalid-field", "filename");
        let response = client.upload_raw(name, "", b"x").await;
        response.problem_mentioning(400, "invalid-parameter", "filename");
    }
    assert_eq!(client.list("").await.len(), 1);
}
