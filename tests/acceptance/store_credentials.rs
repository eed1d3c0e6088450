//! Store credentials from the machine: container, web identity, profile, environment.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use attache_testkit::{S3Operation, ThrowawayS3};

use crate::support::{
    Capability, CredentialsEndpoint, Options, PDF, Server, begin_to_any_url, declared_upload,
    eventually, finish, id_of, pairing_has, run, upload_url,
};

const TIMEOUT: Duration = Duration::from_mins(1);
const LONG: Duration = Duration::from_hours(6);

const KEY: &str = ThrowawayS3::ACCESS_KEY_ID;
const SECRET: &str = ThrowawayS3::SECRET_ACCESS_KEY;

/// The variables of fixed credentials, which tests of other sources remove.
const KEY_VARIABLES: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

fn without_fixed_credentials() -> Options {
    let options = Options::new().without("AWS_ACCESS_KEY_ID");
    options.without("AWS_SECRET_ACCESS_KEY")
}

fn in_container(endpoint: &CredentialsEndpoint) -> Options {
    let uri = endpoint.url("container");
    without_fixed_credentials().environment("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)
}

/// Uploads and downloads a file, which needs the store.
async fn assert_works(server: &Server) {
    let client = server.client();
    let id = id_of(&client.store("a.bin", b"bytes").await);
    assert_eq!(
        client.content(&id).await.expect(200).body.as_ref(),
        b"bytes"
    );
}

fn last_token(server: &Server) -> String {
    let puts = server.s3().seen(S3Operation::Put);
    let headers = &puts.last().unwrap().headers;
    headers["x-amz-security-token"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn container_credentials_are_used_and_refreshed() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let endpoint = CredentialsEndpoint::start();
    endpoint.set_credentials(KEY, SECRET, Duration::from_secs(3));
    let server = Server::start(in_container(&endpoint)).await;
    assert_works(&server).await;
    assert_eq!(last_token(&server), "token-of-the-session");

    // The store rejects the first credentials, and the endpoint has no others: the store is unavailable.
    server.s3().allow_credentials("SECOND", "canary-second");
    server.s3().revoke_credentials(KEY);
    endpoint.set_failing();
    let client = server.client();
    let upload = async || client.upload_raw("b.bin", "", b"b").await;
    let is_unavailable = |status: &u16| *status == 503;
    let refused = eventually(
        "unavailable",
        TIMEOUT,
        async || upload().await.status,
        is_unavailable,
    )
    .await;
    assert_eq!(refused, 503);
    upload().await.problem(503, "unavailable");
    let readiness = async || server.anonymous().get("/readyz").await.status;
    eventually("unready", TIMEOUT, readiness, is_unavailable).await;
    assert!(server.log().contains("no credentials for the store"));

    endpoint.set_credentials("SECOND", "canary-second", LONG);
    eventually("ready", TIMEOUT, readiness, |status| *status == 200).await;
    assert_works(&server).await;
    let requests = endpoint.request_count();
    assert_works(&server).await;
    assert_eq!(
        endpoint.request_count(),
        requests,
        "valid credentials are cached"
    );
    assert!(!server.log().contains("canary"), "{}", server.log());
}

#[tokio::test]
async fn upload_outliving_credentials_uses_the_server() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let endpoint = CredentialsEndpoint::start();
    endpoint.set_credentials(KEY, SECRET, Duration::from_mins(30));
    let options = in_container(&endpoint);
    let server = Server::start(options.argument("--downloads=redirect")).await;
    let client = server.client();
    let mut declared = declared_upload(PDF);
    declared["expires_in"] = 3600.into();
    let pending = begin_to_any_url(&client, &declared).await;
    assert!(upload_url(&pending).starts_with(server.url()), "{pending}");
    let record = finish(&server, &pending, PDF).await;
    let downloaded = client.content(&id_of(&record)).await;
    // A redirect lasts a minute, within the lifetime of the credentials.
    assert!((300..400).contains(&downloaded.status), "{downloaded:?}");

    declared["expires_in"] = 600.into();
    let pending = begin_to_any_url(&client, &declared).await;
    let store = server.s3().endpoint();
    assert!(upload_url(&pending).starts_with(&store), "{pending}");
    finish(&server, &pending, PDF).await;
}

#[tokio::test]
async fn web_identity_is_exchanged_for_credentials() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let endpoint = CredentialsEndpoint::start();
    endpoint.set_credentials(KEY, SECRET, LONG);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "header.claims.signature").unwrap();
    let options = without_fixed_credentials()
        .environment("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())
        .environment("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/attache")
        .environment("AWS_ENDPOINT_URL_STS", &endpoint.url("exchange"));
    let server = Server::start(options).await;
    assert_works(&server).await;
    assert_eq!(last_token(&server), "token-of-the-session");
    assert_eq!(endpoint.request_count(), 1);
}

#[tokio::test]
async fn profile_supplies_credentials() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let profiles = format!(
        "[default]\naws_access_key_id = OTHER\naws_secret_access_key = other\n\
         [files]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    );
    fs::write(&file, profiles).unwrap();
    let options = without_fixed_credentials()
        .environment("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap())
        .environment("AWS_PROFILE", "files");
    assert_works(&Server::start(options).await).await;
}

#[tokio::test]
async fn environment_credentials_take_precedence() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let endpoint = CredentialsEndpoint::start();
    let uri = endpoint.url("container");
    let options = Options::new().environment("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri);
    assert_works(&Server::start(options).await).await;
    assert_eq!(endpoint.request_count(), 0);
}

#[tokio::test]
async fn start_without_credentials_names_sources() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    // Accepts connections, but never responds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    // An HTTP server that is not the metadata service.
    let other = CredentialsEndpoint::start().url("");
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path().join("config");
    fs::write(
        &profiles,
        "[default]\nrole_arn = a\nsource_profile = gone\n",
    )
    .unwrap();
    for (metadata, wrong) in [
        ("http://127.0.0.1:1", "profile `gone` was not defined"),
        (&silent, "profile `gone` was not defined"),
        (&other, "IMDS"),
    ] {
        let expected = [
            "there are no credentials for the store",
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "metadata of the instance",
            wrong,
        ];
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["check"]] {
            let mut command = server.command(arguments);
            for name in KEY_VARIABLES {
                command.env_remove(name);
            }
            command.env("AWS_CONFIG_FILE", &profiles);
            let output = run(command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata));
            assert!(!output.status.success(), "{output:?}");
            let printed = [output.stdout, output.stderr].concat();
            let printed = String::from_utf8(printed).unwrap();
            let line = printed.lines().find(|line| line.contains(expected[0]));
            let line = line.unwrap_or_else(|| panic!("{printed}"));
            assert!(expected.iter().all(|name| line.contains(name)), "{printed}");
            if arguments == ["check"] {
                assert!(line.starts_with("FAIL  storage"), "{printed}");
            }
        }
    }
}
