//! The pairing of a database and a store that this run tests, and what it is capable of.

use std::io::Write as _;
use std::sync::LazyLock;

/// Selects the pairing to test, by its name.
const VARIABLE: &str = "ATTACHE_TEST_PAIRING";

/// A database and a store that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairing {
    /// The embedded default, everything in one directory.
    SqliteAndLocal,
    /// For any number of servers, none of which has a directory.
    PostgresAndS3,
}

/// A condition of a story that not every pairing meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// A directory that one server owns, on a disk that can be full.
    DataDirectory,
    /// A first start that creates everything that is missing, and a key.
    FirstStart,
    /// A first start on an existing database and store, named by configuration.
    SharedStart,
    /// Several servers at a time.
    Replicas,
    /// A database that can fail while the server runs.
    DatabaseServer,
    /// A store that can fail while the server runs.
    StoreServer,
    /// Backends that the data of an embedded server can be copied to.
    MigrationTarget,
    /// A store that signs requests, so that bytes bypass the server.
    PresignedRequests,
}

impl Pairing {
    pub(super) fn of_this_run() -> Self {
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

    /// The reason why this pairing has no such story; `None` if it has.
    fn lacks(self, capability: Capability) -> Option<&'static str> {
        use Capability as C;
        match (self, capability) {
            (Self::PostgresAndS3, C::DataDirectory) => Some("its server has no directory"),
            (Self::PostgresAndS3, C::FirstStart) => {
                Some("its first start creates nothing: servers that start together would race")
            }
            (Self::SqliteAndLocal, C::SharedStart) => {
                Some("its start needs neither a URL nor a password: it creates what is missing")
            }
            (Self::SqliteAndLocal, C::Replicas) => Some("its directory is for one server"),
            (Self::SqliteAndLocal, C::DatabaseServer | C::StoreServer) => {
                Some("no part of it can fail while the server runs")
            }
            (Self::SqliteAndLocal, C::MigrationTarget) => {
                Some("it is the source of data migrations")
            }
            (Self::SqliteAndLocal, C::PresignedRequests) => Some("its store signs no requests"),
            _ => None,
        }
    }
}

/// Returns `true` if the store of this run signs requests.
pub(crate) fn presigns_requests() -> bool {
    pairing_lacks(Capability::PresignedRequests).is_none()
}

fn pairing_lacks(capability: Capability) -> Option<&'static str> {
    Pairing::of_this_run().lacks(capability)
}

/// Returns `true` if this run's pairing has a capability. If not, prints a line with the reason: the
/// test command counts the calling test apart from those that passed.
pub(crate) fn pairing_has(capability: Capability) -> bool {
    let Some(reason) = pairing_lacks(capability) else {
        return true;
    };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let name = Pairing::of_this_run().name();
    // `eprintln!` would be captured by the test harness.
    drop(writeln!(
        std::io::stderr(),
        "NOT ON {name} {test}: {reason}"
    ));
    false
}
