//! The list, which continues after a record in either order.

use std::time::Duration;

use attache_testkit::HttpClient;
use http::{Method, StatusCode};
use serde_json::json;

use super::{store_several, stored};
use crate::api::support::Tenant;

/// Returns the numbers on all pages, and the sizes of the pages.
async fn pages(client: &HttpClient, query: &str) -> (Vec<i64>, Vec<usize>) {
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    let mut offset = json!(0);
    while !offset.is_null() {
        let target = format!("/api/v1/files?{query}&offset={offset}");
        let page = client
            .get(&target)
            .send()
            .await
            .expect(StatusCode::OK)
            .json();
        let results = page["results"].as_array().unwrap();
        assert_eq!(page["count"], results.len());
        ids.extend(results.iter().map(|record| record["id"].as_i64().unwrap()));
        sizes.push(results.len());
        assert!(sizes.len() < 100, "the list does not end");
        offset = page["next_id"].clone();
        assert_eq!(
            offset.as_i64(),
            results.last().map(|_| *ids.last().unwrap())
        );
    }
    (ids, sizes)
}

#[tokio::test]
async fn offset_continues_after_a_record_in_both_orders() {
    let tenant = Tenant::new().await;
    store_several(&tenant.client, 7).await;
    let down: Vec<i64> = (1..=7).rev().collect();
    let up: Vec<i64> = (1..=7).collect();
    for (query, expected) in [
        ("limit=3", &down),
        ("limit=3&sort_field=id", &down),
        ("limit=3&sort_field=id&sort_order=desc", &down),
        ("limit=3&sort_order=asc", &up),
        ("limit=3&unknown=1", &down),
    ] {
        let (ids, sizes) = pages(&tenant.client, query).await;
        assert_eq!((&ids, &sizes[..]), (expected, &[3, 3, 1, 0][..]), "{query}");
    }
    // The clock stands still, and each has a timestamp behind the last one all the same.
    for (order, expected) in [("asc", &up), ("desc", &down)] {
        let query = format!("limit=2&sort_field=created_time&sort_order={order}");
        let (ids, _) = pages(&tenant.client, &query).await;
        assert_eq!(&ids, expected, "{query}");
    }
    // Later records come first or last.
    tenant.fixture.clock.advance(Duration::from_secs(1));
    stored(&tenant.client).await;
    for (order, at) in [("asc", 7), ("desc", 0)] {
        let query = format!("limit=2&sort_field=created_time&sort_order={order}");
        let (ids, _) = pages(&tenant.client, &query).await;
        assert_eq!(ids[at], 8, "{query}");
    }
    for wrong in [
        "limit=0",
        "limit=1001",
        "offset=-1",
        "offset=x",
        "sort_order=up",
        "sort_field=type",
    ] {
        let response = tenant
            .client
            .get(&format!("/api/v1/files?{wrong}"))
            .send()
            .await;
        let name = wrong.split('=').next().unwrap();
        let problem = response.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains(name), "{problem:?}");
    }
}

#[tokio::test]
async fn offset_of_a_deleted_record_continues_the_list() {
    let tenant = Tenant::new().await;
    store_several(&tenant.client, 3).await;
    let archive = tenant.client.call(Method::DELETE, "/api/v1/file/2");
    archive.send().await.expect(StatusCode::NO_CONTENT);
    let by_time = "/api/v1/files?sort_field=created_time&offset=2";
    let list = |target: &str| tenant.client.get(target).send();
    list(by_time).await.expect(StatusCode::OK);
    let record = list("/api/v1/file/2").await.json();
    let uuid = record["uuid"].as_str().unwrap();
    let delete = tenant
        .client
        .call(Method::DELETE, &format!("/v1/files/{uuid}"));
    delete.send().await.expect(StatusCode::NO_CONTENT);
    let page = list("/api/v1/files?offset=2").await.json();
    assert_eq!(page["results"][0]["id"], 1);
    let problem = list(by_time).await.problem(StatusCode::BAD_REQUEST);
    assert!(problem.detail.contains("offset"), "{problem:?}");
}
