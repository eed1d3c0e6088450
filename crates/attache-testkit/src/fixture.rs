//! A service on a throwaway database and store.

use std::sync::Arc;

use attache_metadata::MetadataRepository;
use attache_metadata_sql::{SqliteOptions, SqliteRepository};
use attache_model::{Clock, Context, Entropy, Limits, RequestId, Scopes, TenantSlug, Timestamp};
use attache_service::{
    Administration, ApiKeyRequest, Downloads, FileService, Inspector, ServiceBuilder,
};
use attache_signing::{ApiKey, KeyRing};
use attache_storage::{BlobStore, Body, FaultBlobStore, FaultScript, PresignedRequest, PutOptions};
use tempfile::TempDir;

use crate::presigning::{PresigningBlobStore, key_of};
use crate::{ManualClock, SeededEntropy};

/// The options of a fixture. The default is a service with default limits and no inspector.
#[derive(Debug, Default)]
pub struct FixtureOptions {
    /// The limits of the service.
    pub limits: Limits,
    /// The inspector of uploads.
    pub inspector: Option<Arc<dyn Inspector>>,
    /// True if the store presigns requests, so that clients reach it directly.
    pub presigns: bool,
    /// The way in which bytes are downloaded.
    pub downloads: Downloads,
}

/// A service on an SQLite file in a temporary directory and an in-memory store, at noon of 31 January
/// 2026. Everything is removed on drop.
#[derive(Debug)]
pub struct Fixture {
    /// The service.
    pub service: FileService,
    /// Tenants and keys.
    pub administration: Administration,
    /// The clock of the service.
    pub clock: Arc<ManualClock>,
    /// The store, for a look at its blobs.
    pub store: Arc<dyn BlobStore>,
    /// The faults of the store.
    pub faults: FaultScript,
    /// The repository, for a look at its rows.
    pub repository: Arc<dyn MetadataRepository>,
    _directory: TempDir,
}

impl Fixture {
    /// Sets up a service with defaults.
    ///
    /// # Panics
    ///
    /// Panics if setup fails, as do the other methods: there is no test without it.
    pub async fn new() -> Self {
        Self::with(FixtureOptions::default()).await
    }

    /// Sets up a service.
    ///
    /// # Panics
    ///
    /// Panics if setup fails.
    pub async fn with(options: FixtureOptions) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("attache.db");
        let now = Timestamp::parse("2026-01-31T12:00:00Z").expect("a time");
        let clock = Arc::new(ManualClock::at(now));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));

        SqliteRepository::migrate(&path).await.expect("a database");
        let sqlite = SqliteOptions::new(&path).with_clock(clock.clone());
        let repository = SqliteRepository::open(sqlite)
            .await
            .expect("an open database");
        let repository: Arc<dyn MetadataRepository> = Arc::new(repository);
        let faults = FaultScript::default();
        let store = FaultBlobStore::new(PresigningBlobStore::new(options.presigns), faults.clone());
        let store: Arc<dyn BlobStore> = Arc::new(store);

        let ring = KeyRing::generate(now, entropy.as_ref());
        let mut builder: ServiceBuilder =
            FileService::builder(repository.clone(), store.clone(), ring)
                .clock(clock.clone())
                .entropy(entropy.clone())
                .limits(options.limits)
                .downloads(options.downloads);
        if let Some(inspector) = options.inspector {
            builder = builder.inspector(inspector);
        }
        let administration = Administration::new(repository.clone(), clock.clone(), entropy);
        let service = builder.build();
        Self {
            service,
            administration,
            clock,
            store,
            faults,
            repository,
            _directory: directory,
        }
    }

    /// Returns a token of a tenant with scopes; creates the tenant if it is new.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn token(&self, tenant: &str, scopes: Scopes) -> String {
        let tenant = TenantSlug::parse(tenant).expect("a slug");
        self.administration
            .create_tenant(&tenant)
            .await
            .expect("a tenant");
        let request = ApiKeyRequest {
            tenant,
            name: None,
            scopes,
            lifetime: None,
        };
        let issued = self
            .administration
            .create_api_key(request)
            .await
            .expect("a key");
        issued.expect("a tenant").key.reveal().to_string()
    }

    /// Revokes the key of a token.
    ///
    /// # Panics
    ///
    /// Panics if the database fails, or does not know the key.
    pub async fn revoke(&self, token: &str) {
        let key = ApiKey::parse(token).expect("a key");
        let revoked = self.administration.revoke_api_key(key.key_id().as_str());
        revoked.await.expect("a revocation").expect("a key");
    }

    /// Returns a context of a tenant with all scopes, at the clock's current time.
    ///
    /// # Panics
    ///
    /// Panics if the database fails.
    pub async fn context(&self, tenant: &str) -> Context {
        let token = self.token(tenant, Scopes::all()).await;
        let request = RequestId::parse("test").expect("a request id");
        self.service
            .authenticate(&token, request)
            .await
            .expect("a principal")
    }

    /// Returns the number of blobs in the store.
    ///
    /// # Panics
    ///
    /// Panics if the store fails.
    pub async fn blob_count(&self) -> usize {
        self.store
            .list("", None, 10_000)
            .await
            .expect("a listing")
            .keys
            .len()
    }

    /// Writes the bytes that a client sends with a presigned request, over any earlier ones. The store
    /// checks nothing.
    ///
    /// # Panics
    ///
    /// Panics if the request is not one of the fixture's store.
    pub async fn send_to_store(&self, request: &PresignedRequest, body: impl Into<Body>) {
        let key = key_of(request);
        self.store.delete(&key).await.expect("a deletion");
        let put = self.store.put(&key, body.into(), PutOptions::default());
        put.await.expect("a blob");
    }

    /// Returns the current time of the clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
