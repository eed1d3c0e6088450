//! The database and the store of one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use attache_testkit::{PostgresServer, ThrowawayS3};

const BUCKET: &str = "files";

/// The signing key of servers that share a database; on the embedded one they generate their own.
const SIGNING_KEY: &str = "shared:5b1f0a77c2de48b39a6640d1f8e2937c04bd8f61a2e5790c3d1b6f48a9e07d25";

/// The database and the store that the servers of one test use.
#[derive(Debug)]
pub(crate) enum Backends {
    /// SQLite and local files in one directory.
    Embedded(PathBuf),
    /// A database on a PostgreSQL server, and a bucket.
    Shared(Shared),
}

#[derive(Debug)]
pub(crate) struct Shared {
    database_url: String,
    s3: ThrowawayS3,
}

impl Backends {
    /// Creates embedded backends with an empty directory in `folder`.
    pub(crate) fn embedded(folder: &Path) -> Self {
        let data_dir = folder.join("data");
        fs::create_dir(&data_dir).unwrap();
        Self::Embedded(data_dir)
    }

    /// Creates an empty database on this PostgreSQL server, and a bucket.
    pub(crate) fn on(postgres: &PostgresServer) -> Self {
        Self::with_database(postgres.create_database().unwrap())
    }

    pub(super) fn with_database(database_url: String) -> Self {
        let s3 = ThrowawayS3::start_on_own_thread().unwrap();
        s3.create_bucket(BUCKET).unwrap();
        Self::Shared(Shared { database_url, s3 })
    }

    /// Makes a command use these backends.
    pub(crate) fn configure(&self, command: &mut Command) {
        match self {
            Self::Embedded(data_dir) => {
                command.arg("--data-dir").arg(data_dir);
            }
            Self::Shared(shared) => {
                command
                    .env("ATTACHE_DATABASE_URL", &shared.database_url)
                    .env("ATTACHE_STORAGE_URL", shared.storage_url())
                    .env("ATTACHE_SIGNING_KEYS", SIGNING_KEY);
                Shared::set_credentials(command);
            }
        }
    }

    /// Makes a command that reads other backends copy their data to these.
    #[track_caller]
    pub(crate) fn configure_as_target(&self, command: &mut Command) {
        let Self::Shared(shared) = self else {
            panic!("a directory is never the target of a data migration");
        };
        command
            .env("ATTACHE_TO_DATABASE_URL", &shared.database_url)
            .env("ATTACHE_TO_STORAGE_URL", shared.storage_url());
        Shared::set_credentials(command);
    }

    /// The directory of embedded backends.
    #[track_caller]
    pub(crate) fn data_dir(&self) -> &Path {
        match self {
            Self::Embedded(data_dir) => data_dir,
            Self::Shared(_) => panic!("this pairing has no data directory"),
        }
    }

    /// The S3 of shared backends.
    #[track_caller]
    pub(crate) fn s3(&self) -> &ThrowawayS3 {
        match self {
            Self::Embedded(_) => panic!("this pairing has no S3"),
            Self::Shared(shared) => &shared.s3,
        }
    }

    /// Overwrites an object behind the server's back.
    #[track_caller]
    pub(crate) fn replace_object(&self, object: &StoredObject, bytes: &[u8]) {
        match self {
            Self::Embedded(_) => fs::write(&object.path, bytes).unwrap(),
            Self::Shared(_) => {
                let key = object.path.to_str().unwrap();
                self.s3().replace_object(BUCKET, key, bytes).unwrap();
            }
        }
    }

    /// Everything in the store, multipart uploads in progress included.
    pub(crate) fn stored_objects(&self) -> Vec<StoredObject> {
        let mut objects = match self {
            Self::Embedded(data_dir) => files_in(&data_dir.join("blobs")),
            Self::Shared(Shared { s3, .. }) => {
                let objects = s3.objects(BUCKET).into_iter().map(|object| StoredObject {
                    path: object.key.into(),
                    size_bytes: object.size_bytes,
                });
                let in_progress = s3.open_uploads().into_iter().map(|path| StoredObject {
                    path: path.into(),
                    size_bytes: 0,
                });
                objects.chain(in_progress).collect()
            }
        };
        // The store's lock and marker are not objects.
        objects.retain(|object| !is_hidden(&object.path));
        objects.sort();
        objects
    }
}

impl Shared {
    fn storage_url(&self) -> String {
        let (endpoint, region) = (self.s3.endpoint(), self.s3.region());
        format!("s3://{BUCKET}/live?endpoint={endpoint}&region={region}&path_style=true")
    }

    fn set_credentials(command: &mut Command) {
        command
            .env("AWS_ACCESS_KEY_ID", ThrowawayS3::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", ThrowawayS3::SECRET_ACCESS_KEY);
    }
}

/// An object in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredObject {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
}

fn files_in(folder: &Path) -> Vec<StoredObject> {
    let mut objects = Vec::new();
    collect(folder, &mut objects);
    objects
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.'))
}

/// Walks a directory that the server changes meanwhile; skips what vanishes.
fn collect(folder: &Path, objects: &mut Vec<StoredObject>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            collect(&path, objects);
        } else {
            objects.push(StoredObject {
                path,
                size_bytes: metadata.len(),
            });
        }
    }
}
