//! The public suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_metadata::conformance::{Fixture, FixtureFactory, check_all};

use crate::place::{BoxError, Place};

/// A repository on a database of its own, whose clock is the server's.
struct PostgresFixture(Arc<dyn MetadataRepository>);

#[async_trait]
impl Fixture for PostgresFixture {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.0.clone()
    }

    async fn advance(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct PostgresFactory;

#[async_trait]
impl FixtureFactory for PostgresFactory {
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError> {
        let repository = Place::new().await?.open().await?;
        Ok(Box::new(PostgresFixture(Arc::new(repository))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    let failures = check_all(&PostgresFactory).await;
    assert!(failures.is_empty(), "{failures:#?}");
}
