//! The HTTP API inside an axum application, under a prefix beside the application's own routes.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use attache::{
    ApiKeyRequest, HttpConfig, HttpService, Installation, InstallationOptions, PublicUrl, Scopes,
    TenantSlug,
};
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// The path under which the files are mounted.
const PREFIX: &str = "/attachments";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    run(&directory.path().join("attache-data")).await
}

/// Runs the example in a directory that need not exist yet.
pub(crate) async fn run(data_dir: &Path) -> anyhow::Result<()> {
    let attache = Installation::open(InstallationOptions::in_directory(data_dir)).await?;
    let key = create_key(&attache).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // The URLs that the service returns include the prefix; the requests that it receives do not.
    let public_url = PublicUrl::parse(&format!("http://{address}{PREFIX}"))?;
    let files = HttpService::new(attache.service().clone(), HttpConfig::new(public_url));
    let app = Router::new()
        .route("/", get(async || "an application with attachments"))
        .nest_service(PREFIX, files);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let stored = upload(address, &key).await?;
    let location = stored
        .headers()
        .get(header::LOCATION)
        .context("no location")?;
    println!("stored at {}", location.to_str()?);
    ensure!(stored.status() == StatusCode::CREATED);
    ensure!(
        location
            .to_str()?
            .starts_with(&format!("http://{address}{PREFIX}/v1/files/"))
    );
    let response: serde_json::Value = serde_json::from_slice(stored.body())?;
    ensure!(response["files"][0]["filename"] == "note.txt");

    serving.abort();
    attache.close().await;
    Ok(())
}

/// Creates a tenant and a key, as `attached` does at its first start.
async fn create_key(attache: &Installation) -> anyhow::Result<String> {
    let tenant = TenantSlug::parse("default")?;
    attache.administration().create_tenant(&tenant).await?;
    let request = ApiKeyRequest {
        tenant,
        name: None,
        scopes: Scopes::all(),
        lifetime: None,
    };
    let issued = attache.administration().create_api_key(request).await?;
    Ok(issued
        .context("there is no such tenant")?
        .key
        .reveal()
        .to_string())
}

/// Uploads one file, as a remote client would.
async fn upload(address: SocketAddr, key: &str) -> anyhow::Result<Response<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let (mut client, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection);
    let request = Request::post(format!("{PREFIX}/v1/files?filename=note.txt"))
        .header(header::HOST, address.to_string())
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Full::new(Bytes::from("a note")))?;
    let (head, body) = client.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
