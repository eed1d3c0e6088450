//! The database and the store that the server under test runs on: the only place that knows.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use attache_testkit::{ThrowawayPostgres, ThrowawayS3};

/// Says which pairing to test, by the name of one.
const VARIABLE: &str = "ATTACHE_TEST_PAIRING";

const BUCKET: &str = "files";

/// What the servers of a shared database sign with; on the embedded one they make their own.
const SIGNING_KEY: &str = "shared:5b1f0a77c2de48b39a6640d1f8e2937c04bd8f61a2e5790c3d1b6f48a9e07d25";

/// A database and a store that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// The embedded default, everything in one directory.
    SqliteAndLocal,
    /// For any number of servers, none of which has a directory.
    PostgresAndS3,
}

/// What a story is about that not every pairing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A directory that one server owns, on a disk that can be full.
    DataDirectory,
    /// A first start that makes all that is missing, and a key.
    FirstStart,
    /// A first start on a database and a store that are there already, named by configuration.
    SharedStart,
    /// Several servers at a time.
    Replicas,
    /// A database that can be away while the server runs.
    DatabaseServer,
    /// A store that can be away while the server runs.
    StoreServer,
    /// Somewhere to move an embedded server to.
    Destination,
    /// A store that signs requests, so that bytes go past the server.
    SignedRequests,
}

impl Pairing {
    fn of_this_run() -> Self {
        static CHOSEN: LazyLock<Pairing> = LazyLock::new(|| {
            let name = std::env::var(VARIABLE).unwrap_or_default();
            match name.as_str() {
                "" | "sqlite+local" => Pairing::SqliteAndLocal,
                "postgres+s3" => Pairing::PostgresAndS3,
                other => panic!("{VARIABLE}={other} is neither sqlite+local nor postgres+s3"),
            }
        });
        *CHOSEN
    }

    fn name(self) -> &'static str {
        match self {
            Self::SqliteAndLocal => "sqlite+local",
            Self::PostgresAndS3 => "postgres+s3",
        }
    }

    /// Whether the store lets others send and fetch by a URL that it answers for itself.
    fn signs_requests(self) -> bool {
        self == Self::PostgresAndS3
    }

    /// Why there is no such story on this pairing; `None` where there is.
    fn lacks(self, needs: Needs) -> Option<&'static str> {
        match (self, needs) {
            (Self::PostgresAndS3, Needs::DataDirectory) => Some("its server has no directory"),
            (Self::PostgresAndS3, Needs::FirstStart) => {
                Some("its first start makes nothing: servers that start together would race")
            }
            (Self::SqliteAndLocal, Needs::SharedStart) => {
                Some("its start needs neither an address nor a password: it makes what is missing")
            }
            (Self::SqliteAndLocal, Needs::Replicas) => Some("its directory is for one server"),
            (Self::SqliteAndLocal, Needs::DatabaseServer | Needs::StoreServer) => {
                Some("nothing of it can be away while the server runs")
            }
            (Self::SqliteAndLocal, Needs::Destination) => Some("it is what servers move from"),
            (_, Needs::SignedRequests) if !self.signs_requests() => {
                Some("its store signs no requests")
            }
            _ => None,
        }
    }
}

/// Whether the store of this run lets others send and fetch by a URL that it answers for itself.
pub(crate) fn signs_requests() -> bool {
    Pairing::of_this_run().signs_requests()
}

/// Whether this pairing has the story of the calling test. Where it has not, a line says so, and why: the test command counts it apart from the tests that passed.
pub(crate) fn has_story(needs: Needs) -> bool {
    let pairing = Pairing::of_this_run();
    let Some(reason) = pairing.lacks(needs) else {
        return true;
    };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let name = pairing.name();
    // Past the capture of the test harness.
    drop(writeln!(
        std::io::stderr(),
        "NOT ON {name} {test}: {reason}"
    ));
    false
}

/// Where the servers of one test keep everything.
#[derive(Debug)]
pub(crate) enum Place {
    Directory(PathBuf),
    Shared(Shared),
}

/// A database and a bucket of one test.
#[derive(Debug)]
pub(crate) struct Shared {
    database_url: String,
    s3: ThrowawayS3,
}

impl Place {
    /// A place of this run's pairing; what is in a directory goes into this one.
    pub(crate) fn new(folder: &Path) -> Self {
        match Pairing::of_this_run() {
            Pairing::SqliteAndLocal => Self::in_directory(folder),
            Pairing::PostgresAndS3 => Self::on(ThrowawayPostgres::shared()),
        }
    }

    /// An embedded place, whatever the pairing.
    pub(crate) fn in_directory(folder: &Path) -> Self {
        let data_dir = folder.join("data");
        fs::create_dir(&data_dir).unwrap();
        Self::Directory(data_dir)
    }

    /// A place on a PostgreSQL server that the test may stop.
    pub(crate) fn on(postgres: &ThrowawayPostgres) -> Self {
        let s3 = ThrowawayS3::start_apart().unwrap();
        s3.create_bucket(BUCKET).unwrap();
        Self::Shared(Shared {
            database_url: postgres.create_database().unwrap(),
            s3,
        })
    }

    /// Tells a command where everything is.
    pub(crate) fn configure(&self, command: &mut Command) {
        match self {
            Self::Directory(data_dir) => {
                command.arg("--data-dir").arg(data_dir);
            }
            Self::Shared(shared) => {
                command
                    .env("ATTACHE_DATABASE_URL", &shared.database_url)
                    .env("ATTACHE_STORAGE_URL", shared.storage_url())
                    .env("ATTACHE_SIGNING_KEYS", SIGNING_KEY);
                Shared::introduce(command);
            }
        }
    }

    /// Tells a command that works on another place to carry it to this one.
    #[track_caller]
    pub(crate) fn configure_as_destination(&self, command: &mut Command) {
        let Self::Shared(shared) = self else {
            panic!("nothing moves to a directory");
        };
        command
            .env("ATTACHE_TO_DATABASE_URL", &shared.database_url)
            .env("ATTACHE_TO_STORAGE_URL", shared.storage_url());
        Shared::introduce(command);
    }

    /// Does what comes before the first start, with commands that each answer their output; answers
    /// the key that was made, where the first start does not make it.
    pub(crate) fn prepare(&self, cli: impl Fn(&[&str]) -> String) -> Option<String> {
        match self {
            Self::Directory(_) => None,
            Self::Shared(_) => {
                cli(&["migrate"]);
                cli(&["tenant", "create", "default"]);
                Some(cli(&["key", "create", "--tenant", "default"]))
            }
        }
    }

    /// The directory of a pairing that has one.
    #[track_caller]
    pub(crate) fn data_dir(&self) -> &Path {
        match self {
            Self::Directory(data_dir) => data_dir,
            Self::Shared(_) => panic!("this pairing has no data directory"),
        }
    }

    /// The S3 of a pairing that has one.
    #[track_caller]
    pub(crate) fn s3(&self) -> &ThrowawayS3 {
        match self {
            Self::Directory(_) => panic!("this pairing has no S3"),
            Self::Shared(shared) => &shared.s3,
        }
    }

    /// Puts other bytes in the place of an object, past the server, in a pairing that has an S3.
    #[track_caller]
    pub(crate) fn replace_object(&self, object: &StoredObject, bytes: &[u8]) {
        let key = object.path.to_str().unwrap();
        self.s3().replace_object(BUCKET, key, bytes).unwrap();
    }

    /// Everything the store holds, unfinished uploads included.
    pub(crate) fn stored_objects(&self) -> Vec<StoredObject> {
        let mut found = match self {
            Self::Directory(data_dir) => files_in(&data_dir.join("blobs")),
            Self::Shared(Shared { s3, .. }) => {
                let objects = s3.objects(BUCKET).into_iter().map(|object| StoredObject {
                    path: object.key.into(),
                    size_bytes: object.size_bytes,
                });
                let unfinished = s3.open_uploads().into_iter().map(|path| StoredObject {
                    path: path.into(),
                    size_bytes: 0,
                });
                objects.chain(unfinished).collect()
            }
        };
        found.sort();
        found
    }
}

impl Shared {
    fn storage_url(&self) -> String {
        let (endpoint, region) = (self.s3.endpoint(), self.s3.region());
        format!("s3://{BUCKET}/live?endpoint={endpoint}&region={region}&path_style=true")
    }

    /// Tells a command who it is to the store.
    fn introduce(command: &mut Command) {
        command
            .env("AWS_ACCESS_KEY_ID", ThrowawayS3::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", ThrowawayS3::SECRET_ACCESS_KEY);
    }
}

/// An object in the store: where it lies and how many bytes it has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredObject {
    pub(crate) path: PathBuf,
    pub(crate) size_bytes: u64,
}

fn files_in(folder: &Path) -> Vec<StoredObject> {
    let mut found = Vec::new();
    collect(folder, &mut found);
    // What keeps a second server out holds nobody's bytes.
    found.retain(|object| object.path != folder.join(".lock"));
    found
}

/// Walks a directory that the server changes meanwhile: what vanishes was not there.
fn collect(folder: &Path, found: &mut Vec<StoredObject>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        if facts.is_dir() {
            collect(&path, found);
        } else {
            found.push(StoredObject {
                path,
                size_bytes: facts.len(),
            });
        }
    }
}
