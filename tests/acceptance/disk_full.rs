//! A full disk: 507, nothing lost, and uploads work again once there is space.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::support::{
    Capability, Client, Options, PDF, Response, Server, eventually, id_of, noise, pairing_has, run,
    skip,
};

/// A small filesystem mounted on a directory until dropped.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Returns the reason as `Err` if nothing can be mounted here.
    fn mount(at: &Path) -> Result<Self, String> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs"])
            .arg(at);
        let output = mount
            .output()
            .map_err(|error| format!("no mount command: {error}"))?;
        if output.status.success() {
            return Ok(Self { at: at.to_owned() });
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still be running.
        run(Command::new("umount").arg("--lazy").arg(&self.at));
    }
}

/// Uploads without a declared length, so that only the disk itself can refuse.
async fn upload_undeclared(client: &Client, name: &str, megabytes: u64) -> Response {
    let pieces = (0..megabytes).map(|number| Bytes::from(noise(number, 1 << 20)));
    let body = StreamBody::new(stream::iter(pieces.map(|piece| Ok(Frame::data(piece))))).boxed();
    let request = client.request("POST", &format!("/v1/files?filename={name}"));
    request
        .streamed("application/octet-stream", body)
        .send()
        .await
}

#[tokio::test]
async fn full_disk_returns_507_until_there_is_space() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let mut disk = Err("not tried".to_owned());
    let options = Options::new().environment("ATTACHE_RESERVE_BYTES", "0");
    let server =
        Server::start_in_prepared_directory(options, |folder| disk = SmallDisk::mount(folder))
            .await;
    let _disk = match disk {
        Ok(disk) => disk,
        Err(reason) => {
            skip("disk_full", &reason);
            return;
        }
    };
    let client = server.client();
    let kept = id_of(&client.store("kept.pdf", PDF).await);

    // With a declared length: refused before the body is read.
    let declared = client
        .upload_raw("declared.bin", "", &vec![1; 40 << 20])
        .await;
    declared.problem(507, "out-of-space");
    // Without: the disk fills up in the middle.
    upload_undeclared(&client, "undeclared.bin", 40)
        .await
        .problem(507, "out-of-space");
    server.wait_for_objects(1).await;
    let names = client.list_names("").await;
    assert_eq!(names, ["kept.pdf"]);

    // Another program fills the disk to the last byte.
    let filler = server.data_dir().join("filler");
    let full = fs::write(&filler, vec![0; 30 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let response = client.upload_raw("small.txt", "", &noise(1, 100_000)).await;
    response.problem(507, "out-of-space");
    assert_eq!(client.content(&kept).await.expect(200).body, PDF);
    assert_eq!(client.list_names("").await, ["kept.pdf"]);
    server.anonymous().get("/livez").await.expect(200);

    fs::remove_file(&filler).unwrap();
    let after = eventually(
        "uploads work again",
        Duration::from_secs(30),
        async || client.upload_raw("after.txt", "", &noise(2, 100_000)).await,
        |response| response.status == 201,
    )
    .await;
    let id = id_of(&after.only_file());
    assert_eq!(
        client.content(&id).await.expect(200).body,
        noise(2, 100_000)
    );
    server.wait_for_objects(2).await;
    server.anonymous().get("/readyz").await.expect(200);
}
