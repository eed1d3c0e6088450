//! Lists that are sent page by page, of keys that end meanwhile.

use attache_model::{Limits, Scopes};
use attache_testkit::{Fixture, FixtureOptions, HttpClient};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use tower::ServiceExt as _;

/// The pages of the repository hold two records.
async fn fixture() -> Fixture {
    let limits = Limits {
        max_page_size: 2,
        default_page_size: 2,
        ..Limits::default()
    };
    let options = FixtureOptions {
        limits,
        ..FixtureOptions::default()
    };
    Fixture::with(options).await
}

#[tokio::test]
async fn running_list_of_a_revoked_key_breaks_off() {
    let fixture = fixture().await;
    let token = fixture.token("a", Scopes::all()).await;
    let client = HttpClient::new(&fixture).with_token(token.clone());
    for number in 0..6 {
        client.upload(&format!("{number}.pdf"), b"%PDF-1.7").await;
    }
    for is_revoked in [false, true] {
        let request = Request::get("/files")
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = client.service().clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        let first = body.frame().await.unwrap().unwrap();
        assert!(first.data_ref().unwrap().starts_with(b"{\"data\":["));
        if is_revoked {
            fixture.revoke(&token).await;
        }
        let mut outcome = Ok(());
        while let Some(frame) = body.frame().await {
            outcome = outcome.and(frame.map(drop));
        }
        assert_eq!(outcome.is_err(), is_revoked, "{outcome:?}");
    }
}
