//! Pagination over 2000 records during concurrent uploads and deletes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::{Client, Form, Options, Server, eventually, id_of};

const RECORDS: usize = 2000;
const PER_REQUEST: usize = 20;

/// Stores the permanent records, with different sizes and names that interleave with the transient ones.
async fn store_stable(client: &Client) {
    let mut tasks = JoinSet::new();
    for writer in 0..4 {
        let client = client.clone();
        tasks.spawn(async move {
            for batch in (writer..RECORDS / PER_REQUEST).step_by(4) {
                let mut form = Form::new();
                for at in 0..PER_REQUEST {
                    let number = batch * PER_REQUEST + at;
                    let name = format!("{:02}-stable-{number:05}.txt", number % 40);
                    form = form.file("file", &name, "text/plain", number.to_string().as_bytes());
                }
                client.upload_form(form).await.expect(201);
            }
        });
    }
    tasks.join_all().await;
}

/// Stores and deletes transient files until `stop`, and counts them.
async fn store_and_delete(client: Client, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) {
    let mut kept = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let name = format!("{:02}-transient-{number:05}.txt", number % 40);
        let record = client.store(&name, name.as_bytes()).await;
        kept.push(id_of(&record));
        if kept.len() > 10 {
            let id = kept.swap_remove(number % 10);
            client.delete(&format!("/v1/files/{id}")).await.expect(204);
        }
    }
}

/// Reads all pages, waiting for a concurrent upload after the first; returns how often each name was seen.
async fn count_names(
    client: &Client,
    sort: &str,
    limit: usize,
    transient: &AtomicUsize,
) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    let first = format!("/v1/files?sort={sort}&limit={limit}");
    let mut target = first.clone();
    // The limit includes empty pages.
    for _ in 0..10 * RECORDS / limit {
        let page = client.get(&target).await.expect(200);
        let files = page.files();
        assert!(
            files.len() <= limit,
            "a page of {} with a limit of {limit}",
            files.len()
        );
        for file in files {
            *seen
                .entry(file["filename"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        let Some(cursor) = page.json()["next_cursor"].as_str().map(str::to_owned) else {
            return seen;
        };
        if target == first {
            let before = transient.load(Ordering::Relaxed);
            // The upload in flight may have committed before the page; the next one has not.
            eventually(
                "a concurrent upload",
                Duration::from_mins(1),
                async || transient.load(Ordering::Relaxed),
                |now| *now > before + 1,
            )
            .await;
        }
        target = format!("{first}&cursor={cursor}");
    }
    panic!("the pages never end");
}

#[tokio::test]
async fn each_record_appears_once_during_changes() {
    let server = Server::start(Options::new()).await;
    store_stable(&server.client()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicUsize::new(0));
    let transient = tokio::spawn(store_and_delete(
        server.client(),
        stop.clone(),
        count.clone(),
    ));

    for (sort, limit) in [("-created_at", 100), ("name", 37), ("-size_bytes", 250)] {
        let seen = count_names(&server.client(), sort, limit, &count).await;
        let stable: Vec<_> = seen
            .iter()
            .filter(|(name, _)| name.contains("stable"))
            .collect();
        assert_eq!(stable.len(), RECORDS, "{sort}: some are missing");
        let repeated: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
        assert!(repeated.is_empty(), "{sort}: {repeated:?}");
    }
    stop.store(true, Ordering::Relaxed);
    transient.await.unwrap();
}
