//! The server's programs and the account that runs them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The error on a machine without the server, with the ways to install it.
pub(super) const REMEDY: &str = "no PostgreSQL server program was found: install one with \
    `apt-get install -y --no-install-recommends postgresql`, or name the directory of `initdb` and \
    `postgres` in PG_BIN";

/// The account of a server that root starts, which refuses to run as root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Finds the directory of the server's programs: the one that `PG_BIN` names, the newest that a
/// distribution installed, or one on the path.
pub(super) fn find_programs() -> Option<PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
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
    named
        .into_iter()
        .chain(installed)
        .chain(on_path)
        .find(is_complete)
}

/// Returns the account that the server is to run as; `None` for the present one. Only root needs
/// another.
pub(super) fn account_for(own_directory: &Path) -> io::Result<Option<Account>> {
    if own_directory.metadata()?.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let account = ["postgres", "nobody"].iter().find_map(|name| {
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
    account.map(Some).ok_or_else(none)
}

pub(super) fn command(
    program: impl AsRef<OsStr>,
    directory: &Path,
    account: Option<Account>,
) -> Command {
    let mut command = Command::new(program);
    // A new group: the interrupt of a terminal is for the tests, whose end the keeper notices.
    command.current_dir(directory).process_group(0);
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Creates the data directory of a server.
pub(super) fn initialise(
    programs: &Path,
    directory: &Path,
    account: Option<Account>,
) -> io::Result<()> {
    let output = command(programs.join("initdb"), directory, account)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
        .args(["-N", "--no-instructions", "--wal-segsize=1", "-D"])
        .arg(directory.join("data"))
        .output()?;
    require(output.status.success(), &output.stderr)
}

pub(super) fn require(is_success: bool, message: &[u8]) -> io::Result<()> {
    if is_success {
        return Ok(());
    }
    let message = String::from_utf8_lossy(message).trim().to_owned();
    Err(io::Error::other(format!("the server failed: {message}")))
}
