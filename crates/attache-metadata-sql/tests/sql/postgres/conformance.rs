//! The public suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_metadata::conformance::{Fixture, FixtureFactory, check_all};

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place};
use crate::server_clock::SHORT_LEASE;

/// A repository on a database of its own, whose clock can be put forward.
struct PostgresFixture {
    repository: Arc<dyn MetadataRepository>,
    place: Place<ServerDatabase>,
}

#[async_trait]
impl Fixture for PostgresFixture {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    async fn advance(&self, duration: Duration) {
        self.place.database.advance(duration).await;
    }

    fn short_lease(&self) -> Duration {
        SHORT_LEASE
    }
}

struct PostgresFactory;

#[async_trait]
impl FixtureFactory for PostgresFactory {
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError> {
        let place = Place::<ServerDatabase>::new().await?;
        let repository = Arc::new(place.patient().await?);
        Ok(Box::new(PostgresFixture { repository, place }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    let failures = check_all(&PostgresFactory).await;
    assert!(failures.is_empty(), "{failures:#?}");
}
