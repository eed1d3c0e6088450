//! The database and the store behind TLS: with whom is trusted all goes on as ever, and nothing is
//! said to anybody else.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use attache_testkit::{ThrowawayAuthority, ThrowawayPostgres, TlsDoor};
use tempfile::TempDir;

use crate::support::{
    Capability, Options, PDF, Server, begin, complete, declared_upload, has_program, id_of,
    pairing_has, run, upload_url,
};

const HERE: &str = "127.0.0.1";

/// Doors to the database and the store of a server, and whom those trust who go through them.
struct Doors {
    database: TlsDoor,
    store: TlsDoor,
    trusted: PathBuf,
    settings: [(&'static str, String); 3],
    _folder: TempDir,
}

impl Doors {
    /// The servers behind them show certificates for this name.
    fn to(server: &Server, name: &str, shown: &ThrowawayAuthority, trusted: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("authority.pem");
        fs::write(&file, trusted).unwrap();
        let socket = ThrowawayPostgres::shared().socket();
        let database = TlsDoor::to_postgres(shown, name, socket).unwrap();
        let endpoint = server.s3().endpoint();
        let address = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let store = TlsDoor::to_tcp(shown, name, address).unwrap();

        let plain_url = setting(server, "ATTACHE_DATABASE_URL");
        let (address, _) = plain_url.split_once('?').unwrap();
        let (_, name) = address.rsplit_once('/').unwrap();
        let (port, authority) = (database.port(), file.display());
        let database_url = format!(
            "postgres://postgres@{HERE}:{port}/{name}?sslmode=verify-full&sslrootcert={authority}"
        );
        let storage_url = setting(server, "ATTACHE_STORAGE_URL");
        let encrypted = format!("https://{HERE}:{}", store.port());
        Self {
            settings: [
                ("ATTACHE_DATABASE_URL", database_url),
                (
                    "ATTACHE_STORAGE_URL",
                    storage_url.replace(&endpoint, &encrypted),
                ),
                ("SSL_CERT_FILE", file.display().to_string()),
            ],
            database,
            store,
            trusted: file,
            _folder: folder,
        }
    }

    /// Looks over what is behind the doors.
    fn check(&self, server: &Server) -> Output {
        let mut command = server.command(&["check"]);
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        run(command.envs(settings))
    }
}

/// What a server's commands are told about where everything is.
fn setting(server: &Server, name: &str) -> String {
    let command = server.command(&[]);
    let mut settings = command.get_envs();
    let (_, value) = settings.find(|(it, _)| *it == name).unwrap();
    value.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn all_goes_on_as_ever_with_servers_whose_authority_is_trusted() {
    if !pairing_has(Capability::SharedStart) || !has_program("curl", "encrypted") {
        return;
    }
    let plain = Server::start(Options::new()).await;
    let authority = ThrowawayAuthority::new("ours").unwrap();
    let doors = Doors::to(&plain, HERE, &authority, authority.certificate());
    let checked = doors.check(&plain);
    assert!(checked.status.success(), "{checked:?}");

    let options = doors.settings.iter();
    let options = options.fold(Options::new(), |options, (name, value)| {
        options.environment(name, value)
    });
    let server = plain.start_replica_with(options).await;
    let before = (doors.database.passed(), doors.store.passed());
    assert!(before.0 > 0 && before.1 > 0, "{before:?}");
    let id = id_of(&server.client().store("scan.pdf", PDF).await);
    let content = plain.client().content(&id).await.expect(200);
    assert_eq!(content.body, PDF);

    // Whoever sends straight to the store sends through the same door.
    let pending = begin(&server.client(), &declared_upload(PDF)).await;
    let door = format!("https://{HERE}:{}/", doors.store.port());
    assert!(upload_url(&pending).starts_with(&door), "{pending}");
    let file = doors.trusted.with_file_name("scan.pdf");
    fs::write(&file, PDF).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--cacert"]);
    curl.arg(&doors.trusted).arg("--upload-file").arg(&file);
    for (name, value) in pending["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    let sent = run(curl.arg(upload_url(&pending)));
    assert!(sent.status.success(), "{sent:?}");
    complete(&server.client(), &pending).await.expect(200);
}

#[tokio::test]
async fn nothing_is_said_to_servers_that_are_not_who_they_should_be() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let [ours, other] = ["ours", "other"].map(|name| ThrowawayAuthority::new(name).unwrap());
    let cases = [
        (HERE, other.certificate(), "UnknownIssuer"),
        ("elsewhere.example", ours.certificate(), "elsewhere.example"),
    ];
    for (name, trusted, reason) in cases {
        let doors = Doors::to(&server, name, &ours, trusted);
        let checked = doors.check(&server);
        let told = String::from_utf8_lossy(&checked.stdout);
        assert!(!checked.status.success(), "{told}");
        for what in ["FAIL  database ", "FAIL  storage "] {
            let line = told.lines().find(|line| line.starts_with(what));
            let told = line.is_some_and(|it| it.contains("certificate") && it.contains(reason));
            assert!(told, "{checked:?}");
        }
        assert_eq!((doors.database.passed(), doors.store.passed()), (0, 0));
    }
}
