//! `--dialects`: the selection of published APIs.

use crate::support::{Options, Server, run};

#[tokio::test]
async fn all_dialects_are_served_by_default() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for path in ["/files", "/api/v1/files"] {
        client.get(path).await.expect(200);
    }
    let document = client.get("/openapi.json").await.json();
    let named = |path: &str| document["paths"][path]["get"]["operationId"].clone();
    assert_eq!(named("/files"), "dokstamp_list_files");
    assert_eq!(named("/api/v1/files"), "biometricscloud_list_files");
}

#[tokio::test]
async fn only_selected_dialects_are_served() {
    let options = Options::new().environment("ATTACHE_DIALECTS", "dokstamp,flexportal");
    let server = Server::start(options).await;
    let client = server.client();
    client.get("/files").await.expect(200);
    client.get("/api/v1/files").await.problem(404, "not-found");

    let options = Options::new().argument("--dialects").argument("none");
    let server = Server::start(options).await;
    let client = server.client();
    client.get("/files").await.problem(404, "not-found");
    client.get("/v1/files").await.expect(200);

    let output = run(&mut server.command(&["serve", "--dialects", "dokstmap"]));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && stderr.contains("biometricscloud"),
        "{stderr}"
    );
}
