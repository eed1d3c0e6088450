//! The process that keeps a server: a small shell script that reads commands from a pipe of this
//! process. However this process ends, the pipe ends with it, and the script stops the server and
//! removes its files.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use super::install::{Account, account_for, command, initialise, require};

/// `$1` is the directory of the programs, `$2` that of the server.
const SCRIPT: &str = r#"
start() {
    "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off \
        -c full_page_writes=off -c synchronous_commit=off -c shared_buffers=32MB \
        -c max_connections=400 \
        </dev/null >>"$2/log" 2>&1 &
    server=$!
    until [ "$(sed -n 8p "$2/data/postmaster.pid" 2>/dev/null | tr -d ' ')" = ready ]; do
        kill -0 $server 2>/dev/null || { tail -n 5 "$2/log" | tr '\n' ' '; echo; return; }
        sleep 0.02
    done
    echo ready
}
signal_all() {
    kill "-$1" $server $(cat "/proc/$server/task/$server/children") 2>/dev/null
}
stop() {
    signal_all CONT
    kill -QUIT $server 2>/dev/null
    wait $server
}
start "$@"
while read -r command; do
    case $command in
        stop) stop; echo stopped ;;
        start) start "$@" ;;
        freeze) signal_all STOP; echo frozen ;;
        thaw) signal_all CONT; echo thawed ;;
    esac
done
stop
rm -rf "$2"
"#;

#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Keeper {
    /// Starts a server; returns its keeper and its directory.
    pub(super) fn start(programs: &Path) -> io::Result<(Self, PathBuf)> {
        let directory = tempfile::Builder::new()
            .prefix("attache-postgres-")
            .tempdir()?;
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700))?;
        let account = account_for(directory.path())?;
        if let Some(Account { uid, gid }) = account {
            chown(directory.path(), Some(uid), Some(gid))?;
        }
        initialise(programs, directory.path(), account)?;
        let mut process = command("sh", directory.path(), account)
            .args(["-c", SCRIPT, "keeper"])
            .args([programs, directory.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // From here on the keeper removes the directory.
        let directory = directory.keep();
        let stdout = process.stdout.take().map(BufReader::new);
        let stdout = stdout.ok_or_else(|| io::Error::other("the keeper has no output"))?;
        let mut keeper = Self { process, stdout };
        keeper.expect("ready")?;
        Ok((keeper, directory))
    }

    pub(super) fn stop(&mut self) -> io::Result<()> {
        self.request("stop", "stopped")
    }

    pub(super) fn start_again(&mut self) -> io::Result<()> {
        self.request("start", "ready")
    }

    pub(super) fn freeze(&mut self) -> io::Result<()> {
        self.request("freeze", "frozen")
    }

    pub(super) fn thaw(&mut self) -> io::Result<()> {
        self.request("thaw", "thawed")
    }

    fn request(&mut self, command: &str, response: &str) -> io::Result<()> {
        if let Some(stdin) = &mut self.process.stdin {
            writeln!(stdin, "{command}")?;
        }
        self.expect(response)
    }

    fn expect(&mut self, expected: &str) -> io::Result<()> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        require(line.trim() == expected, line.as_bytes())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // The keeper ends by itself; its exit status no longer matters.
        let _ = self.process.wait();
    }
}
