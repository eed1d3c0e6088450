//! Starting on a shared database and store: what is refused, what is told, what is never shown.

use std::fs::{self, File};
use std::process::{Command, Output};
use std::time::Duration;

use attache_testkit::ThrowawayPostgres;
use tempfile::TempDir;

use crate::support::{Capability, Options, Server, eventually, pairing_has, run};

const PASSWORD: &str = "hunter2-canary";

/// All that a command said.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn serve(server: &Server) -> Command {
    server.command(&["serve", "--listen", "127.0.0.1:0"])
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_what_to_do_about_it() {
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
            "--signing-keys (or ATTACHE_SIGNING_KEYS) is missing",
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
    for (name, value, told) in cases {
        let mut command = serve(&server);
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        let output = run(&mut command);
        assert!(!output.status.success(), "{name}");
        assert!(said(&output).contains(told), "{name}: {output:?}");
    }
    // The refused ones made nothing.
    assert_eq!(server.home_entries(), ["stderr.log"]);
}

#[tokio::test]
async fn a_database_without_tenants_is_served_and_the_next_commands_are_told() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let empty = ThrowawayPostgres::shared().create_database().unwrap();
    let mut migrate = server.command(&["migrate"]);
    let output = run(migrate.env("ATTACHE_DATABASE_URL", &empty));
    assert!(said(&output).contains("was made"), "{output:?}");

    let folder = TempDir::new().unwrap();
    let (printed, log) = (folder.path().join("out"), folder.path().join("log"));
    let mut second = serve(&server)
        .env("ATTACHE_DATABASE_URL", &empty)
        .stdout(File::create(&printed).unwrap())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    eventually(
        "it serves",
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
async fn check_looks_both_backends_over_and_a_warning_is_no_failure() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let output = run(&mut server.command(&["check"]));
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    for line in [
        "ok    signing keys",
        "ok    database        PostgreSQL ",
        // The tests' own server does not sync.
        "warn  database        fsync is off",
        "the clock of the database agrees",
        "takes, gives and deletes an object",
        "the clock of the store agrees",
    ] {
        assert!(told.contains(line), "«{line}» is not in:\n{told}");
    }
    assert!(!told.contains("data directory"), "{told}");
    assert!(server.stored_objects().is_empty());
}

#[tokio::test]
async fn a_password_is_never_shown() {
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
            assert!(!said(&output).contains(PASSWORD), "{output:?}");
        }
    }
}
