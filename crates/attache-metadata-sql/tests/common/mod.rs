//! What the integration tests share: a clock that is told the time, and repositories on files in a
//! directory that goes with them.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses a part, and a test may panic"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::conformance::{Fixture, FixtureFactory};
use attache_metadata::{
    BlobFacts, BlobIntent, BlobRepository as _, LeaseToken, MetadataRepository, NewApiKey, NewFile,
    NewFiles, TenancyRepository as _,
};
use attache_metadata_sql::{SqliteOptions, SqliteRepository};
use attache_model::{
    BlobId, Clock, Context, DisplayName, Entropy, FileId, Filename, MediaType, PersonId, RequestId,
    Scopes, Sha256Digest, TenantSlug, Timestamp, Visibility,
};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_700_000_000_000)))
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Ids that count.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        bytes.fill(0);
        let end = bytes.len() - 8;
        bytes[end..].copy_from_slice(&number.to_be_bytes());
    }
}

/// A directory with a migrated database.
pub(crate) struct Place {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) random: Counting,
}

impl Place {
    pub(crate) async fn new() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let place = Self {
            directory,
            clock: TestClock::new(),
            random: Counting::default(),
        };
        SqliteRepository::migrate(place.path()).await?;
        Ok(place)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("attache.db")
    }

    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteOptions::new(self.path()).with_clock(self.clock.clone())
    }

    pub(crate) async fn open(&self) -> Result<SqliteRepository, BoxError> {
        Ok(SqliteRepository::open(self.options()).await?)
    }

    /// A new tenant's context.
    pub(crate) async fn tenant(
        &self,
        repository: &SqliteRepository,
        slug: &str,
    ) -> Result<Context, BoxError> {
        let now = self.clock.now();
        let slug = TenantSlug::parse(slug)?;
        let tenant = repository.create_tenant(&slug, now).await?.unwrap();
        let key = NewApiKey {
            tenant: tenant.id,
            key_id: format!("k-{slug}"),
            secret_hash: [0; 32],
            name: None,
            scopes: Scopes::all(),
            expires_at: None,
        };
        let key = repository.create_api_key(&key, now).await?.unwrap();
        let request_id = RequestId::parse("test")?;
        Ok(Context::for_principal(key.principal, request_id, now))
    }

    /// A promise, kept in the repository.
    pub(crate) async fn draft(
        &self,
        repository: &SqliteRepository,
        cx: &Context,
        content: u64,
    ) -> Result<NewFile, BoxError> {
        let blob = BlobId::generate(cx.now(), &self.random);
        let lease = LeaseToken::generate(&self.random);
        let intent = BlobIntent {
            id: blob,
            storage_key: blob.to_string(),
            lease,
            lease_for: Duration::from_mins(1),
        };
        repository.begin_blob(cx, &intent).await?;
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&content.to_be_bytes());
        Ok(NewFile {
            id: FileId::generate(cx.now(), &self.random),
            blob,
            lease,
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
}

/// An upload of one file.
pub(crate) fn upload(file: NewFile) -> NewFiles {
    NewFiles {
        files: vec![file],
        idempotency_key: None,
    }
}

/// An SQLite repository for the conformance suite, behind a wrapper.
pub(crate) struct SqliteFixture {
    repository: Arc<dyn MetadataRepository>,
    place: Place,
}

#[async_trait]
impl Fixture for SqliteFixture {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    async fn advance(&self, duration: Duration) {
        self.place.clock.advance(duration);
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
        let place = Place::new().await?;
        let repository = (self.0)(place.open().await?);
        Ok(Box::new(SqliteFixture { repository, place }))
    }
}
