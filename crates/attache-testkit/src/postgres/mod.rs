//! PostgreSQL servers for tests: in a temporary directory, reached through a socket in it, gone with
//! the process that started them.

mod install;
mod keeper;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use keeper::Keeper;

/// Names the directory of a running server, for all test binaries of a run.
const SHARED_SERVER: &str = "ATTACHE_TEST_POSTGRES";

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    directory: PathBuf,
}

/// A server that no other process uses. Dropping it stops it.
///
/// It does not sync its files, as a crash of the machine does not matter here. A crash of the server
/// loses what was committed by sessions that did not ask for `synchronous_commit`.
#[derive(Debug)]
pub struct ThrowawayPostgres {
    server: PostgresServer,
    keeper: Mutex<Keeper>,
}

impl ThrowawayPostgres {
    /// Returns the server that all tests share: the one in the directory that `ATTACHE_TEST_POSTGRES`
    /// names, otherwise one of this process, started on first use.
    ///
    /// # Panics
    ///
    /// If there is no server program, with the remedy, or it does not start.
    pub fn shared() -> &'static PostgresServer {
        static OWN: OnceLock<ThrowawayPostgres> = OnceLock::new();
        static SHARED: LazyLock<Option<PostgresServer>> = LazyLock::new(|| {
            let directory = std::env::var_os(SHARED_SERVER)?.into();
            let programs = install::find_programs().expect("the programs of the shared server");
            Some(PostgresServer {
                programs,
                directory,
            })
        });
        SHARED.as_ref().unwrap_or_else(|| {
            OWN.get_or_init(|| match Self::start() {
                Ok(server) => server,
                Err(error) => panic!("{error}"),
            })
        })
    }

    /// Starts a server of its own, for a test that stops it.
    ///
    /// # Errors
    ///
    /// If there is no server program, with the remedy, or it does not start.
    pub fn start() -> io::Result<Self> {
        let programs = install::find_programs().ok_or_else(|| io::Error::other(install::REMEDY))?;
        let (keeper, directory) = Keeper::start(&programs)?;
        Ok(Self {
            server: PostgresServer {
                programs,
                directory,
            },
            keeper: Mutex::new(keeper),
        })
    }

    /// Stops the server at once, as a crash does: connections are cut, nothing is finished.
    ///
    /// # Errors
    ///
    /// If its keeper does not respond.
    pub fn crash(&self) -> io::Result<()> {
        self.lock().stop()
    }

    /// Starts the server again; it recovers what was committed.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.lock().start_again()
    }

    /// Stops all its processes without an end, as a machine that hangs does: connections stay open and
    /// nothing responds.
    ///
    /// # Errors
    ///
    /// If its keeper does not respond.
    pub fn freeze(&self) -> io::Result<()> {
        self.lock().freeze()
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    ///
    /// If its keeper does not respond.
    pub fn thaw(&self) -> io::Result<()> {
        self.lock().thaw()
    }

    fn lock(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for ThrowawayPostgres {
    type Target = PostgresServer;

    fn deref(&self) -> &PostgresServer {
        &self.server
    }
}

impl PostgresServer {
    /// Creates an empty database and returns its URL. Its locale is English, which does not order texts
    /// by bytes: a query that needs that order has to say so.
    ///
    /// # Errors
    ///
    /// If the server does not create it.
    pub fn create_database(&self) -> io::Result<String> {
        let name = unique_name();
        self.create_empty(&name)?;
        Ok(self.url(&name))
    }

    /// Creates a copy of the template database `template`; returns its URL and the note of `fill`.
    ///
    /// The first call for a server creates the template: `fill` gets the URL of an empty database and
    /// returns a note. It must have closed its connections.
    ///
    /// # Errors
    ///
    /// If the server does not create the databases, or `fill` fails.
    pub async fn create_database_from(
        &self,
        template: &str,
        fill: impl AsyncFnOnce(&str) -> io::Result<String>,
    ) -> io::Result<(String, String)> {
        let template = format!("template_{template}");
        let note = self.directory.join(&template);
        let note = match fs::read_to_string(&note) {
            Ok(note) => note,
            Err(_) => self.create_template(&template, &note, fill).await?,
        };
        let name = unique_name();
        self.create(&["-T", &template], &name)?;
        Ok((self.url(&name), note))
    }

    /// Creates a template unless another thread or process was faster. Its note exists once it is done.
    async fn create_template(
        &self,
        template: &str,
        note_path: &Path,
        fill: impl AsyncFnOnce(&str) -> io::Result<String>,
    ) -> io::Result<String> {
        let lock = File::create(note_path.with_extension("lock"))?;
        lock.lock()?;
        if let Ok(note) = fs::read_to_string(note_path) {
            return Ok(note);
        }
        // Under another name until it is complete, so that a failed attempt is in nobody's way.
        let name = unique_name();
        self.create_empty(&name)?;
        let note = fill(&self.url(&name)).await?;
        self.create(&["-T", &name], template)?;
        let unfinished = note_path.with_extension("new");
        fs::write(&unfinished, &note)?;
        fs::rename(unfinished, note_path)?;
        Ok(note)
    }

    fn create_empty(&self, name: &str) -> io::Result<()> {
        let locale = ["--locale-provider=icu", "--icu-locale=en-US"];
        self.create(&["-T", "template0", locale[0], locale[1]], name)
    }

    fn create(&self, options: &[&str], name: &str) -> io::Result<()> {
        let output = Command::new(self.programs.join("createdb"))
            .args(["-U", "postgres", "-h"])
            .arg(&self.directory)
            .args(options)
            .arg(OsStr::new(name))
            .output()?;
        install::require(output.status.success(), &output.stderr)
    }

    fn url(&self, database: &str) -> String {
        let socket = self.directory.display();
        format!("postgres://postgres@localhost/{database}?host={socket}")
    }

    /// The directory of the server, for `ATTACHE_TEST_POSTGRES`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }
}

/// A name that no other database of the server has: several processes create some.
fn unique_name() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{:016x}_{number}", *PROCESS)
}
