//! The database of an installation, without its store and signing keys.

use std::fmt;
use std::sync::Arc;

use attache_lanes::QueueMonitor;
use attache_metadata::MetadataRepository;
use attache_metadata_sql::MigrationReport;
#[cfg(feature = "postgres")]
use attache_metadata_sql::PostgresRepository;
#[cfg(feature = "sqlite")]
use attache_metadata_sql::{SqliteOptions, SqliteRepository};
#[cfg(feature = "postgres")]
use attache_model::Clock;
use attache_model::Finding;
use attache_service::Administration;

use super::error::OpenError;
use super::options::{DatabaseLocation, InstallationOptions};

/// The database of an installation, without its store and signing keys.
///
/// It can be open while servers are running. Changes take effect there at once.
pub struct InstallationDatabase {
    repository: Repository,
    administration: Administration,
}

/// The concrete repositories: closing is not part of their contract.
#[derive(Clone)]
enum Repository {
    #[cfg(feature = "sqlite")]
    Sqlite {
        repository: Arc<SqliteRepository>,
        /// The name of the database in messages.
        name: String,
    },
    #[cfg(feature = "postgres")]
    Postgres {
        repository: Arc<PostgresRepository>,
        /// The clock to compare the server's clock with.
        clock: Arc<dyn Clock>,
    },
}

impl Repository {
    async fn open(options: &InstallationOptions) -> Result<Self, OpenError> {
        let failed = |error| OpenError::of_database(&options.database, error);
        Ok(match &options.database {
            #[cfg(feature = "sqlite")]
            DatabaseLocation::Sqlite(path) => {
                let mut sqlite = SqliteOptions::new(path).with_clock(options.clock.clone());
                if let Some(hook) = &options.event_hook {
                    sqlite = sqlite.with_event_hook(hook.clone());
                }
                Self::Sqlite {
                    repository: Arc::new(SqliteRepository::open(sqlite).await.map_err(failed)?),
                    name: options.database.to_string(),
                }
            }
            #[cfg(feature = "postgres")]
            DatabaseLocation::Postgres(postgres) => {
                let mut postgres = postgres.clone();
                if let Some(hook) = &options.event_hook {
                    postgres = postgres.with_event_hook(hook.clone());
                }
                Self::Postgres {
                    repository: Arc::new(PostgresRepository::open(postgres).await.map_err(failed)?),
                    clock: options.clock.clone(),
                }
            }
        })
    }

    fn shared(&self) -> Arc<dyn MetadataRepository> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite { repository, .. } => repository.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres { repository, .. } => repository.clone(),
        }
    }
}

impl InstallationDatabase {
    /// Creates the database, or upgrades it to this program's schema; does nothing if it is current.
    /// If several programs do so at the same time, one works and the others wait.
    ///
    /// # Errors
    ///
    /// [`OpenError::DataDir`], [`OpenError::Database`].
    pub async fn migrate(options: &InstallationOptions) -> Result<MigrationReport, OpenError> {
        let migrated = match &options.database {
            #[cfg(feature = "sqlite")]
            DatabaseLocation::Sqlite(path) => match options.create_data_dir() {
                Ok(()) => SqliteRepository::migrate(path).await,
                Err(error) => return Err(error.with_path_problem(options)),
            },
            #[cfg(feature = "postgres")]
            DatabaseLocation::Postgres(postgres) => {
                PostgresRepository::migrate(&postgres.url).await
            }
        };
        let failed = |error| OpenError::of_database(&options.database, error);
        migrated.map_err(|error| failed(error).with_path_problem(options))
    }

    /// Opens a migrated database.
    ///
    /// # Errors
    ///
    /// Returns [`OpenError::Database`] if it is missing or has another schema.
    pub async fn open(options: &InstallationOptions) -> Result<Self, OpenError> {
        let opened = Repository::open(options).await;
        let repository = opened.map_err(|error| error.with_path_problem(options))?;
        let administration = Administration::new(
            repository.shared(),
            options.clock.clone(),
            options.entropy.clone(),
        );
        Ok(Self {
            repository,
            administration,
        })
    }

    /// Returns the administration of tenants and keys.
    pub fn administration(&self) -> &Administration {
        &self.administration
    }

    /// Returns the repository.
    pub fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.shared()
    }

    /// Returns views of the queues of calls to the database, for metrics.
    pub fn queues(&self) -> Vec<QueueMonitor> {
        match &self.repository {
            #[cfg(feature = "sqlite")]
            Repository::Sqlite { repository, .. } => repository.queues(),
            #[cfg(feature = "postgres")]
            Repository::Postgres { repository, .. } => repository.queues(),
        }
    }

    /// Reports the state of the database to its operator. Changes nothing.
    pub async fn diagnose(&self) -> Vec<Finding> {
        let health = self.repository().health().await;
        if let Err(error) = health {
            return vec![Finding::failure(&error)];
        }
        match &self.repository {
            #[cfg(feature = "sqlite")]
            Repository::Sqlite { name, .. } => vec![Finding::fine(name.clone())],
            #[cfg(feature = "postgres")]
            Repository::Postgres { repository, clock } => repository.diagnose(clock.as_ref()).await,
        }
    }

    /// Commits pending changes, and closes the file or the connections.
    pub async fn close(&self) {
        match &self.repository {
            #[cfg(feature = "sqlite")]
            Repository::Sqlite { repository, .. } => repository.close().await,
            #[cfg(feature = "postgres")]
            Repository::Postgres { repository, .. } => repository.close().await,
        }
    }
}

impl fmt::Debug for InstallationDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.repository {
            #[cfg(feature = "sqlite")]
            Repository::Sqlite { repository, .. } => repository.fmt(f),
            #[cfg(feature = "postgres")]
            Repository::Postgres { repository, .. } => repository.fmt(f),
        }
    }
}
