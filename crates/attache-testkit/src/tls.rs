//! TLS in front of servers without it, under a certificate authority of the test's own.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// The first message of a PostgreSQL client that requests encryption: its length, and a number in place
/// of a version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A certificate authority that only clients with its certificate trust.
#[derive(Debug)]
pub struct ThrowawayAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl ThrowawayAuthority {
    /// Creates a new authority of this name.
    ///
    /// # Errors
    ///
    /// Returns an error if no key can be generated.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut parameters = CertificateParams::default();
        // Two authorities of the same name would be confused with each other.
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = parameters.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self {
            certificate: certificate.pem(),
            issuer: Issuer::new(parameters, key),
        })
    }

    /// Returns its certificate as PEM, for the clients that are to trust it.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the TLS configuration of a server of this name.
    fn server_config(&self, name: &str) -> io::Result<ServerConfig> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let parameters = CertificateParams::new([name.to_owned()]).map_err(io::Error::other)?;
        let certificate = parameters.signed_by(&key, &self.issuer);
        let certificate = certificate.map_err(io::Error::other)?;
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .map_err(io::Error::other)
    }
}

/// The server behind a proxy.
#[derive(Debug, Clone)]
enum Upstream {
    /// A TCP server: TLS from the first byte.
    Tcp(SocketAddr),
    /// The socket of a PostgreSQL server: TLS once the client requests it, and never without.
    Postgres(PathBuf),
}

/// A port on loopback that accepts TLS only and forwards to a server. Dropping it closes its
/// connections.
#[derive(Debug)]
pub struct TlsProxy {
    port: u16,
    forwarded: Arc<AtomicUsize>,
    /// Stops the proxy on drop.
    _running: oneshot::Sender<()>,
}

impl TlsProxy {
    /// Opens a proxy of a TCP server, with a certificate for this name or address.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no certificate, port or thread.
    pub fn to_tcp(authority: &ThrowawayAuthority, name: &str, to: SocketAddr) -> io::Result<Self> {
        Self::open(authority, name, Upstream::Tcp(to))
    }

    /// Opens a proxy of a PostgreSQL server on a socket, with a certificate for this name or address.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no certificate, port or thread.
    pub fn to_postgres(
        authority: &ThrowawayAuthority,
        name: &str,
        socket: PathBuf,
    ) -> io::Result<Self> {
        Self::open(authority, name, Upstream::Postgres(socket))
    }

    fn open(authority: &ThrowawayAuthority, name: &str, upstream: Upstream) -> io::Result<Self> {
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(name)?));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let forwarded = Arc::new(AtomicUsize::new(0));
        let (running, stop) = oneshot::channel();
        let proxy = Self {
            port,
            forwarded: Arc::clone(&forwarded),
            _running: running,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let forwarding = forward(listener, acceptor, upstream, forwarded);
        let forwarding = async {
            tokio::select! {
                () = forwarding => {}
                _ = stop => {}
            }
        };
        // The runtime and every connection end with the thread.
        let thread = thread::Builder::new().name("tls-proxy".to_owned());
        thread.spawn(move || runtime.block_on(forwarding))?;
        Ok(proxy)
    }

    /// Returns the port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the number of connections that were encrypted and forwarded so far.
    pub fn forwarded(&self) -> usize {
        self.forwarded.load(Ordering::Relaxed)
    }
}

async fn forward(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstream: Upstream,
    forwarded: Arc<AtomicUsize>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        let forwarded = Arc::clone(&forwarded);
        tokio::spawn(async move {
            // A client that does not trust the certificate hangs up, which is an error here.
            let _ = serve(client, &acceptor, &upstream, &forwarded).await;
        });
    }
}

async fn serve(
    mut client: TcpStream,
    acceptor: &TlsAcceptor,
    upstream: &Upstream,
    forwarded: &AtomicUsize,
) -> io::Result<()> {
    if let Upstream::Postgres(_) = upstream {
        let mut request = [0; SSL_REQUEST.len()];
        client.read_exact(&mut request).await?;
        if request != SSL_REQUEST {
            return Err(io::Error::other("the client did not request TLS"));
        }
        client.write_all(b"S").await?;
    }
    let client = acceptor.accept(client).await?;
    forwarded.fetch_add(1, Ordering::Relaxed);
    match upstream {
        Upstream::Tcp(address) => join(client, TcpStream::connect(address).await?).await,
        Upstream::Postgres(socket) => join(client, UnixStream::connect(socket).await?).await,
    }
}

async fn join(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
