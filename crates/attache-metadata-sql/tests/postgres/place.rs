//! A database, repositories on it, and short ways to put something in.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use attache_metadata::{
    BlobFacts, BlobIntent, LeaseToken, MetadataRepository, NewApiKey, NewFile, NewFiles,
};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{
    BlobId, Context, DisplayName, FileId, Filename, MediaType, PersonId, Principal, RequestId,
    Scopes, Sha256Digest, TenantSlug, Timestamp, Visibility,
};
use attache_testkit::{SeededEntropy, ThrowawayPostgres};
use sqlx::{Connection as _, PgConnection};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A migrated database.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) random: SeededEntropy,
    millis: AtomicI64,
}

impl Place {
    pub(crate) async fn new() -> Result<Self, BoxError> {
        Self::on(ThrowawayPostgres::shared()).await
    }

    pub(crate) async fn on(server: &ThrowawayPostgres) -> Result<Self, BoxError> {
        let url = server.create_database()?;
        PostgresRepository::migrate(&url).await?;
        Ok(Self {
            url,
            random: SeededEntropy::new(7),
            millis: AtomicI64::new(1_700_000_000_000),
        })
    }

    /// Opens a repository that has a minute to get a connection: more want one at once than there are,
    /// and the machine may be slow.
    pub(crate) async fn open(&self) -> Result<PostgresRepository, BoxError> {
        let mut options = PostgresOptions::new(&self.url);
        options.acquire_for = Duration::from_mins(1);
        Ok(PostgresRepository::open(options).await?)
    }

    /// A connection beside the repositories.
    pub(crate) async fn connect(&self) -> Result<PgConnection, BoxError> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    pub(crate) async fn execute(&self, sql: &'static str) -> Result<(), BoxError> {
        sqlx::raw_sql(sql)
            .execute(&mut self.connect().await?)
            .await?;
        Ok(())
    }

    pub(crate) async fn count(&self, sql: &'static str) -> Result<i64, BoxError> {
        let counted = sqlx::query_scalar(sql);
        Ok(counted.fetch_one(&mut self.connect().await?).await?)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.fetch_add(10, Ordering::Relaxed))
    }

    /// A new tenant's principal.
    pub(crate) async fn tenant(
        &self,
        repository: &dyn MetadataRepository,
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

    /// A context at a moment of its own.
    pub(crate) fn context(&self, principal: &Principal) -> Context {
        let request_id = RequestId::parse("test").unwrap();
        Context::for_principal(principal.clone(), request_id, self.now())
    }

    /// A promise, kept in the repository.
    pub(crate) async fn draft(
        &self,
        repository: &dyn MetadataRepository,
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
