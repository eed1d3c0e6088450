//! Starts on a shared database and store: refusals, their messages, and secrets in them.

use std::fs::{self, File};
use std::process::{Command, Output};
use std::time::Duration;

use attache_testkit::ThrowawayPostgres;
use tempfile::TempDir;

use crate::support::{Capability, Options, Server, eventually, pairing_has, run};

const PASSWORD: &str = "hunter2-canary";

/// Returns the stdout and stderr of a command.
fn printed_by(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn serve(server: &Server) -> Command {
    server.command(&["serve", "--listen", "127.0.0.1:0"])
}

#[tokio::test]
async fn invalid_settings_are_refused_with_a_remedy() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let empty = ThrowawayPostgres::shared().create_database().unwrap();
    let cases = [
        (
            "ATTACHE_DATABASE_URL",
            Some(empty.as_str()),
            "run `attached migrate` first",
        ),
        (
            "ATTACHE_SIGNING_KEYS",
            None,
            "--signing-keys (or ATTACHE_SIGNING_KEYS) is required",
        ),
        (
            "AWS_SECRET_ACCESS_KEY",
            None,
            "AWS_SECRET_ACCESS_KEY is not set",
        ),
        ("ATTACHE_STORAGE_URL", Some("s3:bucket"), "--storage-url: "),
        (
            "ATTACHE_DATABASE_URL",
            Some("postgres:db"),
            "--database-url: ",
        ),
    ];
    for (name, value, message) in cases {
        let mut command = serve(&server);
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        let output = run(&mut command);
        assert!(!output.status.success(), "{name}");
        assert!(printed_by(&output).contains(message), "{name}: {output:?}");
    }
    // Refused starts create no files.
    assert_eq!(server.home_entries(), ["stderr.log"]);
}

#[tokio::test]
async fn database_without_tenants_logs_next_commands() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let empty = ThrowawayPostgres::shared().create_database().unwrap();
    let mut migrate = server.command(&["migrate"]);
    let output = run(migrate.env("ATTACHE_DATABASE_URL", &empty));
    assert!(
        printed_by(&output).contains("created the database"),
        "{output:?}"
    );

    let folder = TempDir::new().unwrap();
    let (printed, log) = (folder.path().join("out"), folder.path().join("log"));
    // A store of its own: the server's belongs to the server's database.
    let (endpoint, region) = (server.s3().endpoint(), server.s3().region());
    let storage = format!("s3://files/new?endpoint={endpoint}&region={region}&path_style=true");
    let mut second = serve(&server)
        .env("ATTACHE_DATABASE_URL", &empty)
        .env("ATTACHE_STORAGE_URL", storage)
        .stdout(File::create(&printed).unwrap())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    eventually(
        "the server listens",
        Duration::from_secs(45),
        async || fs::read_to_string(&printed).unwrap(),
        |printed| printed.contains("listening on http://"),
    )
    .await;
    second.kill().unwrap();
    second.wait().unwrap();
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("attached tenant create"), "{log}");
    assert!(!fs::read_to_string(&printed).unwrap().contains("att_"));
}

#[tokio::test]
async fn check_tests_both_backends_and_allows_warnings() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let output = run(&mut server.command(&["check"]));
    let printed = printed_by(&output);
    assert!(output.status.success(), "{printed}");
    for line in [
        "ok    signing keys",
        "ok    database        PostgreSQL ",
        // The test server does not sync.
        "warn  database        fsync is off",
        "the clock of the database agrees",
        "objects can be put, read and deleted",
        "the clock of the store agrees",
    ] {
        assert!(printed.contains(line), "`{line}` is not in:\n{printed}");
    }
    assert!(!printed.contains("data directory"), "{printed}");
    assert!(server.stored_objects().is_empty());
}

#[tokio::test]
async fn password_is_never_printed() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    for url in [
        format!("postgres://u:{PASSWORD}@127.0.0.1:1/d"),
        format!("postgres://u:{PASSWORD}@127.0.0.1:1/d?sslmode=none"),
        format!("postgres://127.0.0.1:1/d?pasword={PASSWORD}"),
        format!("postgress://u:{PASSWORD}@127.0.0.1:1/d"),
    ] {
        let commands = [
            &["serve", "--listen", "127.0.0.1:0"][..],
            &["check"],
            &["migrate"],
            &["tenant", "create", "a"],
            &["key", "list"],
        ];
        for arguments in commands {
            let mut command = server.command(arguments);
            command.env("ATTACHE_LOG", "trace");
            let output = run(command.env("ATTACHE_DATABASE_URL", &url));
            assert!(!output.status.success(), "{arguments:?}");
            assert!(!printed_by(&output).contains(PASSWORD), "{output:?}");
        }
    }
}
