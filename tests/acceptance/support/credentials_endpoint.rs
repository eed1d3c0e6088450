//! A source of temporary credentials: a container's endpoint, and the service that exchanges web
//! identities. Both return the same credentials.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A server on loopback, on a thread of its own. It ends with the test's process.
#[derive(Debug)]
pub(crate) struct CredentialsEndpoint {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// `None` while requests fail.
    credentials: Option<Credentials>,
    request_count: usize,
}

#[derive(Debug, Clone)]
struct Credentials {
    id: String,
    secret: String,
    lifetime: Duration,
}

impl CredentialsEndpoint {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // It fails if the client has gone away.
                drop(respond(connection, &shared));
            }
        });
        Self { port, state }
    }

    /// Returns `http://127.0.0.1:port/name`; `container` is for `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Returns these credentials from now on; each time they expire this long after the request.
    pub(crate) fn set_credentials(&self, id: &str, secret: &str, lifetime: Duration) {
        self.state.lock().unwrap().credentials = Some(Credentials {
            id: id.to_owned(),
            secret: secret.to_owned(),
            lifetime,
        });
    }

    /// Fails all requests from now on.
    pub(crate) fn set_failing(&self) {
        self.state.lock().unwrap().credentials = None;
    }

    /// The number of requests so far.
    pub(crate) fn request_count(&self) -> usize {
        self.state.lock().unwrap().request_count
    }
}

fn respond(connection: TcpStream, state: &Mutex<State>) -> io::Result<()> {
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
    let credentials = {
        let mut state = state.lock().unwrap();
        state.request_count += 1;
        state.credentials.clone()
    };
    let (status, body) = match credentials {
        None => ("500 Internal Server Error", String::new()),
        Some(it) if first_line.contains("/container") => ("200 OK", container_body(&it)),
        Some(it) => ("200 OK", exchange_body(&it)),
    };
    let length_bytes = body.len();
    write!(
        reader.into_inner(),
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length_bytes}\r\n\r\n{body}"
    )
}

fn container_body(credentials: &Credentials) -> String {
    serde_json::json!({
        "AccessKeyId": credentials.id,
        "SecretAccessKey": credentials.secret,
        "Token": "token-of-the-session",
        "Expiration": expiration(credentials),
    })
    .to_string()
}

fn exchange_body(credentials: &Credentials) -> String {
    let Credentials { id, secret, .. } = credentials;
    let expiration = expiration(credentials);
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>{secret}</SecretAccessKey><SessionToken>token-of-the-session</SessionToken>\
         <Expiration>{expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         </AssumeRoleWithWebIdentityResponse>"
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server under test reads the system's clock"
)]
fn expiration(credentials: &Credentials) -> String {
    let expiration = OffsetDateTime::now_utc() + credentials.lifetime;
    expiration.format(&Rfc3339).unwrap()
}
