//! The identity of an installation: a database and a store that do not belong together are refused with
//! the way out, and nothing is deleted.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::support::{
    Capability, Client, Options, PDF, Server, eventually, id_of, noise, pairing_has, run,
};

/// Runs a command that must fail, and returns what it printed.
#[track_caller]
fn refused(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn serve(server: &Server) -> Command {
    server.command(&["serve", "--listen", "127.0.0.1:0"])
}

#[track_caller]
fn assert_mentions(printed: &str, expected: &[&str]) {
    for part in expected {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
}

#[tokio::test]
async fn missing_half_is_refused_with_the_way_out() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let mut server = Server::start(Options::new()).await;
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    server.terminate();
    assert!(server.wait_for_exit().await.success());
    let data_dir = server.data_dir().to_owned();
    let (blobs, away) = (data_dir.join("blobs"), data_dir.join("away"));

    fs::rename(&blobs, &away).unwrap();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["check"]] {
        let printed = refused(&mut server.command(arguments));
        assert_mentions(&printed, &["belongs to installation", "--adopt-store"]);
        assert!(!printed.contains("att_"), "{printed}");
    }
    assert!(!blobs.exists());
    fs::rename(&away, &blobs).unwrap();

    let database = data_dir.join("attache.db");
    fs::rename(&database, &away).unwrap();
    let printed = refused(&mut serve(&server));
    assert_mentions(&printed, &["the database is new", "attached restore"]);
    assert!(!printed.contains("att_"), "{printed}");
    fs::rename(&away, &database).unwrap();

    let server = server.start_again().await;
    assert_eq!(server.client().content(&id).await.expect(200).body, PDF);
    let checked = server.cli(&["check"]);
    assert_mentions(&checked, &["ok    installation    id "]);
}

#[tokio::test]
async fn second_server_with_another_store_is_refused() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("file:{}", elsewhere.path().join("blobs").display());
    let mut second = serve(&server);
    let printed = refused(second.args(["--storage-url", &url]));
    assert_mentions(&printed, &["in use", server.data_dir().to_str().unwrap()]);
}

#[tokio::test]
async fn replica_with_another_prefix_is_refused() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let id = id_of(&server.client().store("a.pdf", PDF).await);
    let endpoint = server.s3().endpoint();
    let region = server.s3().region();
    let url = format!("s3://files/other?endpoint={endpoint}&region={region}&path_style=true");
    let mut command = serve(&server);
    let printed = refused(command.env("ATTACHE_STORAGE_URL", &url));
    assert_mentions(
        &printed,
        &["no marker of any installation", "--storage-url"],
    );
    let mut command = server.command(&["check"]);
    let printed = refused(command.env("ATTACHE_STORAGE_URL", &url));
    assert_mentions(&printed, &["FAIL  installation"]);
    assert_eq!(server.client().content(&id).await.expect(200).body, PDF);
}

#[tokio::test]
async fn servers_with_other_signing_keys_say_so() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let other = "other:1f4b9c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297";
    let mut command = server.command(&["check"]);
    let output = run(command.env("ATTACHE_SIGNING_KEYS", other));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_mentions(
        &printed,
        &["warn  installation", "signs with another key, shared:"],
    );
    let replica = server
        .start_replica_with(Options::new().environment("ATTACHE_SIGNING_KEYS", other))
        .await;
    assert_mentions(&replica.log(), &["signs with another key, shared:"]);
    assert!(!replica.log().contains(&other[6..]), "a secret is logged");
}

/// The number of uploads that are under way when the database is copied.
const UNDER_WAY: u64 = 10;

/// Uploads a file whose last bytes wait for the signal.
async fn upload_slowly(
    client: Client,
    number: u64,
    begun: Arc<AtomicU64>,
    finish: watch::Receiver<bool>,
) -> String {
    let bytes = Bytes::from(noise(number, 200_000));
    let halves = [bytes.slice(..100_000), bytes.slice(100_000..)].into_iter();
    let body = stream::unfold(
        (halves, begun, finish),
        async |(mut rest, begun, mut finish)| {
            let half = rest.next()?;
            if rest.len() == 0 {
                begun.fetch_add(1, Ordering::Relaxed);
                finish.wait_for(|finish| *finish).await.unwrap();
            }
            Some((Ok(Frame::data(half)), (rest, begun, finish)))
        },
    );
    let request = client.request("POST", &format!("/v1/files?filename={number}.bin"));
    let request = request.streamed("application/octet-stream", StreamBody::new(body).boxed());
    let response = request.try_send().await.unwrap();
    id_of(&response.expect(201).only_file())
}

fn copy_database(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let name = format!("attache.db{end}");
        let _ = fs::remove_file(to.join(&name));
        if from.join(&name).exists() {
            fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
    let _ = fs::remove_file(to.join("attache.db-shm"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_copy_costs_no_acknowledged_bytes() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let mut server = Server::start(Options::new()).await;
    let begun = Arc::new(AtomicU64::new(0));
    let (finish, finishes) = watch::channel(false);
    let mut uploads = JoinSet::new();
    for number in 0..UNDER_WAY {
        let client = Client::new(server.url(), Some(server.key()));
        uploads.spawn(upload_slowly(
            client,
            number,
            begun.clone(),
            finishes.clone(),
        ));
    }
    eventually(
        "all uploads are under way",
        Duration::from_mins(1),
        async || begun.load(Ordering::Relaxed),
        |count| *count == UNDER_WAY,
    )
    .await;
    // The server has taken their first halves, and soon their rows are written.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    let [backup, newest] = ["backup", "newest"].map(|name| folder.path().join(name));
    fs::create_dir(&backup).unwrap();
    fs::create_dir(&newest).unwrap();
    copy_database(server.data_dir(), &backup);
    finish.send(true).unwrap();
    let acknowledged = uploads.join_all().await;
    // The store learns of changes once a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.kill();
    let data_dir = server.data_dir().to_owned();
    copy_database(&data_dir, &newest);

    copy_database(&backup, &data_dir);
    let printed = refused(&mut serve(&server));
    assert_mentions(&printed, &["older copy", "attached restore"]);
    let printed = server.cli(&["restore"]);
    assert_mentions(&printed, &["10 unfinished uploads"]);
    server = server.start_again().await;
    server.client().store("new.pdf", PDF).await;
    server.kill();

    copy_database(&newest, &data_dir);
    server.cli(&["restore"]);
    server = server.start_again().await;
    for id in acknowledged {
        server.client().content(&id).await.expect(200);
    }
}
