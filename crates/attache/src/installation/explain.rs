//! Errors of opening, explained by the options of the installation.

use std::path::PathBuf;

use super::error::OpenError;
use super::options::{DatabaseLocation, InstallationOptions, SigningKeySource, StorageLocation};
use super::path_problem::{Expected, PathProblem};

impl OpenError {
    pub(super) fn of_database(
        location: &DatabaseLocation,
        source: attache_metadata_sql::OpenError,
    ) -> Self {
        let location = location.to_string();
        Self::Database { location, source }
    }

    /// Adds the path that cannot be used, its owner and mode, if that is the reason.
    pub(super) fn with_path_problem(self, options: &InstallationOptions) -> Self {
        let mut paths: Vec<(PathBuf, Expected)> = Vec::new();
        match &self {
            Self::DataDir { path, .. } => paths.push((path.clone(), Expected::Directory)),
            Self::Lock { path, .. } => paths.push((path.clone(), Expected::WritableFile)),
            Self::SigningKeys(_) => {
                if let SigningKeySource::Generated(path) | SigningKeySource::File(path) =
                    &options.signing_keys
                {
                    paths.push((path.clone(), Expected::ReadableFile));
                }
            }
            Self::Blobs { .. } => {
                if let StorageLocation::Local(root) = &options.storage {
                    let parts = ["", "blobs", "staging"].map(|part| root.join(part));
                    paths.extend(parts.map(|part| (part, Expected::Directory)));
                    paths.push((root.join(".lock"), Expected::WritableFile));
                }
            }
            #[cfg(feature = "sqlite")]
            Self::Database { .. } => {
                if let DatabaseLocation::Sqlite(file) = &options.database {
                    // SQLite creates its log beside the file.
                    let directory = file.parent().unwrap_or(file);
                    paths.push((directory.to_owned(), Expected::Directory));
                    for ending in ["", "-wal", "-shm"] {
                        let mut name = file.clone().into_os_string();
                        name.push(ending);
                        paths.push((name.into(), Expected::WritableFile));
                    }
                }
            }
            _ => {}
        }
        let mut problems = paths
            .iter()
            .filter_map(|(path, expected)| PathProblem::find(path, *expected));
        match problems.next() {
            None => self,
            Some(problem) => Self::Path {
                problem,
                source: Box::new(self),
            },
        }
    }
}
