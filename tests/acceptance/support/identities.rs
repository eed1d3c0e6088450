//! Where a machine gets its keys to the store from: the endpoint of a container, and the service that
//! exchanges web identities. Both give the same.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A source of temporary keys on loopback, on a thread of its own. It ends with the test's process.
#[derive(Debug)]
pub(crate) struct Identities {
    port: u16,
    given: Arc<Mutex<Given>>,
}

#[derive(Debug, Default)]
struct Given {
    /// `None` while nobody answers for it.
    key: Option<Key>,
    /// How often it was asked.
    times: usize,
}

#[derive(Debug, Clone)]
struct Key {
    id: String,
    secret: String,
    holds_for: Duration,
}

impl Identities {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let given = Arc::new(Mutex::new(Given::default()));
        let giving = given.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client that has gone away wants no answer.
                drop(answer(connection, &giving));
            }
        });
        Self { port, given }
    }

    /// `http://127.0.0.1:port/container`, for `AWS_CONTAINER_CREDENTIALS_FULL_URI`, or what else is
    /// named instead.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// From now on gives this key, which ends so long after it was asked for.
    pub(crate) fn give(&self, id: &str, secret: &str, holds_for: Duration) {
        self.given.lock().unwrap().key = Some(Key {
            id: id.to_owned(),
            secret: secret.to_owned(),
            holds_for,
        });
    }

    /// From now on fails.
    pub(crate) fn fail(&self) {
        self.given.lock().unwrap().key = None;
    }

    /// How often it was asked for a key.
    pub(crate) fn times_asked(&self) -> usize {
        self.given.lock().unwrap().times
    }
}

fn answer(connection: TcpStream, given: &Mutex<Given>) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut first_line = String::new();
    reader.read_line(&mut first_line)?;
    let mut length_bytes = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length_bytes = value.trim().parse().unwrap_or(0);
        }
    }
    io::copy(&mut reader.by_ref().take(length_bytes), &mut io::sink())?;
    let key = {
        let mut given = given.lock().unwrap();
        given.times += 1;
        given.key.clone()
    };
    let (status, body) = match key {
        None => ("500 Internal Server Error", String::new()),
        Some(key) if first_line.contains("/container") => ("200 OK", of_container(&key)),
        Some(key) => ("200 OK", of_exchange(&key)),
    };
    let length_bytes = body.len();
    write!(
        reader.into_inner(),
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length_bytes}\r\n\r\n{body}"
    )
}

fn of_container(key: &Key) -> String {
    serde_json::json!({
        "AccessKeyId": key.id,
        "SecretAccessKey": key.secret,
        "Token": "token-of-the-session",
        "Expiration": end(key),
    })
    .to_string()
}

fn of_exchange(key: &Key) -> String {
    let Key { id, secret, .. } = key;
    let end = end(key);
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>{secret}</SecretAccessKey><SessionToken>token-of-the-session</SessionToken>\
         <Expiration>{end}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>"
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server under test goes by the system's clock"
)]
fn end(key: &Key) -> String {
    let end = OffsetDateTime::now_utc() + key.holds_for;
    end.format(&Rfc3339).unwrap()
}
