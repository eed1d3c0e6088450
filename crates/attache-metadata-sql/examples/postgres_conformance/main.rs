//! Runs the suite that all repositories must pass on a PostgreSQL server of yours:
//! `cargo run -p attache-metadata-sql --features postgres --example postgres_conformance -- 'postgres://…'`.
//!
//! The address may be in `ATTACHE_DATABASE_URL` instead, where other users of the machine do not see
//! its password. The database that it names is only connected to: each check works in a database of
//! its own beside it, `attache_conformance_…`, which is dropped again. The role must be allowed to make
//! databases.

mod clock;

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_metadata::conformance::{Fixture, FixtureFactory, checks};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{Entropy as _, OsEntropy, with_causes};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

type BoxError = Box<dyn Error + Send + Sync>;

/// Makes databases beside the one that was named.
struct Databases {
    /// An address without its database: what stands before the name, and what behind it.
    address: (String, String),
    server: PgConnectOptions,
    /// The beginning of the names of one run.
    prefix: String,
    count: AtomicU32,
    /// The repository that was opened last, and its database's name.
    current: Mutex<Option<(Arc<PostgresRepository>, String)>>,
}

/// A database of one check.
struct Place {
    repository: Arc<PostgresRepository>,
    database: PgConnectOptions,
}

#[async_trait]
impl Fixture for Place {
    fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    async fn advance(&self, duration: Duration) {
        let moved = async {
            let mut connection = self.database.connect().await?;
            clock::put_forward(&mut connection, duration).await
        };
        // The check reports the consequence too: that a lease did not end.
        if let Err(error) = moved.await {
            eprintln!("the database's clock stands still: {error}");
        }
    }

    fn short_lease(&self) -> Duration {
        clock::SHORT_LEASE
    }
}

#[async_trait]
impl FixtureFactory for Databases {
    async fn fixture(&self) -> Result<Box<dyn Fixture>, BoxError> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}_{number}", self.prefix);
        // Nothing that the server's owner put into every new database.
        self.ask(format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await?;
        match self.open(&name).await {
            Ok(repository) => {
                let database = self.server.clone().database(&name);
                let opened = Some((repository.clone(), name));
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = opened;
                Ok(Box::new(Place {
                    repository,
                    database,
                }))
            }
            Err(error) => {
                self.drop_database(&name).await?;
                Err(with_causes(error.as_ref()).into())
            }
        }
    }
}

impl Databases {
    fn beside(url: &str) -> Result<Self, BoxError> {
        let server: PgConnectOptions = url
            .parse()
            .map_err(|_| "this is no address of a PostgreSQL server")?;
        let mut seed = [0; 4];
        OsEntropy.fill(&mut seed);
        Ok(Self {
            address: around_database(url).ok_or("the address is to name a database")?,
            server: server.disable_statement_logging(),
            prefix: format!("attache_conformance_{:08x}", u32::from_be_bytes(seed)),
            count: AtomicU32::new(0),
            current: Mutex::new(None),
        })
    }

    async fn open(&self, name: &str) -> Result<Arc<PostgresRepository>, BoxError> {
        let (before, behind) = &self.address;
        let url = format!("{before}{name}{behind}");
        PostgresRepository::migrate(&url).await?;
        let repository = PostgresRepository::open(PostgresOptions::new(url)).await?;
        Ok(Arc::new(repository))
    }

    /// Runs a statement in the database that was named. Its parts are this program's own.
    async fn ask(&self, sql: String) -> Result<(), sqlx::Error> {
        let mut connection = self.server.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// Drops what the last check used.
    async fn clear(&self) -> Result<(), BoxError> {
        let current = self.current.lock();
        let current = current.unwrap_or_else(PoisonError::into_inner).take();
        if let Some((repository, name)) = current {
            repository.close().await;
            self.drop_database(&name).await?;
        }
        Ok(())
    }

    async fn drop_database(&self, name: &str) -> Result<(), BoxError> {
        let dropped = self.ask(format!("DROP DATABASE {name} WITH (FORCE)")).await;
        dropped.map_err(|error| format!("the database {name} is left behind: {error}").into())
    }
}

/// Returns the text around the database's name in `postgres://host/name?options`.
fn around_database(url: &str) -> Option<(String, String)> {
    let behind_scheme = url.find("://")? + 3;
    let name = behind_scheme + url[behind_scheme..].find('/')? + 1;
    let length = url[name..].find('?').unwrap_or(url.len() - name);
    let is_named = length > 0;
    is_named.then(|| (url[..name].to_owned(), url[name + length..].to_owned()))
}

async fn run() -> Result<u32, BoxError> {
    let argument = std::env::args().nth(1);
    let url = argument.or_else(|| std::env::var("ATTACHE_DATABASE_URL").ok());
    let databases = Databases::beside(&url.ok_or("which database? postgres://…")?)?;
    // A fault of the server itself is reported once.
    databases.fixture().await?;
    databases.clear().await?;
    let mut failed = 0;
    for check in checks() {
        match check.run(&databases).await {
            Ok(()) => println!("ok    {}", check.name()),
            Err(failure) => {
                failed += 1;
                println!("FAIL  {}: {}", check.name(), failure.problem);
            }
        }
        databases.clear().await?;
    }
    println!("{} checks, {failed} failed", checks().len());
    Ok(failed)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
