//! The surroundings of a server under test: its options, its directory, its backends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use attache_testkit::ThrowawayPostgres;
use tempfile::TempDir;

use super::backends::Backends;
use super::binary;
use super::command::run_ok;
use super::pairing::Pairing;

/// Arguments and environment of a server besides the defaults.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    removed: Vec<String>,
}

impl Options {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds an argument of `serve`.
    #[must_use]
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes a variable that configures the backends.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.removed.push(name.to_owned());
        self
    }
}

/// The backends and the log of a server. It outlives the process, so that the server can restart, and
/// several servers may share it.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    pub(super) backends: Backends,
}

impl Home {
    pub(super) fn new(backends: impl FnOnce(&Path) -> Backends) -> Self {
        let mut folder = TempDir::with_prefix("attache-acceptance-").unwrap();
        if std::env::var_os("ATTACHE_KEEP").is_some() {
            folder.disable_cleanup(true);
            eprintln!("the server's directory: {}", folder.path().display());
        }
        let backends = backends(folder.path());
        Self { folder, backends }
    }

    /// Creates a home on this run's pairing; returns it with a key, unless the first start creates one.
    pub(super) async fn on_pairing() -> (Self, Option<String>) {
        match Pairing::of_this_run() {
            Pairing::SqliteAndLocal => (Self::new(Backends::embedded), None),
            Pairing::PostgresAndS3 => {
                let server = ThrowawayPostgres::shared();
                let database = server.create_database_from("served", async |url: &str| {
                    let home = Self::new(|_| Backends::with_database(url.to_owned()));
                    Ok(home.prepare_database())
                });
                let (url, key) = database.await.unwrap();
                (Self::new(|_| Backends::with_database(url)), Some(key))
            }
        }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("stderr.log")
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The names of the files in the directory that the server was started in.
    pub(super) fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    /// Migrates the database and creates a tenant and a key, as the first start on shared backends needs
    /// them; returns the key.
    pub(super) fn prepare_database(&self) -> String {
        let cli = |arguments: &[&str]| run_ok(self.command().args(arguments));
        cli(&["migrate"]);
        cli(&["tenant", "create", "default"]);
        cli(&["key", "create", "--tenant", "default"])
    }

    /// A command that uses the backends. Of the test's environment it gets the `PATH` only.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(binary::attached());
        command.env_clear();
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        self.backends.configure(&mut command);
        command
    }

    /// Starts `serve` on a free port, its stdout piped and its log appended.
    pub(super) fn serve(&self, options: &Options) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file());
        let mut command = self.command();
        for name in &options.removed {
            command.env_remove(name);
        }
        let environment = options.environment.iter();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(&options.arguments)
            .envs(environment.map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        command.spawn().unwrap()
    }
}
