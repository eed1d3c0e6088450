//! The database and the store behind TLS: the server works with trusted certificates, and sends nothing to a
//! backend with any other.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use attache_testkit::{ThrowawayAuthority, ThrowawayPostgres, TlsProxy};
use tempfile::TempDir;

use crate::support::{
    Capability, Options, PDF, Server, begin, complete, declared_upload, has_program, id_of,
    pairing_has, run, upload_url,
};

const HOST: &str = "127.0.0.1";

/// TLS proxies of a server's database and store, and the settings of a server that uses them.
struct TlsBackends {
    database: TlsProxy,
    store: TlsProxy,
    trusted: PathBuf,
    settings: [(&'static str, String); 3],
    _folder: TempDir,
}

impl TlsBackends {
    /// The proxies have certificates of `authority` for `name`; clients trust the certificate `trusted`.
    fn start(server: &Server, name: &str, authority: &ThrowawayAuthority, trusted: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("authority.pem");
        fs::write(&file, trusted).unwrap();
        let socket = ThrowawayPostgres::shared().socket();
        let database = TlsProxy::to_postgres(authority, name, socket).unwrap();
        let endpoint = server.s3().endpoint();
        let address = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
        let store = TlsProxy::to_tcp(authority, name, address).unwrap();

        let plain_url = setting(server, "ATTACHE_DATABASE_URL");
        let (address, _) = plain_url.split_once('?').unwrap();
        let (_, name) = address.rsplit_once('/').unwrap();
        let (port, root_cert) = (database.port(), file.display());
        let database_url = format!(
            "postgres://postgres@{HOST}:{port}/{name}?sslmode=verify-full&sslrootcert={root_cert}"
        );
        let storage_url = setting(server, "ATTACHE_STORAGE_URL");
        let encrypted = format!("https://{HOST}:{}", store.port());
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

    /// Runs `attached check` against the proxies.
    fn check(&self, server: &Server) -> Output {
        let mut command = server.command(&["check"]);
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        run(command.envs(settings))
    }
}

/// The value of a variable in the environment of a server's commands.
fn setting(server: &Server, name: &str) -> String {
    let command = server.command(&[]);
    let mut settings = command.get_envs();
    let (_, value) = settings.find(|(it, _)| *it == name).unwrap();
    value.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn backends_with_trusted_certificates_work() {
    if !pairing_has(Capability::SharedStart) || !has_program("curl", "tls_backends") {
        return;
    }
    let plain = Server::start(Options::new()).await;
    let authority = ThrowawayAuthority::new("trusted").unwrap();
    let backends = TlsBackends::start(&plain, HOST, &authority, authority.certificate());
    let checked = backends.check(&plain);
    assert!(checked.status.success(), "{checked:?}");

    let options = backends.settings.iter();
    let options = options.fold(Options::new(), |options, (name, value)| {
        options.environment(name, value)
    });
    let server = plain.start_replica_with(options).await;
    let before = (backends.database.forwarded(), backends.store.forwarded());
    assert!(before.0 > 0 && before.1 > 0, "{before:?}");
    let id = id_of(&server.client().store("scan.pdf", PDF).await);
    let content = plain.client().content(&id).await.expect(200);
    assert_eq!(content.body, PDF);

    // A direct upload to the store uses the same proxy.
    let pending = begin(&server.client(), &declared_upload(PDF)).await;
    let store_url = format!("https://{HOST}:{}/", backends.store.port());
    assert!(upload_url(&pending).starts_with(&store_url), "{pending}");
    let file = backends.trusted.with_file_name("scan.pdf");
    fs::write(&file, PDF).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--cacert"]);
    curl.arg(&backends.trusted).arg("--upload-file").arg(&file);
    for (name, value) in pending["headers"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        curl.arg("--header").arg(format!("{name}: {value}"));
    }
    let sent = run(curl.arg(upload_url(&pending)));
    assert!(sent.status.success(), "{sent:?}");
    complete(&server.client(), &pending).await.expect(200);
}

#[tokio::test]
async fn backends_with_wrong_certificates_get_no_data() {
    if !pairing_has(Capability::SharedStart) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let [own, other] = ["own", "other"].map(|name| ThrowawayAuthority::new(name).unwrap());
    let cases = [
        (HOST, other.certificate(), "UnknownIssuer"),
        ("elsewhere.example", own.certificate(), "elsewhere.example"),
    ];
    for (name, trusted, reason) in cases {
        let backends = TlsBackends::start(&server, name, &own, trusted);
        let checked = backends.check(&server);
        let stdout = String::from_utf8_lossy(&checked.stdout);
        assert!(!checked.status.success(), "{stdout}");
        for what in ["FAIL  database ", "FAIL  storage "] {
            let line = stdout.lines().find(|line| line.starts_with(what));
            let has_reason =
                line.is_some_and(|it| it.contains("certificate") && it.contains(reason));
            assert!(has_reason, "{checked:?}");
        }
        assert_eq!(
            (backends.database.forwarded(), backends.store.forwarded()),
            (0, 0)
        );
    }
}
