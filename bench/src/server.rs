//! A server process on a free loopback port, with its own data folder.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running server, killed on drop.
pub(crate) struct Server {
    child: Child,
    authority: String,
    binary: PathBuf,
    data: PathBuf,
}

impl Server {
    /// Starts the binary and waits until it prints its address.
    pub(crate) fn start(binary: &Path, data: &Path) -> Result<Self> {
        let mut child = Command::new(binary)
            // The environment configures the server too: measure the defaults.
            .env_clear()
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            forward_lines(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward_lines(stderr, sender);
        }
        // Built before the wait, so that a server that never gets ready is killed too.
        let mut server = Self {
            child,
            authority: String::new(),
            binary: binary.to_owned(),
            data: data.to_owned(),
        };
        server.authority = wait_for_authority(&lines)?;
        Ok(server)
    }

    /// Returns the `host:port` it listens on.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Creates an API key of the default tenant.
    pub(crate) fn create_key(&self) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .args(["key", "create", "--tenant", "default", "--data-dir"])
            .arg(&self.data);
        let output = command
            .output()
            .context("cannot run `attached key create`")?;
        ensure!(
            output.status.success(),
            "`attached key create` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let key = String::from_utf8(output.stdout)?.trim().to_owned();
        ensure!(
            !key.is_empty() && !key.contains(char::is_whitespace),
            "`attached key create` did not print a key alone"
        );
        Ok(key)
    }

    /// Returns the peak resident memory of the process, in KiB.
    pub(crate) fn peak_memory_kib(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        parse_peak_kib(&status).with_context(|| format!("{path} has no VmHWM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data folder is thrown away as well, so there is nothing to shut down in order; both
        // calls fail only when the process has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Shows what the server prints. Keeps reading after the receiver is gone: a full pipe would block it.
fn forward_lines(stream: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream)
            .lines()
            .map_while(std::io::Result::ok)
        {
            eprintln!("attached: {line}");
            // No receiver only means that the address is known by now.
            let _ = sender.send(line);
        }
    });
}

fn wait_for_authority(lines: &mpsc::Receiver<String>) -> Result<String> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines
            .recv_timeout(left)
            .context("the server ended or printed no address")?;
        if let Some(authority) = parse_authority(&line) {
            return Ok(authority);
        }
    }
}

/// Returns the `127.0.0.1:PORT` of the first `http://127.0.0.1:PORT` in a line.
fn parse_authority(line: &str) -> Option<String> {
    let (_before, rest) = line.split_once("http://127.0.0.1:")?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let port: u16 = rest[..end].parse().ok()?;
    (port != 0).then(|| format!("127.0.0.1:{port}"))
}

/// Returns the figure of `VmHWM: 12345 kB` in `/proc/PID/status`.
fn parse_peak_kib(status: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_found_in_banner_and_log_line() {
        let expected = Some("127.0.0.1:34567".to_owned());
        assert_eq!(
            parse_authority("listening on http://127.0.0.1:34567"),
            expected
        );
        assert_eq!(
            parse_authority(r#"{"url":"http://127.0.0.1:34567/v1"}"#),
            expected
        );
        for line in [
            "http://127.0.0.1:0",
            "http://127.0.0.1:",
            "127.0.0.1:80",
            "port 99999",
        ] {
            assert_eq!(parse_authority(line), None, "{line}");
        }
    }

    #[test]
    fn peak_memory_is_read_from_process_status() {
        let status = "VmPeak:\t  200 kB\nVmHWM:\t   12345 kB\nVmRSS:\t 9 kB\n";
        assert_eq!(parse_peak_kib(status), Some(12345));
        assert_eq!(parse_peak_kib("VmRSS:\t 9 kB\n"), None);
    }
}
