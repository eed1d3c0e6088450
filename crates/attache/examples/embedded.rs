//! Files without HTTP: the service embedded in another program.

use std::path::Path;

use anyhow::{Context as _, ensure};
use attache::model::{PersonIdentifier, PersonRef};
use attache::{
    ApiKeyRequest, Body, Context, FileService, Filename, Holder, IncomingFile, Installation,
    InstallationOptions, ListRequest, RequestId, Scopes, ServiceError, TenantSlug, UploadFields,
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    run(&directory.path().join("attache-data")).await
}

/// Runs the example in a directory that need not exist yet.
pub(crate) async fn run(data_dir: &Path) -> anyhow::Result<()> {
    let attache = Installation::open(InstallationOptions::in_directory(data_dir)).await?;
    let cx = sign_in(&attache).await?;
    manage_file(attache.service(), &cx).await?;
    attache.close().await;
    Ok(())
}

/// Creates a tenant and a key, and authenticates with the key.
async fn sign_in(attache: &Installation) -> anyhow::Result<Context> {
    let tenant = TenantSlug::parse("school-7")?;
    attache.administration().create_tenant(&tenant).await?;
    let request = ApiKeyRequest {
        tenant,
        name: Some("example".to_owned()),
        scopes: Scopes::all(),
        lifetime: None,
    };
    let issued = attache.administration().create_api_key(request).await?;
    let key = issued.context("there is no such tenant")?.key;
    let request_id = RequestId::parse("example-1")?;
    Ok(attache
        .service()
        .authenticate(&key.reveal(), request_id)
        .await?)
}

/// Uploads, lists, reads, claims, releases and deletes.
async fn manage_file(files: &FileService, cx: &Context) -> anyhow::Result<()> {
    let pupil = PersonRef::Identifier(PersonIdentifier::parse("pupil-12")?);
    let scan = IncomingFile::named(Filename::parse("diploma.pdf")?);
    let fields = UploadFields {
        person: Some(pupil.clone()),
        ..UploadFields::default()
    };
    let bytes = Bytes::from_static(b"%PDF-1.7 a scan");
    let stored = files
        .upload(cx, scan, fields, Body::from(bytes.clone()))
        .await?;
    let id = stored.record.id;
    println!("stored {} as {id}", stored.record.filename);

    let of_pupil = ListRequest {
        person: Some(pupil),
        ..ListRequest::default()
    };
    let listed = files.list_files(cx, of_pupil).await?.files;
    ensure!(listed.len() == 1 && listed[0].id == id);

    let reader = files
        .open_download(cx, id, false)
        .await?
        .content
        .open(None)
        .await?;
    let pieces: Vec<_> = reader.stream.try_collect().await?;
    ensure!(pieces.concat() == bytes);

    let first = Holder::parse("certificate:42")?;
    files.claim_file(cx, id, &first).await?;
    let second = files
        .claim_file(cx, id, &Holder::parse("certificate:43")?)
        .await;
    ensure!(matches!(second, Err(ServiceError::Claimed { .. })));
    println!("claimed by {first}, and by no other holder");

    let held = files.delete_file(cx, id, None).await;
    ensure!(matches!(held, Err(ServiceError::Claimed { .. })));
    files.release_claim(cx, id, &first).await?;
    files.delete_file(cx, id, None).await?;
    ensure!(matches!(
        files.get_file(cx, id).await,
        Err(ServiceError::NotFound)
    ));
    println!("released and deleted");
    Ok(())
}
