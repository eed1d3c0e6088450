//! The flags of `migrate-data` that name the target.

use std::fmt;

use attache::InstallationOptions;
use clap::Args;

use super::locations::{parse_database_url, parse_storage_url};

/// The target of `migrate-data`. `Debug` shows no values that may contain a secret.
#[derive(Clone, Args)]
pub(crate) struct TargetArgs {
    /// The database to copy the records to: `postgres://USER:PASSWORD@HOST/DATABASE`, empty and
    /// migrated by this version
    #[arg(
        long,
        env = "ATTACHE_TO_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    to_database_url: String,
    /// The store to copy the bytes to: `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` or `file:PATH`.
    /// Credentials are found as for --storage-url
    #[arg(
        long,
        env = "ATTACHE_TO_STORAGE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    to_storage_url: String,
}

impl TargetArgs {
    /// Converts the flags, and the environment of the store, to options.
    ///
    /// # Errors
    ///
    /// Names the flag and the problem, never the value.
    pub(crate) fn options(
        &self,
        environment: impl Fn(&'static str) -> Option<String>,
    ) -> Result<InstallationOptions, String> {
        let database = parse_database_url(&self.to_database_url);
        let database = database.map_err(|problem| format!("--to-database-url: {problem}"))?;
        if !database.is_shared() {
            return Err("--to-database-url: must be a postgres:// URL".to_owned());
        }
        let storage = parse_storage_url(&self.to_storage_url, environment);
        let storage = storage.map_err(|problem| format!("--to-storage-url: {problem}"))?;
        Ok(InstallationOptions::new(database, storage))
    }
}

impl fmt::Debug for TargetArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetArgs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use attache::StorageLocation;

    use super::*;

    fn refusal(database: &str, storage: &str) -> String {
        let args = TargetArgs {
            to_database_url: database.to_owned(),
            to_storage_url: storage.to_owned(),
        };
        let refused = args.options(|_| None).unwrap_err();
        let shown = format!("{refused} {args:?}");
        assert!(!shown.contains("canary"), "{shown}");
        refused
    }

    #[test]
    fn invalid_target_is_refused_without_its_secrets() {
        let postgres = "postgres://u:canary@h/d";
        for (database, storage, hint) in [
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
            assert!(refused.contains(hint), "{refused}");
        }
        let args = TargetArgs {
            to_database_url: postgres.to_owned(),
            to_storage_url: "file:blobs".to_owned(),
        };
        let options = args.options(|_| None).unwrap();
        assert!(matches!(options.storage, StorageLocation::Local(_)));
    }
}
