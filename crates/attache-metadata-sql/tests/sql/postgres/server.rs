//! A database on a server.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::EventHook;
use attache_metadata_sql::{MigrationReport, OpenError, PostgresOptions, PostgresRepository};
use attache_testkit::{PostgresServer, ThrowawayPostgres};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::database::{BoxError, Closing, Database, Place};
use crate::server_clock;

#[async_trait::async_trait]
impl Closing for PostgresRepository {
    async fn close_it(&self) {
        self.close().await;
    }
}

/// A database of a test's own.
pub(crate) struct ServerDatabase {
    pub(crate) url: String,
}

impl ServerDatabase {
    pub(crate) fn on(server: &PostgresServer) -> Result<Self, BoxError> {
        let url = server.create_database()?;
        Ok(Self { url })
    }

    /// A connection beside the repositories.
    pub(crate) async fn connect(&self) -> Result<PgConnection, BoxError> {
        Ok(PgConnection::connect(&self.url).await?)
    }
}

impl Place<ServerDatabase> {
    /// Opens a repository that has a minute to get a connection: more want one at once than there are,
    /// and the machine may be slow.
    pub(crate) async fn patient(&self) -> Result<PostgresRepository, BoxError> {
        let mut options = PostgresOptions::new(&self.database.url);
        options.acquire_for = Duration::from_mins(1);
        Ok(PostgresRepository::open(options).await?)
    }

    pub(crate) async fn count(&self, sql: &'static str) -> Result<i64, BoxError> {
        let counted = sqlx::query_scalar(sql);
        Ok(counted
            .fetch_one(&mut self.database.connect().await?)
            .await?)
    }
}

#[async_trait::async_trait]
impl Database for ServerDatabase {
    type Address = String;

    const BEFORE_UPLOADS: &'static str = "DROP TRIGGER files_have_a_place ON files; \
        DROP FUNCTION files_have_a_place; DROP TABLE tenant_sequences; \
        ALTER TABLE files DROP CONSTRAINT files_pkey, DROP CONSTRAINT files_tenant_id_seq_key, \
        ADD PRIMARY KEY (seq), ADD UNIQUE (id), ALTER seq ADD GENERATED ALWAYS AS IDENTITY, \
        DROP COLUMN number, DROP COLUMN has_person; DROP TABLE uploads; DROP TABLE installation; \
        ALTER TABLE blobs DROP COLUMN fault, DROP COLUMN fault_seen_at; \
        DELETE FROM _sqlx_migrations WHERE version > 1";

    async fn create() -> Result<Self, BoxError> {
        Self::on(ThrowawayPostgres::shared())
    }

    fn address(&self) -> String {
        self.url.clone()
    }

    async fn migrate(address: String) -> Result<MigrationReport, OpenError> {
        PostgresRepository::migrate(address).await
    }

    async fn open(&self, hook: Option<Arc<dyn EventHook>>) -> Result<Arc<dyn Closing>, OpenError> {
        let mut options = PostgresOptions::new(&self.url);
        options.event_hook = hook;
        Ok(Arc::new(PostgresRepository::open(options).await?))
    }

    async fn execute(&self, sql: &str) -> Result<(), BoxError> {
        let sql = AssertSqlSafe(sql.to_owned());
        let mut connection = self.connect().await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        Ok(())
    }

    async fn texts(&self, sql: &str) -> Result<Vec<String>, BoxError> {
        let texts = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        Ok(texts.fetch_all(&mut self.connect().await?).await?)
    }

    async fn advance(&self, by: Duration) {
        let mut connection = self.connect().await.unwrap();
        let advanced = server_clock::put_forward(&mut connection, by);
        advanced.await.unwrap();
    }
}
