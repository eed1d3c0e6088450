//! Moving a server from SQLite and local files to shared backends: nothing of what clients know
//! changes, however often the move is interrupted.

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

/// What clients know of a tenant.
struct Known {
    key: String,
    /// The whole list.
    list: Value,
    contents: Vec<(String, Response)>,
}

/// Notes all that a client can ask for.
async fn note(server: &Server, key: &str) -> Known {
    let client = Client::new(server.url(), Some(key));
    let list = client.get(LIST).await.expect(200);
    let mut contents = Vec::new();
    for file in list.files() {
        let id = id_of(&file);
        let content = client.content(&id).await;
        contents.push((id, content));
    }
    Known {
        key: key.to_owned(),
        list: list.json(),
        contents,
    }
}

async fn assert_known(server: &Server, known: &Known) {
    let now = note(server, &known.key).await;
    assert_eq!(now.list, known.list);
    for ((id, now), (_, then)) in now.contents.iter().zip(&known.contents) {
        assert_eq!(now.status, then.status, "{id}");
        if then.status == 200 {
            assert_eq!(now.body, then.body, "{id}");
            assert_eq!(now.headers.get("etag"), then.headers.get("etag"));
        }
    }
}

/// Links, and what has been claimed, archived and published.
struct Story {
    link: String,
    upload: Value,
    claimed: String,
    archived: String,
    published: String,
}

/// Fills a tenant with what can be kept.
async fn fill(client: &Client, seed: u64) -> Story {
    let about = |person: &str, category: &str| json!({"person": person, "category": category});
    for number in 0..20 {
        let name = format!("{number}.bin");
        let fields = about(&format!("P-{}", number % 3), "images");
        let length = 40_000 + usize::try_from(number).unwrap();
        client
            .store_with(&name, &noise(seed + number, length), fields)
            .await;
    }
    // What has parts in S3, the same bytes twice, and none at all.
    client
        .store("large.bin", &noise(seed + 99, 9_000_000))
        .await;
    let claimed = id_of(
        &client
            .store_with("a.pdf", PDF, about("P-1", "medical"))
            .await,
    );
    let archived = id_of(&client.store("Näme «b».pdf", PDF).await);
    client.store("empty.txt", b"").await;
    let fields = json!({"visibility": "public"});
    let published = id_of(&client.store_with("logo.png", PNG, fields).await);
    client.claim(&claimed, "certificate:42").await.expect(200);
    let archive = format!("/v1/files/{archived}/archive");
    client.post(&archive).await.expect(200);
    let links = format!("/v1/files/{claimed}/links");
    let asked = json!({"action": "view", "expires_in": 3600});
    let link = client.post_json(&links, &asked).await.expect(201);
    let link = link.json()["url"].clone();
    // The last number is of a file that is gone: it is never given again.
    let last = id_of(&client.store("last.bin", b"last").await);
    client
        .delete(&format!("/v1/files/{last}"))
        .await
        .expect(204);
    Story {
        link: link.as_str().unwrap().to_owned(),
        upload: begin_upload(client).await,
        claimed,
        archived,
        published,
    }
}

/// Begins an upload whose bytes have not arrived; null on a server that knows no such route.
async fn begin_upload(client: &Client) -> Value {
    let declared = json!({"filename": "late.pdf", "content_type": "application/pdf"});
    let response = client.post_json("/v1/uploads", &declared).await;
    match response.status {
        201 => response.json(),
        _ => Value::Null,
    }
}

/// A URL of the old server on the new one.
fn on(server: &Server, url: &str) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap();
    format!("{}/{path}", server.url())
}

fn migrate_data(server: &Server, place: &Backends) -> Command {
    let mut command = server.command(&["migrate-data"]);
    place.configure_as_target(&mut command);
    command
}

/// What a command that has to fail says about it.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn migrate(server: &Server, place: &Backends) {
    let mut command = server.command(&["migrate"]);
    place.configure(&mut command);
    assert!(run(&mut command).status.success());
}

/// Starts a move, and kills it when some blobs are carried and the next cannot be.
async fn move_and_kill(server: &Server, place: &Backends) {
    // Four are under way at a time, so of eight whose bytes are there some have their rows.
    let s3 = place.s3();
    s3.fail_after(8, S3Operation::Put, S3Fault::Unresponsive);
    let mut command = migrate_data(server, place);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut moving = command.spawn().unwrap();
    eventually(
        "some blobs are carried",
        SOON,
        async || s3.seen(S3Operation::Put).len(),
        |count| *count > 8,
    )
    .await;
    moving.kill().unwrap();
    moving.wait().unwrap();
    s3.clear_faults();
}

/// Moves on after a kill; the database may take a moment to notice that the one before is gone.
async fn move_again(server: &Server, place: &Backends) -> Output {
    eventually(
        "the database is free",
        SOON,
        async || run(&mut migrate_data(server, place)),
        |output| !String::from_utf8_lossy(&output.stderr).contains("another transfer"),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_moved_is_the_same_to_its_clients() {
    if !pairing_has(Capability::MigrationTarget) {
        return;
    }
    let mut old = Server::start_embedded(Options::new()).await;
    let client = old.client();
    let story = fill(&client, 1000).await;
    let neighbour = old.other_tenant("school-7");
    let other = fill(&neighbour, 5000).await;
    let other_key = old.create_key("school-7", &ALL_SCOPES);
    let revoked = old.create_key("default", &["files:read"]);
    let id = revoked.split('_').nth(1).unwrap().to_owned();
    old.cli(&["key", "revoke", &id]);
    let known = note(&old, old.key()).await;
    let others = note(&old, &other_key).await;
    let highest = highest_number(&known).max(highest_number(&others));

    let place = Backends::on(ThrowawayPostgres::shared());
    let told = refusal(&mut migrate_data(&old, &place));
    assert!(told.contains("stop the server"), "{told}");
    old.terminate();
    assert!(old.wait_for_exit().await.success());
    let told = refusal(&mut migrate_data(&old, &place));
    assert!(told.contains("run `attached migrate` with"), "{told}");
    migrate(&old, &place);

    move_and_kill(&old, &place).await;
    let output = move_again(&old, &place).await;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains("Everything was carried"), "{told}");
    assert!(!told.contains(" 0 by earlier runs"), "{told}");
    // Once more, there is nothing left to do.
    let output = run(&mut migrate_data(&old, &place));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("\n0 blobs were carried now"), "{told}");

    let keys = old.data_dir().join("signing-keys");
    let options = Options::new().environment("ATTACHE_SIGNING_KEYS", keys.to_str().unwrap());
    let new = Server::start_on_existing(place, options).await;
    assert_known(&new, &known).await;
    assert_known(&new, &others).await;
    let client = Client::new(new.url(), Some(&known.key));
    assert_story(&new, &client, &story).await;
    let neighbour = Client::new(new.url(), Some(&other_key));
    assert_story(&new, &neighbour, &other).await;
    client.with_key(&revoked).get(LIST).await.expect(401);
    let number = client.store("new.bin", b"new").await["seq"]
        .as_i64()
        .unwrap();
    // The two files that were deleted had numbers, too.
    assert!(number > highest + 1, "{number} {highest}");
}

fn highest_number(known: &Known) -> i64 {
    let files = known.list["files"].as_array().unwrap();
    let numbers = files.iter().map(|file| file["seq"].as_i64().unwrap());
    numbers.max().unwrap()
}

/// What was promised before holds on the new server.
async fn assert_story(new: &Server, client: &Client, story: &Story) {
    let link = client.without_key().get(&on(new, &story.link)).await;
    assert_eq!(link.expect(200).body, PDF);
    client
        .claim(&story.claimed, "certificate:42")
        .await
        .expect(200);
    client
        .claim(&story.claimed, "certificate:43")
        .await
        .expect(409);
    client.content(&story.archived).await.expect(404);
    let public = format!("/v1/public/{}/logo.png", story.published);
    let public = client.without_key().get(&public).await;
    assert_eq!(public.expect(200).body, PNG);
    if let Some(url) = story.upload["url"].as_str() {
        let put = client.without_key().request("PUT", &on(new, url));
        put.body("application/pdf", PDF).send().await.expect(201);
        let id = story.upload["id"].as_str().unwrap();
        assert_eq!(client.content(id).await.expect(200).body, PDF);
    }
    // Restored, the bytes that two records share are there for both.
    let restore = format!("/v1/files/{}/restore", story.archived);
    client.post(&restore).await.expect(200);
    let content = client.content(&story.archived).await.expect(200);
    assert_eq!(content.body, PDF);
}

#[tokio::test]
async fn a_target_that_holds_something_else_is_refused_and_left_alone() {
    if !pairing_has(Capability::MigrationTarget) {
        return;
    }
    let mut old = Server::start_embedded(Options::new()).await;
    old.client().store("a.pdf", PDF).await;
    old.terminate();
    assert!(old.wait_for_exit().await.success());

    let used = Server::start(Options::new()).await;
    let theirs = used.client().store("b.png", PNG).await;
    let before = used.client().get(LIST).await.expect(200).json();
    let mut command = old.command(&["migrate-data"]);
    used.configure_as_target(&mut command);
    let told = refusal(&mut command);
    assert!(told.contains("the target must be empty"), "{told}");
    assert_eq!(used.client().get(LIST).await.expect(200).json(), before);
    assert_eq!(used.stored_objects().len(), 1);
    used.client().content(&id_of(&theirs)).await.expect(200);
}

#[tokio::test]
async fn damaged_and_missing_bytes_are_named_and_everything_else_is_carried() {
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
    let place = Backends::on(ThrowawayPostgres::shared());
    migrate(&old, &place);

    let backup = TempDir::new().unwrap();
    let mut changed = Vec::new();
    for object in old.stored_objects() {
        let bytes = std::fs::read(&object.path).unwrap();
        let Some(at) = ids.iter().position(|(_, sent)| *sent == bytes) else {
            continue;
        };
        let copy = backup.path().join(at.to_string());
        match at {
            0 => std::fs::rename(&object.path, &copy).unwrap(),
            1 => {
                std::fs::rename(&object.path, &copy).unwrap();
                let mut damaged = bytes;
                damaged[50] ^= 1;
                std::fs::write(&object.path, damaged).unwrap();
            }
            _ => continue,
        }
        changed.push((copy, object.path));
    }
    let told = refusal(&mut migrate_data(&old, &place));
    assert!(told.contains("2 blobs are damaged or missing"), "{told}");
    for (at, (id, _)) in ids.iter().enumerate() {
        assert_eq!(told.contains(id.as_str()), at < 2, "{told}");
    }
    assert_eq!(place.stored_objects().len(), 1);
    for (copy, path) in changed {
        std::fs::rename(copy, path).unwrap();
    }
    let output = run(&mut migrate_data(&old, &place));
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("2 blobs were carried now, 1 by"), "{told}");
}
