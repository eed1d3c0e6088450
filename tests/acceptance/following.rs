//! Clients that follow what is stored, and numbers that tell a tenant nothing about others.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{join, join_all};
use serde_json::Value;

use crate::support::{Client, Options, Server, encode_segment, id_of};

const WRITERS: usize = 8;
const FILES: usize = 25;

/// Reads the pages of a list to its end. Returns the files, and the cursor to continue with.
async fn read(client: &Client, filter: &str, cursor: &str) -> (Vec<Value>, String) {
    let (mut files, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let target = format!("/v1/files?sort=created_at&limit=7&cursor={cursor}{filter}");
        let page = client.get(&target).await.expect(200);
        files.extend(page.files());
        let page = page.json();
        let Some(next) = page["next_cursor"].as_str() else {
            return (files, page["resume_cursor"].as_str().unwrap().to_owned());
        };
        next.clone_into(&mut cursor);
    }
}

/// Asks for files behind the cursor of the last page, until the writers have ended. Returns their ids.
async fn follow_by_cursor(client: &Client, writing: &AtomicUsize) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let is_last = writing.load(Ordering::Acquire) == 0;
        let (files, resume) = read(client, "", &cursor).await;
        seen.extend(files.iter().map(id_of));
        cursor = resume;
        if is_last {
            return seen;
        }
    }
}

/// Asks for files created after the last one seen, until the writers have ended. Returns their ids.
async fn follow_by_time(client: &Client, writing: &AtomicUsize) -> Vec<String> {
    let (mut seen, mut filter) = (Vec::new(), String::new());
    loop {
        let is_last = writing.load(Ordering::Acquire) == 0;
        let (files, _) = read(client, &filter, "").await;
        if let Some(last) = files.last() {
            let at = encode_segment(last["created_at"].as_str().unwrap());
            filter = format!("&uploaded_after={at}");
        }
        seen.extend(files.iter().map(id_of));
        if is_last {
            return seen;
        }
    }
}

#[tokio::test]
async fn follower_sees_each_file_once() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let writing = AtomicUsize::new(WRITERS);
    let write = async |writer: usize| {
        let mut ids = Vec::new();
        for number in 0..FILES {
            let name = format!("{writer}-{number}.txt");
            ids.push(id_of(&client.store(&name, name.as_bytes()).await));
        }
        writing.fetch_sub(1, Ordering::Release);
        ids
    };
    let (written, (by_cursor, by_time)) = join(
        join_all((0..WRITERS).map(write)),
        join(
            follow_by_cursor(&client, &writing),
            follow_by_time(&client, &writing),
        ),
    )
    .await;
    let written: HashSet<_> = written.into_iter().flatten().collect();
    for seen in [by_cursor, by_time] {
        assert_eq!(seen.len(), WRITERS * FILES);
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), written);
    }
}

#[tokio::test]
async fn seq_tells_nothing_about_other_tenants() {
    let server = Server::start(Options::new()).await;
    let (client, other) = (server.client(), server.other_tenant("other"));
    let seq = async |client: &Client, name: &str| client.store(name, b"x").await["seq"].as_i64();
    assert_eq!(seq(&client, "a").await, Some(1));
    for name in ["b", "c", "d"] {
        seq(&other, name).await;
    }
    assert_eq!(seq(&client, "e").await, Some(2));
    assert_eq!(seq(&other, "f").await, Some(4));
}
