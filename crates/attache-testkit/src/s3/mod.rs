//! An S3 on loopback: its buckets lie in a temporary directory, gone with their owner.

mod fault;
mod keys;
mod proxy;

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::{fs, thread};

use hyper_util::rt::TokioIo;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub use fault::{S3Fault, S3Operation};
use keys::Keys;
pub use proxy::S3Request;
use proxy::{Plan, Proxy};

/// An S3 of the test's own (s3s-fs, which verifies signatures), behind a proxy that mends what s3s-fs
/// lacks, keeps a record and breaks what it is told to. Dropping it ends it.
pub struct ThrowawayS3 {
    proxy: Arc<Proxy>,
    keys: Keys,
    directory: TempDir,
    port: u16,
    /// Ends the serving by being dropped.
    _running: oneshot::Sender<()>,
}

/// An object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Object {
    /// Its key.
    pub key: String,
    /// Its size, in bytes.
    pub size_bytes: u64,
}

impl ThrowawayS3 {
    /// The key that is let in from the start.
    pub const ACCESS_KEY_ID: &str = "AKIDTEST";
    /// Its secret, which must not show anywhere.
    pub const SECRET_ACCESS_KEY: &str = "canary-secret-of-the-tests";

    /// Starts an S3 without buckets on the tokio runtime of the caller.
    ///
    /// # Errors
    ///
    /// If directory or port cannot be had.
    pub fn start() -> io::Result<Self> {
        let (server, serving) = Self::prepare()?;
        tokio::spawn(serving.run());
        Ok(server)
    }

    /// Starts an S3 without buckets on a thread of its own, for tests whose runtime may stand still.
    ///
    /// # Errors
    ///
    /// If directory, port or thread cannot be had.
    pub fn start_on_own_thread() -> io::Result<Self> {
        let (server, serving) = Self::prepare()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let thread = thread::Builder::new().name("throwaway-s3".to_owned());
        // With it end the runtime and every connection.
        thread.spawn(move || runtime.block_on(serving.run()))?;
        Ok(server)
    }

    fn prepare() -> io::Result<(Self, Serving)> {
        let directory = tempfile::Builder::new().prefix("attache-s3-").tempdir()?;
        let files = s3s_fs::FileSystem::new(directory.path());
        let files = files.map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        let keys = Keys::default();
        keys.allow_credentials(Self::ACCESS_KEY_ID, Self::SECRET_ACCESS_KEY);
        service.set_auth(keys.clone());
        let proxy = Proxy::new(service.build(), directory.path().to_owned());
        let proxy = Arc::new(proxy);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (running, stop) = oneshot::channel();
        let server = Self {
            proxy: Arc::clone(&proxy),
            keys,
            directory,
            port,
            _running: running,
        };
        let serving = Serving {
            listener,
            proxy,
            stop,
        };
        Ok((server, serving))
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A region for its clients: the SDK counts retries by region, and no test should pay for
    /// another's.
    pub fn region(&self) -> String {
        format!("test-{}", self.port)
    }

    /// Makes a bucket; its name needs three characters.
    ///
    /// # Errors
    ///
    /// If there is one of this name.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        fs::create_dir(self.directory.path().join(name))
    }

    /// Returns the objects of a bucket, in the order of their keys.
    pub fn objects(&self, bucket: &str) -> Vec<S3Object> {
        let root = self.directory.path().join(bucket);
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        found.sort();
        found
    }

    /// Puts other bytes in the place of an object, as one could who has access to the bucket.
    ///
    /// # Errors
    ///
    /// If there is no such object, or it cannot be written.
    pub fn replace_object(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.directory.path().join(bucket).join(key);
        fs::metadata(&path)?;
        fs::write(path, bytes)
    }

    /// Lets another key in, too.
    pub fn allow_credentials(&self, access_key_id: &str, secret_access_key: &str) {
        self.keys
            .allow_credentials(access_key_id, secret_access_key);
    }

    /// Lets a key in no more.
    pub fn revoke_credentials(&self, access_key_id: &str) {
        self.keys.revoke_credentials(access_key_id);
    }

    /// Breaks the next so many requests for an operation.
    pub fn fail_next(&self, operation: S3Operation, fault: S3Fault, times: usize) {
        self.proxy.plan(Some(Plan {
            operation,
            fault,
            spared: 0,
            times,
        }));
    }

    /// Lets so many requests for an operation succeed, and fails all later ones.
    pub fn fail_after(&self, spared: usize, operation: S3Operation, fault: S3Fault) {
        self.proxy.plan(Some(Plan {
            operation,
            fault,
            spared,
            times: usize::MAX,
        }));
    }

    /// Breaks nothing more.
    pub fn clear_faults(&self) {
        self.proxy.plan(None);
    }

    /// From now on, as a store that does not know `ListMultipartUploads`.
    pub fn disable_upload_listing(&self) {
        self.proxy.disable_upload_listing();
    }

    /// The requests for an operation so far.
    pub fn seen(&self, operation: S3Operation) -> Vec<S3Request> {
        self.proxy.seen(operation)
    }

    /// The number of requests that have no response yet.
    pub fn open_requests(&self) -> usize {
        self.proxy.open_requests()
    }

    /// The number of open requests that will never get a response, because of
    /// [`S3Fault::Unresponsive`] or [`S3Fault::AppliedThenUnresponsive`].
    pub fn unresponsive_requests(&self) -> usize {
        self.proxy.unresponsive_requests()
    }

    /// The paths, with their buckets, that multipart uploads are open under.
    pub fn open_uploads(&self) -> Vec<String> {
        self.proxy.open_uploads()
    }
}

impl std::fmt::Debug for ThrowawayS3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThrowawayS3")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The accept loop, which runs until the owner is dropped.
struct Serving {
    listener: TcpListener,
    proxy: Arc<Proxy>,
    stop: oneshot::Receiver<()>,
}

impl Serving {
    async fn run(self) {
        let Ok(listener) = tokio::net::TcpListener::from_std(self.listener) else {
            return;
        };
        let accepting = async {
            while let Ok((connection, _)) = listener.accept().await {
                let proxy = Arc::clone(&self.proxy);
                let service = hyper::service::service_fn(move |request| {
                    let proxy = Arc::clone(&proxy);
                    async move { proxy.answer(request).await }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(connection), service);
                tokio::spawn(async move {
                    // A fault that cuts the connection is an error here.
                    let _ = serving.await;
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = self.stop => {}
        }
    }
}

/// Walks a directory that changes meanwhile: what vanishes was not there.
fn collect(root: &Path, folder: &Path, found: &mut Vec<S3Object>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        if facts.is_dir() {
            collect(root, &path, found);
        } else if let Ok(key) = path.strip_prefix(root) {
            found.push(S3Object {
                key: key.to_string_lossy().into_owned(),
                size_bytes: facts.len(),
            });
        }
    }
}
