//! The public suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_metadata::conformance::{Fixture, FixtureFactory, check_all};
use attache_metadata_sql::SqliteRepository;

use crate::database::{BoxError, Database as _, Place, SqliteFile};

/// A repository of SQLite's, behind a wrapper.
struct SqliteFixture {
    repository: Arc<dyn MetadataRepository>,
    place: Place<SqliteFile>,
}

#[async_trait]
impl Fixture for SqliteFixture {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    async fn advance(&self, duration: Duration) {
        self.place.database.advance(duration).await;
    }
}

/// Makes fixtures, each repository wrapped in the same way.
pub(crate) struct SqliteFactory<W>(pub(crate) W);

#[async_trait]
impl<W> FixtureFactory for SqliteFactory<W>
where
    W: Fn(SqliteRepository) -> Arc<dyn MetadataRepository> + Send + Sync,
{
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError> {
        let place = Place::<SqliteFile>::new().await?;
        let repository = SqliteRepository::open(place.database.options()).await?;
        let repository = (self.0)(repository);
        Ok(Box::new(SqliteFixture { repository, place }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let factory = SqliteFactory(|sqlite| Arc::new(sqlite) as Arc<dyn MetadataRepository>);
    let failures = check_all(&factory).await;
    assert!(failures.is_empty(), "{failures:#?}");
}
