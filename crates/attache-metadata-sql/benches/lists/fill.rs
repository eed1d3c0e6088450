//! A database with any number of records, spread so that every list that is measured has a full page.

use std::error::Error;

use attache_metadata::{NewApiKey, TenancyRepository as _};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{Context, FileId, PersonId, RequestId, Scopes, TenantSlug, Timestamp};
use attache_testkit::ThrowawayPostgres;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use uuid::Uuid;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Has every second file.
pub(crate) const BUSY_PERSON: PersonId = PersonId::from_uuid(Uuid::from_u128(1));
/// The bytes of every fiftieth file, as a number.
pub(crate) const SHARED_BYTES: u8 = 4;

/// Of fifty files one is archived, one claimed, one in another category than the others, and one has
/// the same bytes as all of its kind; of twenty one is another tenant's. Names and sizes have an order
/// of their own. Foreign keys and triggers sleep meanwhile.
const RECORDS: &str = "SET session_replication_role = replica; \
    INSERT INTO people (id, tenant_id, identifier, created_at) \
    SELECT lpad(to_hex(i), 32, '0')::uuid, 1, 'person ' || i, 1 \
    FROM generate_series(1::bigint, {count} / 100 + 2) AS i; \
    INSERT INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, stored_bytes, \
        created_at) \
    SELECT lpad(to_hex(i), 32, '0')::uuid, CASE WHEN i % 20 = 0 THEN 2 ELSE 1 END, md5(i::text), \
        'live', i * 104729 % 9999991, \
        CASE WHEN i = 4 THEN decode(lpad('4', 64, '0'), 'hex') ELSE sha256(i::text::bytea) END, \
        1, i * 10 \
    FROM generate_series(1::bigint, {count}) AS i WHERE i % 50 <> 4 OR i = 4; \
    INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, content_type, \
        size_bytes, sha256, visibility, key, created_at, updated_at, archived_at, used_at, used_by, seq) \
    SELECT lpad(to_hex(i), 32, '0')::uuid, CASE WHEN i % 20 = 0 THEN 2 ELSE 1 END, \
        lpad(to_hex(CASE WHEN i % 50 = 4 THEN 4 ELSE i END), 32, '0')::uuid, \
        CASE WHEN i % 20 = 0 THEN NULL \
            ELSE lpad(to_hex(CASE WHEN i % 2 = 0 THEN 1 ELSE i / 100 + 2 END), 32, '0')::uuid END, \
        CASE WHEN i % 50 = 1 THEN 'papers' ELSE 'images' END, \
        'Report ' || lpad((i * 7919 % 1000003)::text, 7, '0'), 'report.pdf', \
        CASE WHEN i % 1000 = 5 THEN 'text/csv' WHEN i % 4 = 3 THEN 'image/png' \
            ELSE 'application/pdf' END, \
        i * 104729 % 9999991, \
        CASE WHEN i % 50 = 4 THEN decode(lpad('4', 64, '0'), 'hex') \
            ELSE sha256(i::text::bytea) END, \
        'private', md5(i::text), i * 10, i * 10, \
        CASE WHEN i % 50 = 3 THEN i * 10 END, CASE WHEN i % 50 = 2 THEN i * 10 END, \
        CASE WHEN i % 50 = 2 THEN 'holder' END, i \
    FROM generate_series(1::bigint, {count}) AS i; \
    ANALYZE";

/// A filled database.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) context: Context,
    count: u64,
}

impl Place {
    pub(crate) async fn filled(server: &ThrowawayPostgres, count: u64) -> Result<Self, BoxError> {
        let url = server.create_database()?;
        PostgresRepository::migrate(&url).await?;
        let repository = PostgresRepository::open(PostgresOptions::new(&url)).await?;
        let mut tenants = Vec::new();
        for slug in ["first", "second"] {
            let slug = TenantSlug::parse(slug)?;
            let tenant = repository.create_tenant(&slug, START).await?;
            tenants.push(tenant.ok_or("the tenant is there already")?.id);
        }
        let key = NewApiKey {
            tenant: tenants[0],
            key_id: "bench".to_owned(),
            secret_hash: [0; 32],
            name: None,
            scopes: Scopes::all(),
            expires_at: None,
        };
        let key = repository.create_api_key(&key, START).await?;
        let principal = key.ok_or("the key is there already")?.principal;
        repository.close().await;
        let request_id = RequestId::parse("bench")?;
        let mut connection = connect(&url).await?;
        execute(
            &mut connection,
            RECORDS.replace("{count}", &count.to_string()),
        )
        .await?;
        execute(&mut connection, "VACUUM files".to_owned()).await?;
        execute(&mut connection, "CHECKPOINT".to_owned()).await?;
        let context = Context::for_principal(principal, request_id, START);
        Ok(Self {
            url,
            context,
            count,
        })
    }

    /// The repository, with one connection.
    pub(crate) async fn open(&self) -> Result<PostgresRepository, BoxError> {
        let options = PostgresOptions::new(&self.url).with_max_connections(1);
        Ok(PostgresRepository::open(options).await?)
    }

    /// Counts the pages of the disk that all ended sessions have requested, in memory or not.
    pub(crate) async fn pages(&self) -> Result<i64, BoxError> {
        let sql = "SELECT (sum(heap_blks_read) + sum(heap_blks_hit) + sum(idx_blks_read) \
            + sum(idx_blks_hit))::bigint FROM pg_statio_user_tables";
        let mut connection = connect(&self.url).await?;
        Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
    }

    /// The number of a file in the middle.
    pub(crate) fn middle(&self) -> u64 {
        self.count / 2 / 50 * 50 + 7
    }

    /// The number of one of `steps` files all over the table, none of them claimed or archived.
    pub(crate) fn somewhere(&self, step: u64, steps: u64) -> u64 {
        let kinds = self.count / 50;
        step % steps * kinds / steps * 50 + 7
    }
}

const START: Timestamp = Timestamp::from_millis(1);

/// Returns the time at which file `number` was committed.
pub(crate) fn committed_at(number: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(number * 10).unwrap_or(i64::MAX))
}

pub(crate) fn file_id(number: u64) -> FileId {
    FileId::from_uuid(Uuid::from_u128(number.into()))
}

/// One who has about fifty files.
pub(crate) fn person_of(number: u64) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128((number / 100 + 2).into()))
}

async fn connect(url: &str) -> Result<PgConnection, BoxError> {
    let options: sqlx::postgres::PgConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging().connect().await?)
}

async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), BoxError> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
