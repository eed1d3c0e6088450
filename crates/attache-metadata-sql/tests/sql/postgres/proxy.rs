//! A proxy to the server that is cut around a `COMMIT` on demand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use attache_testkit::PostgresServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// The fault at the next `COMMIT`, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cut {
    /// Nothing.
    Never,
    /// The server gets it and responds; the response is lost.
    After,
    /// The server never gets it.
    Before,
    /// The client is cut at once; the server gets it half a second later, and holds its locks until
    /// then.
    Delayed,
    /// As `After`, and then no client gets through.
    AfterAndClosed,
    /// No client gets through.
    Closed,
}

impl Cut {
    const ALL: [Self; 6] = [
        Self::Never,
        Self::After,
        Self::Before,
        Self::Delayed,
        Self::AfterAndClosed,
        Self::Closed,
    ];
}

/// A proxy in front of a server.
pub(crate) struct Proxy {
    next: Arc<AtomicU8>,
    port: u16,
}

impl Proxy {
    pub(crate) async fn start(server: &PostgresServer) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let socket = server.socket();
        let next = Arc::new(AtomicU8::new(Cut::Never as u8));
        let shared = next.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if load(&shared) != Cut::Closed
                    && let Ok(server) = UnixStream::connect(&socket).await
                {
                    let next = shared.clone();
                    // A broken connection is the proxy's business.
                    tokio::spawn(async move { drop(relay(client, server, &next).await) });
                }
            }
        });
        Ok(Self { next, port })
    }

    /// Returns the address of a database by way of the proxy.
    pub(crate) fn url(&self, direct: &str) -> String {
        let name = direct.split(['/', '?']).nth(3).unwrap();
        let port = self.port;
        format!("postgres://postgres@127.0.0.1:{port}/{name}?sslmode=disable")
    }

    pub(crate) fn cut(&self, next: Cut) {
        self.next.store(next as u8, Ordering::SeqCst);
    }

    /// Returns `true` if the requested fault has happened.
    pub(crate) fn has_cut(&self) -> bool {
        matches!(load(&self.next), Cut::Never | Cut::Closed)
    }
}

fn load(next: &AtomicU8) -> Cut {
    Cut::ALL[usize::from(next.load(Ordering::SeqCst))]
}

/// Copies bytes both ways until either end closes or the connection is cut.
async fn relay(mut client: TcpStream, mut server: UnixStream, next: &AtomicU8) -> io::Result<()> {
    let (mut request, mut response) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = server.read(&mut response) => match read? {
                0 => return Ok(()),
                length => client.write_all(&response[..length]).await?,
            },
            read = client.read(&mut request) => match read? {
                0 => return Ok(()),
                _ if load(next) == Cut::Closed => return Ok(()),
                length => {
                    let request = &request[..length];
                    let is_commit = request.windows(7).any(|part| part == b"COMMIT\0");
                    if is_commit && load(next) != Cut::Never {
                        return cut(client, server, request, next).await;
                    }
                    server.write_all(request).await?;
                }
            },
        }
    }
}

async fn cut(
    client: TcpStream,
    mut server: UnixStream,
    commit: &[u8],
    next: &AtomicU8,
) -> io::Result<()> {
    let cut = load(next);
    let after = match cut {
        Cut::AfterAndClosed => Cut::Closed,
        _ => Cut::Never,
    };
    next.store(after as u8, Ordering::SeqCst);
    match cut {
        Cut::After | Cut::AfterAndClosed => {
            server.write_all(commit).await?;
            server.read_u8().await?;
            drop(client);
        }
        Cut::Delayed => {
            drop(client);
            tokio::time::sleep(Duration::from_millis(500)).await;
            server.write_all(commit).await?;
            server.read_u8().await?;
        }
        Cut::Never | Cut::Before | Cut::Closed => {}
    }
    Ok(())
}
