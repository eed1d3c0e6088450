//! A database of one kind, and short ways to put something in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{
    BlobFacts, BlobIntent, EventHook, LeaseToken, MetadataRepository, NewApiKey, NewFile, NewFiles,
    NewUpload,
};
use attache_metadata_sql::{MigrationReport, OpenError, SqliteOptions, SqliteRepository};
use attache_model::{
    BlobId, Clock as _, Context, DisplayName, FileId, Filename, MediaType, PersonId,
    PersonIdentifier, PersonRef, Principal, RequestId, Scopes, Sha256Digest, TenantSlug, Timestamp,
    Visibility,
};
use attache_testkit::{ManualClock, SeededEntropy};
use rusqlite::Connection;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The version of the schema that this program works on.
pub(crate) const NEWEST: i64 = 7;

/// An open repository that can be closed.
#[async_trait::async_trait]
pub(crate) trait Closing: MetadataRepository {
    async fn close_it(&self);
}

#[async_trait::async_trait]
impl Closing for SqliteRepository {
    async fn close_it(&self) {
        self.close().await;
    }
}

/// A kind of database.
#[async_trait::async_trait]
pub(crate) trait Database: Sized + Send + Sync + 'static {
    /// The address of a database.
    type Address: Clone + Send + Sync;

    /// Takes the schema back to the first migration.
    const BEFORE_UPLOADS: &'static str;

    /// Creates an empty database.
    async fn create() -> Result<Self, BoxError>;

    fn address(&self) -> Self::Address;

    async fn migrate(address: Self::Address) -> Result<MigrationReport, OpenError>;

    async fn open(&self, hook: Option<Arc<dyn EventHook>>) -> Result<Arc<dyn Closing>, OpenError>;

    /// Runs statements beside the repositories.
    async fn execute(&self, sql: &str) -> Result<(), BoxError>;

    /// Runs a question whose rows are one text.
    async fn texts(&self, sql: &str) -> Result<Vec<String>, BoxError>;

    /// Lets the clock of leases and the reaper show more.
    async fn advance(&self, by: Duration);
}

/// A file in a directory of its own.
pub(crate) struct SqliteFile {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl SqliteFile {
    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.address()).with_clock(self.clock.clone())
    }

    /// A connection of another program.
    pub(crate) fn connect(&self) -> Result<Connection, BoxError> {
        Ok(Connection::open(self.address())?)
    }
}

#[async_trait::async_trait]
impl Database for SqliteFile {
    type Address = PathBuf;

    const BEFORE_UPLOADS: &'static str = "DROP INDEX files_by_seq; \
        DROP INDEX files_of_person_by_seq; DROP INDEX files_by_number; DROP TABLE tenant_sequences; \
        ALTER TABLE files DROP COLUMN seq; ALTER TABLE files RENAME COLUMN row_number TO seq; \
        DROP INDEX files_by_has_person; \
        ALTER TABLE files DROP COLUMN has_person; DROP TABLE uploads; DROP TABLE installation; \
        ALTER TABLE blobs DROP COLUMN fault_seen_at; \
        ALTER TABLE blobs DROP COLUMN fault; DELETE FROM _sqlx_migrations WHERE version > 1";

    async fn create() -> Result<Self, BoxError> {
        Ok(Self {
            directory: tempfile::tempdir()?,
            clock: Arc::new(ManualClock::at(START)),
        })
    }

    fn address(&self) -> PathBuf {
        self.directory.path().join("attache.db")
    }

    async fn migrate(address: PathBuf) -> Result<MigrationReport, OpenError> {
        SqliteRepository::migrate(address).await
    }

    async fn open(&self, hook: Option<Arc<dyn EventHook>>) -> Result<Arc<dyn Closing>, OpenError> {
        let mut options = self.options();
        options.event_hook = hook;
        Ok(Arc::new(SqliteRepository::open(options).await?))
    }

    async fn execute(&self, sql: &str) -> Result<(), BoxError> {
        Ok(self.connect()?.execute_batch(sql)?)
    }

    async fn texts(&self, sql: &str) -> Result<Vec<String>, BoxError> {
        let connection = self.connect()?;
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A migrated database. The contexts of its requests have times of their own.
pub(crate) struct Place<D> {
    pub(crate) database: D,
    pub(crate) random: SeededEntropy,
    requests: ManualClock,
}

impl<D: Database> Place<D> {
    pub(crate) async fn new() -> Result<Self, BoxError> {
        Self::on(D::create().await?).await
    }

    pub(crate) async fn on(database: D) -> Result<Self, BoxError> {
        D::migrate(database.address()).await?;
        Ok(Self {
            database,
            random: SeededEntropy::new(7),
            requests: ManualClock::at(START),
        })
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Closing>, OpenError> {
        self.database.open(None).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.requests.advance(Duration::from_millis(10));
        self.requests.now()
    }

    /// Makes a tenant and returns its principal.
    pub(crate) async fn tenant(
        &self,
        repository: &(impl MetadataRepository + ?Sized),
        slug: &str,
    ) -> Result<Principal, BoxError> {
        let slug = TenantSlug::parse(slug)?;
        let tenant = repository.create_tenant(&slug, self.now()).await?.unwrap();
        let key = NewApiKey {
            tenant: tenant.id,
            key_id: format!("k-{slug}"),
            secret_hash: [0; 32],
            name: None,
            scopes: Scopes::all(),
            expires_at: None,
        };
        let key = repository.create_api_key(&key, self.now()).await?.unwrap();
        Ok(key.principal)
    }

    /// Makes a context at a time of its own.
    pub(crate) fn context(&self, principal: &Principal) -> Context {
        let request_id = RequestId::parse("test").unwrap();
        Context::for_principal(principal.clone(), request_id, self.now())
    }

    /// Opens the repository and makes a tenant in it.
    pub(crate) async fn open_with_tenant(&self) -> Result<(Arc<dyn Closing>, Context), BoxError> {
        let repository = self.open().await?;
        let principal = self.tenant(&*repository, "north").await?;
        Ok((repository, self.context(&principal)))
    }

    /// Begins a blob and returns a file for it.
    pub(crate) async fn draft(
        &self,
        repository: &(impl MetadataRepository + ?Sized),
        cx: &Context,
        content: u64,
    ) -> Result<NewFile, BoxError> {
        let intent = self.intent(cx, Duration::from_mins(1));
        repository
            .begin_blobs(cx, std::slice::from_ref(&intent))
            .await?;
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&content.to_be_bytes());
        Ok(NewFile {
            id: FileId::generate(cx.now(), &self.random),
            blob: intent.id,
            lease: intent.lease,
            facts: BlobFacts::plain(content, Sha256Digest::from_bytes(digest)),
            person: None,
            new_person_id: PersonId::generate(cx.now(), &self.random),
            category: None,
            name: DisplayName::parse(&format!("File {content}"))?,
            filename: Filename::parse(&format!("{content}.pdf"))?,
            description: None,
            content_type: MediaType::parse("application/pdf")?,
            visibility: Visibility::Private,
            dedup: false,
            held: false,
        })
    }

    fn intent(&self, cx: &Context, lease_for: Duration) -> BlobIntent {
        let blob = BlobId::generate(cx.now(), &self.random);
        BlobIntent {
            id: blob,
            storage_key: blob.to_string(),
            lease: LeaseToken::generate(&self.random),
            lease_for,
        }
    }

    /// Returns an upload with a staging blob, for a client that writes to the store itself.
    pub(crate) fn new_upload(&self, cx: &Context) -> Result<NewUpload, BoxError> {
        Ok(NewUpload {
            id: FileId::generate(cx.now(), &self.random),
            person: Some(PersonRef::Identifier(PersonIdentifier::parse("PT-1")?)),
            category: None,
            name: None,
            filename: Filename::parse("scan.pdf")?,
            description: None,
            content_type: MediaType::parse("application/pdf")?,
            size_bytes: Some(1),
            sha256: None,
            visibility: Visibility::Private,
            expires_at: cx.now().plus(HOUR),
            staging: Some(self.intent(cx, HOUR)),
        })
    }
}

/// An upload of one file.
pub(crate) fn upload(file: NewFile) -> NewFiles {
    NewFiles {
        files: vec![file],
        idempotency_key: None,
    }
}

/// Runs tests, which are generic over the database, on each kind.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> Result<(), crate::database::BoxError> {
                super::$test::<crate::database::SqliteFile>().await
            })+
        }

        #[cfg(all(feature = "postgres", unix))]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() -> Result<(), crate::database::BoxError> {
                super::$test::<crate::postgres::ServerDatabase>().await
            })+
        }
    };
}
pub(crate) use on_each_database;
