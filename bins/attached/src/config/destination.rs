//! The flags that name where `migrate-data` carries the data.

use std::fmt;

use attache::InstallationOptions;
use clap::Args;

use super::data::{database_at, storage_at};

/// Where the data is to go. `Debug` shows none of the values that may hold a secret.
#[derive(Clone, Args)]
pub(crate) struct DestinationArgs {
    /// The database to carry the records to: `postgres://USER:PASSWORD@HOST/DATABASE`, migrated by
    /// this version and empty
    #[arg(
        long,
        env = "ATTACHE_TO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    to_database_url: String,
    /// The store to carry the bytes to: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` with the
    /// credentials in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `file:PATH`
    #[arg(
        long,
        env = "ATTACHE_TO_STORAGE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    to_storage_url: String,
}

impl DestinationArgs {
    /// What the flags and the environment of the store mean.
    ///
    /// # Errors
    ///
    /// Names the flag and what is wrong with it, and repeats none of its value.
    pub(crate) fn options(
        &self,
        environment: impl Fn(&'static str) -> Option<String>,
    ) -> Result<InstallationOptions, String> {
        let database = database_at(&self.to_database_url);
        let database = database.map_err(|problem| format!("--to-database-url: {problem}"))?;
        if !database.is_shared() {
            return Err("--to-database-url: must be a postgres:// URL".to_owned());
        }
        let storage = storage_at(&self.to_storage_url, environment);
        let storage = storage.map_err(|problem| format!("--to-storage-url: {problem}"))?;
        Ok(InstallationOptions::new(database, storage))
    }
}

impl fmt::Debug for DestinationArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationArgs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use attache::StorageLocation;

    use super::*;

    fn refusal(database: &str, storage: &str) -> String {
        let args = DestinationArgs {
            to_database_url: database.to_owned(),
            to_storage_url: storage.to_owned(),
        };
        let refused = args.options(|_| None).unwrap_err();
        let shown = format!("{refused} {args:?}");
        assert!(!shown.contains("canary"), "{shown}");
        refused
    }

    #[test]
    fn a_destination_is_shared_and_a_wrong_one_is_not_shown() {
        let postgres = "postgres://u:canary@h/d";
        for (database, storage, told) in [
            ("sqlite:x", "file:x", "--to-database-url: must be"),
            ("mysql://u:canary@h/d", "file:x", "--to-database-url: "),
            (postgres, "s4://canary", "--to-storage-url: write file:PATH"),
            (
                postgres,
                "s3://u:canary@bucket",
                "must not hold credentials",
            ),
        ] {
            let refused = refusal(database, storage);
            assert!(refused.contains(told), "{refused}");
        }
        let args = DestinationArgs {
            to_database_url: postgres.to_owned(),
            to_storage_url: "file:blobs".to_owned(),
        };
        let options = args.options(|_| None).unwrap();
        assert!(matches!(options.storage, StorageLocation::Local(_)));
    }
}
