//! Starts, stops, kills and restarts the real binary, and runs its other subcommands.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use attache_testkit::{PostgresServer, ThrowawayS3};
use rustix::process::{Pid, Signal, kill_process};

use super::backends::{Backends, StoredObject};
use super::command::run_ok;
use super::home::{Home, Options};
use super::{ALL_SCOPES, Client, RawConnection, eventually};

/// The time limit of a start or a stop, long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(90);

/// The time limit for orphans to disappear. The server deletes them at once; what it cannot delete, or
/// was deleting when it was killed, waits a minute, and then for the next round of the sweeper.
const CLEANUP_TIMEOUT: Duration = Duration::from_mins(3);

/// A running server. Dropping it kills the process and removes its directory.
#[derive(Debug)]
pub(crate) struct Server {
    home: Arc<Home>,
    options: Options,
    child: Child,
    stdout: Arc<Mutex<Vec<String>>>,
    url: String,
    key: Option<String>,
}

impl Server {
    /// Starts a server on fresh backends and waits until it is ready.
    pub(crate) async fn start(options: Options) -> Self {
        let (home, key) = Home::on_pairing().await;
        Self::start_in(Arc::new(home), options, key).await
    }

    /// As [`start`](Self::start), with the records on a PostgreSQL server of the test's own.
    pub(crate) async fn start_on_postgres(postgres: &PostgresServer, options: Options) -> Self {
        let home = Home::new(|_| Backends::on(postgres));
        let key = home.prepare_database();
        Self::start_in(Arc::new(home), options, Some(key)).await
    }

    /// Starts another server on the same backends.
    pub(crate) async fn start_replica(&self) -> Self {
        self.start_replica_with(self.options.clone()).await
    }

    /// As [`start_replica`](Self::start_replica), with options of its own.
    pub(crate) async fn start_replica_with(&self, options: Options) -> Self {
        Self::start_in(self.home.clone(), options, self.key.clone()).await
    }

    /// Starts a server after `prepare` has changed its empty data directory.
    pub(crate) async fn start_in_prepared_directory(
        options: Options,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let home = Home::new(Backends::embedded);
        prepare(home.backends.data_dir());
        Self::start_in(Arc::new(home), options, None).await
    }

    /// Starts a server on SQLite and local files, whatever the pairing.
    pub(crate) async fn start_embedded(options: Options) -> Self {
        let home = Home::new(Backends::embedded);
        Self::start_in(Arc::new(home), options, None).await
    }

    /// Starts a server on backends that already hold its data.
    pub(crate) async fn start_on_existing(backends: Backends, options: Options) -> Self {
        Self::start_in(Arc::new(Home::new(|_| backends)), options, None).await
    }

    async fn start_in(home: Arc<Home>, options: Options, key: Option<String>) -> Self {
        let mut child = home.serve(&options);
        let stdout = collect_lines(child.stdout.take().unwrap());
        let mut server = Self {
            home,
            options,
            child,
            stdout,
            url: String::new(),
            key,
        };
        server.url = server.wait_for_url().await;
        server.wait_until_ready().await;
        if server.key.is_none() {
            server.key = server.find_in_stdout("att_");
        }
        server
    }

    async fn wait_for_url(&mut self) -> String {
        let started = Instant::now();
        loop {
            if let Some(url) = self.find_in_stdout("http://127.0.0.1:") {
                let end = url["http://".len()..].find('/');
                return end.map_or(url.clone(), |end| url[.."http://".len() + end].to_owned());
            }
            let exit = self.child.try_wait().unwrap();
            assert!(
                exit.is_none() && started.elapsed() < TIMEOUT,
                "no URL was printed (exit {exit:?})\nstdout: {}\nstderr: {}",
                self.stdout(),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn wait_until_ready(&self) {
        let client = self.anonymous();
        let status = async || {
            let response = client.request("GET", "/readyz").try_send().await;
            response.map(|response| response.status).ok()
        };
        eventually("the server is ready", TIMEOUT, status, |status| {
            *status == Some(200)
        })
        .await;
    }

    /// The first word on stdout that begins with `start`, without the quotes around it.
    fn find_in_stdout(&self, start: &str) -> Option<String> {
        let stdout = self.stdout();
        let at = stdout.find(start)?;
        let is_end = |c: char| !c.is_ascii_graphic() || "'\"`<>,;()".contains(c);
        stdout[at..].split(is_end).next().map(str::to_owned)
    }

    /// The server's stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.lock().unwrap().join("\n")
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        self.home.log()
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.url["http://".len()..]
    }

    /// The data directory, on a pairing that has one.
    #[track_caller]
    pub(crate) fn data_dir(&self) -> &Path {
        self.home.backends.data_dir()
    }

    /// The S3, on a pairing that has one.
    #[track_caller]
    pub(crate) fn s3(&self) -> &ThrowawayS3 {
        self.home.backends.s3()
    }

    /// The names of the files in the directory that the server was started in.
    pub(crate) fn home_entries(&self) -> Vec<String> {
        self.home.entries()
    }

    /// The key of the first start.
    #[track_caller]
    pub(crate) fn key(&self) -> &str {
        self.key.as_deref().expect("the first start printed no key")
    }

    /// A client with the key of the first start.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url, Some(self.key()))
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.url, None)
    }

    pub(crate) async fn connect(&self) -> RawConnection {
        RawConnection::open(self.authority()).await
    }

    /// Everything in the store, multipart uploads in progress included.
    pub(crate) fn stored_objects(&self) -> Vec<StoredObject> {
        self.home.backends.stored_objects()
    }

    /// Returns `true` if the store holds something, or the server has a file open that has no name yet.
    pub(crate) fn is_storing(&self) -> bool {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let mut targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        // The kernel shows such a file as `/directory/#inode (deleted)`.
        targets.any(|target| target.to_string_lossy().contains("/#"))
            || !self.stored_objects().is_empty()
    }

    /// Overwrites an object behind the server's back.
    #[track_caller]
    pub(crate) fn replace_object(&self, object: &StoredObject, bytes: &[u8]) {
        self.home.backends.replace_object(object, bytes);
    }

    /// Waits until the store holds exactly `count` objects.
    pub(crate) async fn wait_for_objects(&self, count: usize) {
        eventually(
            &format!("{count} objects in the store"),
            CLEANUP_TIMEOUT,
            async || self.stored_objects(),
            |objects| objects.len() == count,
        )
        .await;
    }

    /// Sends the signal with which a service manager stops the server.
    pub(crate) fn terminate(&self) {
        self.send_signal(Signal::TERM);
    }

    /// Sends any signal.
    pub(crate) fn send_signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the process has exited by itself.
    pub(crate) async fn wait_for_exit(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < TIMEOUT,
                "the server did not exit:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the server and starts it again on the same backends.
    pub(crate) async fn restart(mut self) -> Self {
        self.terminate();
        assert!(self.wait_for_exit().await.success(), "{}", self.log());
        self.start_again().await
    }

    /// Sends `SIGKILL`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a server that has exited again, on the same backends.
    pub(crate) async fn start_again(mut self) -> Self {
        assert!(self.child.try_wait().unwrap().is_some(), "still running");
        self.start_replica_with(self.options.clone()).await
    }

    /// A subcommand on this server's backends.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command();
        command.args(arguments);
        command
    }

    /// Makes a command that reads other backends copy their data to this server's.
    #[track_caller]
    pub(crate) fn configure_as_target(&self, command: &mut Command) {
        self.home.backends.configure_as_target(command);
    }

    /// Runs a subcommand that has to succeed; returns its stdout without the final line end.
    #[track_caller]
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        run_ok(&mut self.command(arguments))
    }

    #[track_caller]
    pub(crate) fn create_tenant(&self, slug: &str) {
        self.cli(&["tenant", "create", slug]);
    }

    /// Creates a key and returns its secret.
    #[track_caller]
    pub(crate) fn create_key(&self, tenant: &str, scopes: &[&str]) -> String {
        let scopes = scopes.join(",");
        self.cli(&["key", "create", "--tenant", tenant, "--scopes", &scopes])
    }

    /// Creates another tenant; returns a client with all scopes in it.
    #[track_caller]
    pub(crate) fn other_tenant(&self, slug: &str) -> Client {
        self.create_tenant(slug);
        let key = self.create_key(slug, &ALL_SCOPES);
        Client::new(&self.url, Some(&key))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if the process has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let start = log.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
            eprintln!("the end of the server's log:\n{}", &log[start..]);
        }
    }
}

/// Collects lines as they come, on a thread that ends with the process.
fn collect_lines(output: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            sink.lock().unwrap().push(line);
        }
    });
    lines
}
