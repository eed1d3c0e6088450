//! Encrypted doors to servers that speak plainly, under an authority of the test's own.

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

/// How a PostgreSQL client begins that wants the connection encrypted: the length, and a number that
/// is no version.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Signs certificates that only those trust who were given its own.
#[derive(Debug)]
pub struct ThrowawayAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl ThrowawayAuthority {
    /// An authority of this name that nobody has heard of.
    ///
    /// # Errors
    ///
    /// When no key can be made.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut parameters = CertificateParams::default();
        // Those who trust another of the same name would take this one for it.
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = parameters.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self {
            certificate: certificate.pem(),
            issuer: Issuer::new(parameters, key),
        })
    }

    /// Its certificate, for those who are to trust it, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What a server of this name shows and answers with.
    fn identity_of(&self, name: &str) -> io::Result<ServerConfig> {
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

/// What is behind a door.
#[derive(Debug, Clone)]
enum Behind {
    /// TLS from the first byte.
    Tcp(SocketAddr),
    /// A PostgreSQL server's socket: TLS from where the client asks for it, and not otherwise.
    Postgres(PathBuf),
}

/// A port on loopback that is reached encrypted only, and passes on what it is sent. Dropping it cuts
/// what goes through it.
#[derive(Debug)]
pub struct TlsDoor {
    port: u16,
    passed: Arc<AtomicUsize>,
    /// Ends the passing by being dropped.
    _running: oneshot::Sender<()>,
}

impl TlsDoor {
    /// A door to a server on TCP, which shows a certificate for this name or address.
    ///
    /// # Errors
    ///
    /// When certificate, port or thread cannot be had.
    pub fn to_tcp(authority: &ThrowawayAuthority, name: &str, to: SocketAddr) -> io::Result<Self> {
        Self::open(authority, name, Behind::Tcp(to))
    }

    /// A door to a PostgreSQL server on a socket, which shows a certificate for this name or address.
    ///
    /// # Errors
    ///
    /// When certificate, port or thread cannot be had.
    pub fn to_postgres(
        authority: &ThrowawayAuthority,
        name: &str,
        socket: PathBuf,
    ) -> io::Result<Self> {
        Self::open(authority, name, Behind::Postgres(socket))
    }

    fn open(authority: &ThrowawayAuthority, name: &str, behind: Behind) -> io::Result<Self> {
        let acceptor = TlsAcceptor::from(Arc::new(authority.identity_of(name)?));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let passed = Arc::new(AtomicUsize::new(0));
        let (running, stop) = oneshot::channel();
        let door = Self {
            port,
            passed: Arc::clone(&passed),
            _running: running,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let passing = pass_on(listener, acceptor, behind, passed);
        let passing = async {
            tokio::select! {
                () = passing => {}
                _ = stop => {}
            }
        };
        // With it end the runtime and every connection.
        let thread = thread::Builder::new().name("tls-door".to_owned());
        thread.spawn(move || runtime.block_on(passing))?;
        Ok(door)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were encrypted and passed on so far.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }
}

async fn pass_on(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    behind: Behind,
    passed: Arc<AtomicUsize>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, behind) = (acceptor.clone(), behind.clone());
        let passed = Arc::clone(&passed);
        tokio::spawn(async move {
            // A client that does not trust the certificate hangs up, which is an error here.
            let _ = serve(client, &acceptor, &behind, &passed).await;
        });
    }
}

async fn serve(
    mut client: TcpStream,
    acceptor: &TlsAcceptor,
    behind: &Behind,
    passed: &AtomicUsize,
) -> io::Result<()> {
    if let Behind::Postgres(_) = behind {
        let mut asked = [0; SSL_REQUEST.len()];
        client.read_exact(&mut asked).await?;
        if asked != SSL_REQUEST {
            return Err(io::Error::other("the client would speak plainly"));
        }
        client.write_all(b"S").await?;
    }
    let client = acceptor.accept(client).await?;
    passed.fetch_add(1, Ordering::Relaxed);
    match behind {
        Behind::Tcp(address) => join(client, TcpStream::connect(address).await?).await,
        Behind::Postgres(socket) => join(client, UnixStream::connect(socket).await?).await,
    }
}

async fn join(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
