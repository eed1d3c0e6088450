//! A PostgreSQL server of one test binary: made in a temporary directory, reached through a socket in
//! it, gone with the process.
//!
//! The server's keeper is a small shell script that reads commands from a pipe this process holds.
//! However the process ends, the pipe ends with it, and the script stops the server and removes its
//! files.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What a machine lacks that has no server, and how it gets one.
const REMEDY: &str = "no PostgreSQL server program was found: install one with \
    `apt-get install -y --no-install-recommends postgresql`, or name the directory of `initdb` and \
    `postgres` in PG_BIN";

/// Keeps a server: `$1` is the directory of the programs, `$2` that of the server.
const KEEPER: &str = r#"
start() {
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off \
        -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB \
        -c max_connections=200 \
        </dev/null >>"$2/log" 2>&1 &
    server=$!
    until [ "$(sed -n 8p "$2/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ]; do
        kill -0 $server 2>/dev/null || { tail -n 5 "$2/log" | tr '\n' ' '; echo; return; }
        sleep 0.02
    done
    echo ready
}
stop() {
    kill -QUIT $server 2>/dev/null
    wait $server
}
start "$@"
while read -r command; do
    case $command in
        stop) stop; echo stopped ;;
        start) start "$@" ;;
    esac
done
stop
rm -rf "$2"
"#;

/// A server that no other process uses. Dropping it stops it.
///
/// It does not sync its files, as a crash of the machine does not matter here. A crash of the server
/// loses what was committed by sessions that did not ask for `synchronous_commit`.
#[derive(Debug)]
pub struct ThrowawayPostgres {
    programs: PathBuf,
    directory: PathBuf,
    databases: AtomicU32,
    keeper: Mutex<Keeper>,
}

#[derive(Debug)]
struct Keeper {
    process: Child,
    answers: BufReader<ChildStdout>,
}

/// Whom a server runs as where this process is root, which the server refuses to be.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl ThrowawayPostgres {
    /// The server that all tests of this binary share, started by the first to ask.
    ///
    /// # Panics
    ///
    /// When there is no server program, with the remedy, or it does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ThrowawayPostgres> = OnceLock::new();
        SHARED.get_or_init(|| match Self::start() {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        })
    }

    /// Starts a server of its own, for a test that stops it.
    ///
    /// # Errors
    ///
    /// When there is no server program, with the remedy, or it does not start.
    pub fn start() -> io::Result<Self> {
        let programs = find_programs().ok_or_else(|| io::Error::other(REMEDY))?;
        let place = tempfile::Builder::new()
            .prefix("attache-postgres-")
            .tempdir()?;
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o700))?;
        let account = account_for(place.path())?;
        if let Some(Account { uid, gid }) = account {
            chown(place.path(), Some(uid), Some(gid))?;
        }
        initialise(&programs, place.path(), account)?;
        let mut keeper = command("sh", place.path(), account)
            .args(["-c", KEEPER, "keeper"])
            .args([&programs, place.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // From here on the keeper removes the directory.
        let directory = place.keep();
        let answers = keeper.stdout.take().map(BufReader::new);
        let answers = answers.ok_or_else(|| io::Error::other("the keeper has no output"))?;
        let server = Self {
            programs,
            directory,
            databases: AtomicU32::new(0),
            keeper: Mutex::new(Keeper {
                process: keeper,
                answers,
            }),
        };
        server.lock().expect("ready")?;
        Ok(server)
    }

    /// Makes an empty database and answers its URL. Its locale is English, which does not order texts
    /// by bytes: what must be ordered so has to say so.
    ///
    /// # Errors
    ///
    /// When the server does not make it.
    pub fn create_database(&self) -> io::Result<String> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let made = Command::new(self.programs.join("createdb"))
            .args(["-U", "postgres", "-T", "template0"])
            .args(["--locale-provider=icu", "--icu-locale=en-US", "-h"])
            .args([self.directory.as_os_str(), OsStr::new(&name)])
            .output()?;
        require(made.status.success(), &made.stderr)?;
        let socket = self.directory.display();
        Ok(format!(
            "postgres://postgres@localhost/{name}?host={socket}"
        ))
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.directory.join(".s.PGSQL.5432")
    }

    /// Stops the server at once, as a crash does: connections are cut, nothing is finished.
    ///
    /// # Errors
    ///
    /// When its keeper does not answer.
    pub fn crash(&self) -> io::Result<()> {
        self.lock().ask("stop", "stopped")
    }

    /// Starts the server again; it recovers what was committed.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.lock().ask("start", "ready")
    }

    fn lock(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    fn ask(&mut self, command: &str, answer: &str) -> io::Result<()> {
        if let Some(commands) = &mut self.process.stdin {
            writeln!(commands, "{command}")?;
        }
        self.expect(answer)
    }

    fn expect(&mut self, expected: &str) -> io::Result<()> {
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        require(answer.trim() == expected, answer.as_bytes())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // The keeper ends by itself; whether it did well matters to nobody any more.
        let _ = self.process.wait();
    }
}

/// Finds the directory of the server's programs: the one told, the newest that a distribution
/// installed, or one on the path.
fn find_programs() -> Option<PathBuf> {
    let told = std::env::var_os("PG_BIN").map(PathBuf::from);
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok();
    let mut installed: Vec<_> = installed
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    installed.sort_by_key(|path| {
        let version = path.file_name().and_then(OsStr::to_str);
        std::cmp::Reverse(version.and_then(|it| it.parse::<u32>().ok()))
    });
    let installed = installed.into_iter().map(|path| path.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path).collect();
    let is_complete = |directory: &PathBuf| {
        let programs = ["initdb", "postgres", "createdb"];
        programs.iter().all(|it| directory.join(it).is_file())
    };
    told.into_iter()
        .chain(installed)
        .chain(on_path)
        .find(is_complete)
}

/// Whom the server is to run as; `None` for the present user. Root alone needs another.
fn account_for(own_directory: &Path) -> io::Result<Option<Account>> {
    if own_directory.metadata()?.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let found = ["postgres", "nobody"].iter().find_map(|name| {
        let mut lines = accounts
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let fields = lines.find(|fields| fields.first() == Some(name))?;
        Some(Account {
            uid: fields.get(2)?.parse().ok()?,
            gid: fields.get(3)?.parse().ok()?,
        })
    });
    let none = || io::Error::other("neither of the accounts postgres and nobody exists");
    found.map(Some).ok_or_else(none)
}

fn command(program: impl AsRef<OsStr>, directory: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    // A new group: the interrupt of a terminal is for the tests, whose end the keeper sees.
    command.current_dir(directory).process_group(0);
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

fn initialise(programs: &Path, place: &Path, account: Option<Account>) -> io::Result<()> {
    let made = command(programs.join("initdb"), place, account)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
        .args(["-N", "--no-instructions", "--wal-segsize=1", "-D"])
        .arg(place.join("data"))
        .output()?;
    require(made.status.success(), &made.stderr)
}

fn require(done: bool, told: &[u8]) -> io::Result<()> {
    if done {
        return Ok(());
    }
    let told = String::from_utf8_lossy(told).trim().to_owned();
    Err(io::Error::other(format!("the server failed: {told}")))
}
