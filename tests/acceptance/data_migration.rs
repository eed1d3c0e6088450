//! Data migration from SQLite and local files to shared backends: clients see the same data afterwards,
//! however often the migration is interrupted.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use attache_testkit::{S3Fault, S3Operation, ThrowawayPostgres};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    ALL_SCOPES, Backends, Capability, Client, Options, PDF, PNG, Response, Server, eventually,
    id_of, noise, pairing_has, run,
};

const LIST: &str = "/v1/files?state=any&sort=created_at&limit=1000";
const SOON: Duration = Duration::from_secs(45);

/// Everything that a client can read of a tenant.
struct Snapshot {
    key: String,
    list: Value,
    contents: Vec<(String, Response)>,
}

async fn snapshot(server: &Server, key: &str) -> Snapshot {
    let client = Client::new(server.url(), Some(key));
    let list = client.get(LIST).await.expect(200);
    let mut contents = Vec::new();
    for file in list.files() {
        let id = id_of(&file);
        let content = client.content(&id).await;
        contents.push((id, content));
    }
    Snapshot {
        key: key.to_owned(),
        list: list.json(),
        contents,
    }
}

async fn assert_unchanged(server: &Server, before: &Snapshot) {
    let after = snapshot(server, &before.key).await;
    assert_eq!(after.list, before.list);
    for ((id, after), (_, before)) in after.contents.iter().zip(&before.contents) {
        assert_eq!(after.status, before.status, "{id}");
        if before.status == 200 {
            assert_eq!(after.body, before.body, "{id}");
            assert_eq!(after.headers.get("etag"), before.headers.get("etag"));
        }
    }
}

/// A tenant's link, pending upload, and files in special states.
struct Fixture {
    link: String,
    upload: Value,
    claimed: String,
    archived: String,
    published: String,
}

/// Fills a tenant with every kind of data.
async fn fill(client: &Client, seed: u64) -> Fixture {
    let about = |person: &str, category: &str| json!({"person": person, "category": category});
    for number in 0..20 {
        let name = format!("{number}.bin");
        let fields = about(&format!("P-{}", number % 3), "images");
        let length = 40_000 + usize::try_from(number).unwrap();
        client
            .store_with(&name, &noise(seed + number, length), fields)
            .await;
    }
    // Large enough for a multipart upload to S3; the same bytes twice; no bytes.
    client
        .store("large.bin", &noise(seed + 99, 9_000_000))
        .await;
    let claimed = id_of(
        &client
            .store_with("a.pdf", PDF, about("P-1", "medical"))
            .await,
    );
    let archived = id_of(&client.store("Näme (b).pdf", PDF).await);
    client.store("empty.txt", b"").await;
    let fields = json!({"visibility": "public"});
    let published = id_of(&client.store_with("logo.png", PNG, fields).await);
    client.claim(&claimed, "certificate:42").await.expect(200);
    let archive = format!("/v1/files/{archived}/archive");
    client.post(&archive).await.expect(200);
    let links = format!("/v1/files/{claimed}/links");
    let request = json!({"action": "view", "expires_in": 3600});
    let link = client.post_json(&links, &request).await.expect(201);
    let link = link.json()["url"].clone();
    // The highest number belongs to a deleted file and must never be reused.
    let last = id_of(&client.store("last.bin", b"last").await);
    client
        .delete(&format!("/v1/files/{last}"))
        .await
        .expect(204);
    Fixture {
        link: link.as_str().unwrap().to_owned(),
        upload: begin_upload(client).await,
        claimed,
        archived,
        published,
    }
}

/// Begins an upload without sending its bytes; returns null if the server has no such route.
async fn begin_upload(client: &Client) -> Value {
    let declared = json!({"filename": "late.pdf", "content_type": "application/pdf"});
    let response = client.post_json("/v1/uploads", &declared).await;
    match response.status {
        201 => response.json(),
        _ => Value::Null,
    }
}

/// Replaces the origin of a URL by the server's.
fn url_on(server: &Server, url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap();
    format!("{}/{path}", server.url())
}

fn migrate_data(server: &Server, target: &Backends) -> Command {
    let mut command = server.command(&["migrate-data"]);
    target.configure_as_target(&mut command);
    command
}

/// Runs a command that has to fail; returns its stderr.
#[track_caller]
fn run_refused(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn migrate(server: &Server, target: &Backends) {
    let mut command = server.command(&["migrate"]);
    target.configure(&mut command);
    assert!(run(&mut command).status.success());
}

/// Starts a migration, and kills it when some blobs are copied and the next one hangs.
async fn migrate_data_until_killed(server: &Server, target: &Backends) {
    // Four copies are in flight at a time, so after eight puts some blobs have their rows.
    let s3 = target.s3();
    s3.fail_after(8, S3Operation::Put, S3Fault::Unresponsive);
    let mut command = migrate_data(server, target);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut migration = command.spawn().unwrap();
    eventually(
        "some blobs are copied",
        SOON,
        async || s3.seen(S3Operation::Put).len(),
        |count| *count > 8,
    )
    .await;
    migration.kill().unwrap();
    migration.wait().unwrap();
    s3.clear_faults();
}

/// Resumes a killed migration; the database may take a while to notice that the first one is gone.
async fn resume_migration(server: &Server, target: &Backends) -> Output {
    eventually(
        "the database is free",
        SOON,
        async || run(&mut migrate_data(server, target)),
        |output| !String::from_utf8_lossy(&output.stderr).contains("another transfer"),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrated_server_looks_unchanged_to_clients() {
    if !pairing_has(Capability::MigrationTarget) {
        return;
    }
    let mut old = Server::start_embedded(Options::new()).await;
    let client = old.client();
    let fixture = fill(&client, 1000).await;
    let neighbour = old.other_tenant("school-7");
    let other_fixture = fill(&neighbour, 5000).await;
    let other_key = old.create_key("school-7", &ALL_SCOPES);
    let revoked = old.create_key("default", &["files:read"]);
    let id = revoked.split('_').nth(1).unwrap().to_owned();
    old.cli(&["key", "revoke", &id]);
    let before = snapshot(&old, old.key()).await;
    let other_before = snapshot(&old, &other_key).await;
    let highest = highest_number(&before).max(highest_number(&other_before));

    let target = Backends::on(ThrowawayPostgres::shared());
    let stderr = run_refused(&mut migrate_data(&old, &target));
    assert!(stderr.contains("stop the server"), "{stderr}");
    old.terminate();
    assert!(old.wait_for_exit().await.success());
    let stderr = run_refused(&mut migrate_data(&old, &target));
    assert!(stderr.contains("run `attached migrate` with"), "{stderr}");
    migrate(&old, &target);

    migrate_data_until_killed(&old, &target).await;
    let output = resume_migration(&old, &target).await;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(stdout.contains("All data was copied"), "{stdout}");
    assert!(!stdout.contains(" 0 by earlier runs"), "{stdout}");
    // A further run has nothing to copy.
    let output = run(&mut migrate_data(&old, &target));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        stdout.contains("\n0 blobs were copied by this run"),
        "{stdout}"
    );

    let keys = old.data_dir().join("signing-keys");
    let options = Options::new().environment("ATTACHE_SIGNING_KEYS", keys.to_str().unwrap());
    let new = Server::start_on_existing(target, options).await;
    assert_unchanged(&new, &before).await;
    assert_unchanged(&new, &other_before).await;
    let client = Client::new(new.url(), Some(&before.key));
    assert_usable(&new, &client, &fixture).await;
    let neighbour = Client::new(new.url(), Some(&other_key));
    assert_usable(&new, &neighbour, &other_fixture).await;
    client.with_key(&revoked).get(LIST).await.expect(401);
    let number = client.store("new.bin", b"new").await["seq"]
        .as_i64()
        .unwrap();
    // The two deleted files had numbers, too.
    assert!(number > highest + 1, "{number} {highest}");
}

fn highest_number(snapshot: &Snapshot) -> i64 {
    let files = snapshot.list["files"].as_array().unwrap();
    let numbers = files.iter().map(|file| file["seq"].as_i64().unwrap());
    numbers.max().unwrap()
}

/// Fails unless link, upload, claim and states of the old server work on the new one.
async fn assert_usable(new: &Server, client: &Client, fixture: &Fixture) {
    let link = client.without_key().get(&url_on(new, &fixture.link)).await;
    assert_eq!(link.expect(200).body, PDF);
    client
        .claim(&fixture.claimed, "certificate:42")
        .await
        .expect(200);
    client
        .claim(&fixture.claimed, "certificate:43")
        .await
        .expect(409);
    client.content(&fixture.archived).await.expect(404);
    let public = format!("/v1/public/{}/logo.png", fixture.published);
    let public = client.without_key().get(&public).await;
    assert_eq!(public.expect(200).body, PNG);
    if let Some(url) = fixture.upload["url"].as_str() {
        let put = client.without_key().request("PUT", &url_on(new, url));
        put.body("application/pdf", PDF).send().await.expect(201);
        let id = fixture.upload["id"].as_str().unwrap();
        assert_eq!(client.content(id).await.expect(200).body, PDF);
    }
    // Two records share these bytes; restoring one serves both.
    let restore = format!("/v1/files/{}/restore", fixture.archived);
    client.post(&restore).await.expect(200);
    let content = client.content(&fixture.archived).await.expect(200);
    assert_eq!(content.body, PDF);
}

#[tokio::test]
async fn target_with_other_data_is_refused_and_unchanged() {
    if !pairing_has(Capability::MigrationTarget) {
        return;
    }
    let mut old = Server::start_embedded(Options::new()).await;
    old.client().store("a.pdf", PDF).await;
    old.terminate();
    assert!(old.wait_for_exit().await.success());

    let used = Server::start(Options::new()).await;
    let existing = used.client().store("b.png", PNG).await;
    let before = used.client().get(LIST).await.expect(200).json();
    let mut command = old.command(&["migrate-data"]);
    used.configure_as_target(&mut command);
    let stderr = run_refused(&mut command);
    assert!(stderr.contains("the target must be empty"), "{stderr}");
    assert_eq!(used.client().get(LIST).await.expect(200).json(), before);
    assert_eq!(used.stored_objects().len(), 1);
    used.client().content(&id_of(&existing)).await.expect(200);
}

#[tokio::test]
async fn damaged_and_missing_blobs_are_named_others_copied() {
    if !pairing_has(Capability::MigrationTarget) {
        return;
    }
    let mut old = Server::start_embedded(Options::new()).await;
    let client = old.client();
    let mut ids = Vec::new();
    for number in 0..3 {
        let file = client
            .store(&format!("{number}.bin"), &noise(number, 100))
            .await;
        ids.push((id_of(&file), noise(number, 100)));
    }
    old.terminate();
    assert!(old.wait_for_exit().await.success());
    let target = Backends::on(ThrowawayPostgres::shared());
    migrate(&old, &target);

    let backup = TempDir::new().unwrap();
    let blob_with = |content: &[u8]| {
        let objects = old.stored_objects().into_iter();
        let mut paths = objects.map(|object| object.path);
        paths.find(|path| fs::read(path).unwrap() == content)
    };
    let missing = blob_with(&ids[0].1).unwrap();
    let damaged = blob_with(&ids[1].1).unwrap();
    fs::rename(&missing, backup.path().join("missing")).unwrap();
    fs::copy(&damaged, backup.path().join("damaged")).unwrap();
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[50] ^= 1;
    fs::write(&damaged, bytes).unwrap();

    let stderr = run_refused(&mut migrate_data(&old, &target));
    assert!(
        stderr.contains("2 blobs are damaged or missing"),
        "{stderr}"
    );
    for (at, (id, _)) in ids.iter().enumerate() {
        assert_eq!(stderr.contains(id.as_str()), at < 2, "{stderr}");
    }
    assert_eq!(target.stored_objects().len(), 1);
    fs::rename(backup.path().join("missing"), missing).unwrap();
    fs::rename(backup.path().join("damaged"), damaged).unwrap();
    let output = run(&mut migrate_data(&old, &target));
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        stdout.contains("2 blobs were copied by this run, 1 by"),
        "{stdout}"
    );
}
