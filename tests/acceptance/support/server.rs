//! Starts, stops, kills and restarts the real binary, and runs its other subcommands.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use attache_testkit::{ThrowawayPostgres, ThrowawayS3};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::command::run_well;
use super::pairing::{Place, StoredObject};
use super::{ALL_SCOPES, Client, RawConnection, binary, eventually};

/// How long a start or a stop may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(90);

/// How long what is to be cleared may lie there. The server does it at once; what it cannot clear
/// then, or had begun to clear when it was killed, it leaves for a minute, to the next turn after that.
const CLEARED: Duration = Duration::from_mins(3);

/// What a server is started with besides the defaults.
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

    /// An argument of `serve`.
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

    /// Takes a variable away that tells of the place.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.removed.push(name.to_owned());
        self
    }
}

/// Where a server lives: its data, its log. Outlives the process, so that it can restart, and may be
/// home to several.
#[derive(Debug)]
struct Home {
    folder: TempDir,
    place: Place,
}

impl Home {
    fn new(place: impl FnOnce(&Path) -> Place) -> Self {
        let mut folder = TempDir::with_prefix("attache-acceptance-").unwrap();
        if std::env::var_os("ATTACHE_KEEP").is_some() {
            folder.disable_cleanup(true);
            eprintln!("the server's directory: {}", folder.path().display());
        }
        let place = place(folder.path());
        Self { folder, place }
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("stderr.log")
    }

    /// Makes what the first start does not make; answers the key.
    fn prepare(&self) -> Option<String> {
        self.place.prepare(|arguments| {
            let mut command = self.command();
            run_well(command.args(arguments))
        })
    }

    /// A command that knows where the data is, and shares nothing with the caller's surroundings but
    /// the `PATH`.
    fn command(&self) -> Command {
        let mut command = Command::new(binary::attached());
        command.env_clear();
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        self.place.configure(&mut command);
        command
    }
}

/// A running server. Dropping it kills the process and removes its directory.
#[derive(Debug)]
pub(crate) struct Server {
    home: Arc<Home>,
    options: Options,
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    url: String,
    key: Option<String>,
}

impl Server {
    /// Starts a server on a fresh place and waits until it is ready.
    pub(crate) async fn start(options: Options) -> Self {
        Self::start_at(Home::new(Place::new), options).await
    }

    /// As [`start`](Self::start), with the records on a PostgreSQL server of the test's own.
    pub(crate) async fn start_on(postgres: &ThrowawayPostgres, options: Options) -> Self {
        Self::start_at(Home::new(|_| Place::on(postgres)), options).await
    }

    /// Starts another server on the same data.
    pub(crate) async fn start_beside(&self) -> Self {
        self.start_beside_with(self.options.clone()).await
    }

    /// As [`start_beside`](Self::start_beside), with options of its own.
    pub(crate) async fn start_beside_with(&self, options: Options) -> Self {
        Self::start_in(self.home.clone(), options, self.key.clone()).await
    }

    /// Starts one whose data directory `prepare` has seen first.
    pub(crate) async fn start_prepared(options: Options, prepare: impl FnOnce(&Path)) -> Self {
        let home = Home::new(Place::new);
        prepare(home.place.data_dir());
        Self::start_at(home, options).await
    }

    /// Starts one on SQLite and local files, whatever the pairing.
    pub(crate) async fn start_embedded(options: Options) -> Self {
        Self::start_at(Home::new(Place::in_directory), options).await
    }

    /// Starts one on a place that was filled by other means; nothing is made there first.
    pub(crate) async fn start_on_filled(place: Place, options: Options) -> Self {
        Self::start_in(Arc::new(Home::new(|_| place)), options, None).await
    }

    async fn start_at(home: Home, options: Options) -> Self {
        let key = home.prepare();
        Self::start_in(Arc::new(home), options, key).await
    }

    async fn start_in(home: Arc<Home>, options: Options, key: Option<String>) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(home.log_file());
        let mut command = home.command();
        for name in &options.removed {
            command.env_remove(name);
        }
        let mut child = command
            .arg("serve")
            .args(["--listen", "127.0.0.1:0"])
            .args(&options.arguments)
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let printed = collect_lines(child.stdout.take().unwrap());
        let mut server = Self {
            home,
            options,
            child,
            printed,
            url: String::new(),
            key,
        };
        server.url = server.wait_for_url().await;
        server.wait_until_ready().await;
        if server.key.is_none() {
            server.key = server.find_printed("att_");
        }
        server
    }

    async fn wait_for_url(&mut self) -> String {
        let started = Instant::now();
        loop {
            if let Some(url) = self.find_printed("http://127.0.0.1:") {
                let end = url["http://".len()..].find('/');
                return end.map_or(url.clone(), |end| url[.."http://".len() + end].to_owned());
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "no address was printed (exit {ended:?})\nstdout: {}\nstderr: {}",
                self.printed(),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn wait_until_ready(&self) {
        let client = self.anonymous();
        let status = async || {
            let answer = client.request("GET", "/readyz").try_send().await;
            answer.map(|answer| answer.status).ok()
        };
        eventually("ready", PATIENCE, status, |status| *status == Some(200)).await;
    }

    /// The first word on stdout that begins like this, without what it is quoted in.
    fn find_printed(&self, start: &str) -> Option<String> {
        let printed = self.printed();
        let at = printed.find(start)?;
        let end = |c: char| c.is_whitespace() || "'\"`«»<>,;()".contains(c);
        printed[at..].split(end).next().map(str::to_owned)
    }

    /// What the server printed on stdout so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().unwrap().join("\n")
    }

    /// What the server logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.log_file()).unwrap_or_default()
    }

    /// `http://127.0.0.1:port`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:port`.
    pub(crate) fn authority(&self) -> &str {
        &self.url["http://".len()..]
    }

    /// The directory of a pairing that has one.
    #[track_caller]
    pub(crate) fn data_dir(&self) -> &Path {
        self.home.place.data_dir()
    }

    /// The S3 of a pairing that has one.
    #[track_caller]
    pub(crate) fn s3(&self) -> &ThrowawayS3 {
        self.home.place.s3()
    }

    /// The names of what lies where the server was started.
    pub(crate) fn files_left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
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

    /// Everything the store holds, unfinished uploads included.
    pub(crate) fn stored_objects(&self) -> Vec<StoredObject> {
        self.home.place.stored_objects()
    }

    /// Puts other bytes in the place of an object, past the server, in a pairing that has an S3.
    #[track_caller]
    pub(crate) fn replace_object(&self, object: &StoredObject, bytes: &[u8]) {
        self.home.place.replace_object(object, bytes);
    }

    /// Waits until the store holds exactly so many objects.
    pub(crate) async fn wait_for_objects(&self, count: usize) {
        eventually(
            &format!("{count} objects in the store"),
            CLEARED,
            async || self.stored_objects(),
            |objects| objects.len() == count,
        )
        .await;
    }

    /// Asks the process to end, as a service manager does.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the server did not end:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks the server to end and starts it again on the same directory.
    pub(crate) async fn restart(mut self) -> Self {
        self.terminate();
        assert!(self.ended().await.success(), "{}", self.log());
        self.start_again().await
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a server that has ended again, on the same directory.
    pub(crate) async fn start_again(mut self) -> Self {
        assert!(self.child.try_wait().unwrap().is_some(), "still running");
        self.start_beside_with(self.options.clone()).await
    }

    /// Runs a subcommand on this server's data while it runs.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command();
        command.args(arguments);
        command
    }

    /// Tells a command that works on another server's data to carry it to this one's.
    #[track_caller]
    pub(crate) fn configure_as_destination(&self, command: &mut Command) {
        self.home.place.configure_as_destination(command);
    }

    /// Runs a subcommand that has to succeed; answers its stdout without the line's end.
    #[track_caller]
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        run_well(&mut self.command(arguments))
    }

    #[track_caller]
    pub(crate) fn create_tenant(&self, slug: &str) {
        self.cli(&["tenant", "create", slug]);
    }

    /// Makes a key and answers its secret.
    #[track_caller]
    pub(crate) fn create_key(&self, tenant: &str, scopes: &[&str]) -> String {
        let scopes = scopes.join(",");
        self.cli(&["key", "create", "--tenant", tenant, "--scopes", &scopes])
    }

    /// Makes another tenant and a client with all scopes in it.
    #[track_caller]
    pub(crate) fn other_tenant(&self, slug: &str) -> Client {
        self.create_tenant(slug);
        let key = self.create_key(slug, &ALL_SCOPES);
        Client::new(&self.url, Some(&key))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or ended now: nothing else can be wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let start = log.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
            eprintln!("the end of the server's log:\n{}", &log[start..]);
        }
    }
}

/// Reads lines as they come, on a thread that ends with the process.
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
