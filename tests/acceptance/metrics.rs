//! Metrics: every one is documented and served, and the log line of a request has ids.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Client, Options, Server, eventually, id_of, presigns_requests};

/// The metric that only a store with a known bound has.
const FREE_BYTES: &str = "attache_store_free_bytes";

fn documented() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATING.md");
    let document = std::fs::read_to_string(path).unwrap();
    let rows = document
        .lines()
        .filter_map(|line| line.trim().strip_prefix("| `"));
    let names = rows
        .filter_map(|row| row.split_once("` |"))
        .map(|(name, _)| name);
    let is_metric = |name: &&str| name.starts_with("attache_") || name.starts_with("process_");
    names.filter(is_metric).map(str::to_owned).collect()
}

async fn served(server: &Server) -> (BTreeSet<String>, String) {
    let log = server.log();
    let line = log
        .lines()
        .find(|line| line.contains("serving metrics"))
        .unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    let url = format!("http://{}", line["address"].as_str().unwrap());
    let response = Client::new(&url, None).get("/metrics").await.expect(200);
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned);
    (names.collect(), text)
}

#[tokio::test]
async fn metrics_are_those_of_the_operating_guide() {
    let options = Options::new()
        .argument("--admin-listen=127.0.0.1:0")
        .environment("ATTACHE_LOG_FORMAT", "json");
    let server = Server::start(options).await;
    let client = server.client();
    let id = id_of(&client.store("a.bin", b"0123456789").await);
    client.content(&id).await.expect(200);
    let mut expected = documented();
    if presigns_requests() {
        expected.remove(FREE_BYTES);
    }
    let (names, text) = eventually(
        "all metrics",
        Duration::from_secs(30),
        async || served(&server).await,
        |(names, _)| names.is_superset(&expected),
    )
    .await;
    let undocumented: Vec<_> = names.difference(&expected).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
    for part in [
        "attache_build_info{version=",
        "attache_database_call_duration_seconds_count{operation=\"commit_files\"} 1",
        "attache_store_call_duration_seconds_count{operation=\"put\"} 1",
        "attache_http_requests_total{operation=\"read_content\",status=\"200\"} 1",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn request_line_has_ids_and_a_chosen_address() {
    for logs_addresses in [false, true] {
        let mut options = Options::new().environment("ATTACHE_LOG_FORMAT", "json");
        if logs_addresses {
            options = options.argument("--log-addresses");
        }
        let server = Server::start(options).await;
        let client = server.client();
        let id = id_of(&client.store("a.bin", b"a").await);
        client.record(&id).await.expect(200);
        let find = |log: &String| {
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok());
            let mut requests = lines.filter(|line: &Value| line["message"] == "request");
            requests.find(|line| line["file"] == id.as_str())
        };
        let log = eventually(
            "the line of the request",
            Duration::from_secs(10),
            async || server.log(),
            |log| find(log).is_some(),
        )
        .await;
        let line = find(&log).unwrap();
        let key_id = server.key().split('_').nth(1).unwrap();
        assert_eq!(line["key_id"], key_id, "{line}");
        assert!(
            line["tenant"].is_i64() && line["principal"].is_i64(),
            "{line}"
        );
        assert!(line["duration_ms"].is_f64(), "{line}");
        let address = logs_addresses.then_some("127.0.0.1");
        assert_eq!(line["address"].as_str(), address, "{line}");
        assert!(!line.to_string().contains(server.key()), "{line}");
    }
}
