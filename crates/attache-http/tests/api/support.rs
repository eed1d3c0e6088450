//! A service with one tenant and a client with all scopes.

use std::sync::Arc;

use attache_http::{Dialects, EndpointInfo};
use attache_model::Scopes;
use attache_service::Inspector;
use attache_testkit::{Fixture, FixtureOptions, HttpClient};

/// Returns the endpoints of the native API.
pub(super) fn native_endpoints() -> Vec<EndpointInfo> {
    attache_http::endpoints(&Dialects::none()).collect()
}

/// A tenant of a throwaway service.
pub(super) struct Tenant {
    pub(super) fixture: Fixture,
    /// A client with a key that has all scopes.
    pub(super) client: HttpClient,
}

impl Tenant {
    pub(super) async fn new() -> Self {
        Self::with(FixtureOptions::default()).await
    }

    /// Creates a tenant whose uploads are inspected.
    pub(super) async fn inspected(inspector: impl Inspector) -> Self {
        Self::with(FixtureOptions {
            inspector: Some(Arc::new(inspector)),
            ..FixtureOptions::default()
        })
        .await
    }

    pub(super) async fn with(options: FixtureOptions) -> Self {
        let fixture = Fixture::with(options).await;
        let token = fixture.token("school-7", Scopes::all()).await;
        let client = HttpClient::new(&fixture).with_token(token);
        Self { fixture, client }
    }

    /// Returns a client with a key that has these scopes.
    pub(super) async fn client_with(&self, scopes: Scopes) -> HttpClient {
        let token = self.fixture.token("school-7", scopes).await;
        self.client.with_token(token)
    }

    /// Asserts that a failed upload left nothing: no record, and no blob after a run of the reaper.
    pub(super) async fn assert_nothing_left(&self) {
        let listed = self.client.get("/v1/files").send().await;
        let listed = listed.expect(http::StatusCode::OK).json();
        assert_eq!(listed["files"], serde_json::json!([]));
        self.fixture.service.finish_tasks().await;
        self.fixture.service.reap_once().await.unwrap();
        assert_eq!(self.fixture.blob_count().await, 0);
    }
}
