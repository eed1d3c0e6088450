//! The public suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_metadata::conformance::{Fixture, FixtureFactory, check_all};

use crate::clock;
use crate::place::{BoxError, Place};

/// A repository on a database of its own, whose clock can be put forward.
struct PostgresFixture {
    repository: Arc<dyn MetadataRepository>,
    place: Place,
}

#[async_trait]
impl Fixture for PostgresFixture {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    async fn advance(&self, duration: Duration) {
        let mut connection = self.place.connect().await.unwrap();
        clock::put_forward(&mut connection, duration).await.unwrap();
    }

    fn short_lease(&self) -> Duration {
        clock::SHORT_LEASE
    }
}

struct PostgresFactory;

#[async_trait]
impl FixtureFactory for PostgresFactory {
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError> {
        let place = Place::new().await?;
        let repository = Arc::new(place.open().await?);
        Ok(Box::new(PostgresFixture { repository, place }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    let failures = check_all(&PostgresFactory).await;
    assert!(failures.is_empty(), "{failures:#?}");
}
