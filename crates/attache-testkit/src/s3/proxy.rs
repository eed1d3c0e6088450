//! A proxy before S3: it records requests, tracks open uploads, and injects faults.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use s3s::service::S3Service;

use super::fault::{S3Fault, S3Operation};

type Boxed = UnsyncBoxBody<Bytes, io::Error>;

/// A recorded request.
#[derive(Debug, Clone)]
pub struct S3Request {
    /// Its operation.
    pub operation: S3Operation,
    /// Its headers.
    pub headers: HeaderMap,
}

/// The fault to inject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) operation: S3Operation,
    pub(super) fault: S3Fault,
    /// The number of requests for the operation that succeed first.
    pub(super) spared: usize,
    /// The number of requests that fail then.
    pub(super) times: usize,
}

pub(super) struct Proxy {
    s3: S3Service,
    /// The folder in which s3s-fs has its files.
    root: PathBuf,
    fault: Mutex<Option<Plan>>,
    seen: Mutex<Vec<S3Request>>,
    /// Cloned by every request that has no response yet.
    open: Arc<()>,
    /// Cloned by every request that will never have one.
    unresponsive: Arc<()>,
    uploads: Mutex<BTreeMap<String, String>>,
    /// s3s-fs cannot list uploads, so it is done here.
    lists_uploads: AtomicBool,
}

impl Proxy {
    pub(super) fn new(s3: S3Service, root: PathBuf) -> Self {
        Self {
            s3,
            root,
            fault: Mutex::default(),
            seen: Mutex::default(),
            open: Arc::default(),
            unresponsive: Arc::default(),
            uploads: Mutex::default(),
            lists_uploads: AtomicBool::new(true),
        }
    }

    /// Injects a fault from now on; `None` for no fault.
    pub(super) fn plan(&self, plan: Option<Plan>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    pub(super) fn disable_upload_listing(&self) {
        self.lists_uploads.store(false, Ordering::Relaxed);
    }

    pub(super) fn seen(&self, operation: S3Operation) -> Vec<S3Request> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.iter().filter(|seen| seen.operation == operation);
        seen.cloned().collect()
    }

    /// The number of requests that have no response yet.
    pub(super) fn open_requests(&self) -> usize {
        Arc::strong_count(&self.open) - 1
    }

    /// The number of open requests that will never get a response.
    pub(super) fn unresponsive_requests(&self) -> usize {
        Arc::strong_count(&self.unresponsive) - 1
    }

    /// The paths that uploads are open under.
    pub(super) fn open_uploads(&self) -> Vec<String> {
        self.uploads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Boxed>> {
        let _open = Arc::clone(&self.open);
        let operation = S3Operation::of(&request);
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(S3Request {
                operation,
                headers: request.headers().clone(),
            });
        let Some(fault) = self.due(operation) else {
            return self.forward(operation, request).await;
        };
        if !fault.has_effect() {
            // Read to the end, or the client may be cut off before it hears the answer.
            let _ = request.into_body().collect().await;
            return broken(fault, &self.unresponsive).await;
        }
        let done = self.forward(operation, request).await?;
        match fault {
            S3Fault::CutAt(count) => cut(done, count).await,
            _ => broken(fault, &self.unresponsive).await,
        }
    }

    fn due(&self, operation: S3Operation) -> Option<S3Fault> {
        let mut planned = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = planned.as_mut()?;
        if plan.operation != operation {
            return None;
        }
        if plan.spared > 0 {
            plan.spared -= 1;
            return None;
        }
        plan.times = plan.times.checked_sub(1)?;
        Some(plan.fault)
    }

    async fn forward(
        &self,
        operation: S3Operation,
        request: Request<Incoming>,
    ) -> io::Result<Response<Boxed>> {
        if operation == S3Operation::ListUploads && self.lists_uploads.load(Ordering::Relaxed) {
            return Ok(xml(200, self.listing(&request)));
        }
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let file = self.root.join(path.trim_start_matches('/'));
        // A folder is nothing in S3; to s3s-fs it is a file that cannot be read, and a 500.
        match operation {
            S3Operation::Get | S3Operation::Head if file.is_dir() => {
                let body = "<Error><Code>NoSuchKey</Code></Error>";
                return Ok(xml(404, body.to_owned()));
            }
            S3Operation::Delete if file.is_dir() => return Ok(xml(204, String::new())),
            _ => {}
        }
        let request = request.map(s3s::Body::from);
        let answer = self
            .s3
            .call(request)
            .await
            .map_err(|error| failed(&error))?;
        let is_success = answer.status().is_success();
        let is_precondition_failed = answer.status() == StatusCode::PRECONDITION_FAILED;
        if operation == S3Operation::Put && !is_success && !is_precondition_failed {
            // s3s-fs stores before it compares the digests. S3 keeps nothing that it refuses.
            let _ = std::fs::remove_file(file);
        }
        if operation == S3Operation::Abort && !is_success && self.has_ended(&query) {
            // s3s-fs denies access to an upload that it does not know.
            let body = "<Error><Code>NoSuchUpload</Code></Error>";
            return Ok(xml(404, body.to_owned()));
        }
        let (head, body) = answer.into_parts();
        if !is_success || operation == S3Operation::Get {
            let body = body.map_err(io::Error::other).boxed_unsync();
            return Ok(Response::from_parts(head, body));
        }
        let body = BodyExt::collect(body).await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        match operation {
            S3Operation::Create => {
                let answer = String::from_utf8_lossy(&body);
                let id = between(&answer, "<UploadId>", "</UploadId>");
                uploads.extend(id.map(|id| (id.to_owned(), path)));
            }
            // An answer of 200 to a completion may hold an error, but s3s-fs gives none.
            S3Operation::Complete | S3Operation::Abort => {
                uploads.retain(|id, _| !query.contains(id.as_str()));
            }
            _ => {}
        }
        Ok(Response::from_parts(head, full(body)))
    }

    /// Returns `true` if s3s-fs no longer has the upload that a query names.
    fn has_ended(&self, query: &str) -> bool {
        let id = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "uploadId");
        id.is_some_and(|(_, id)| !self.root.join(format!(".upload-{id}.json")).exists())
    }

    fn listing(&self, request: &Request<Incoming>) -> String {
        let query = request.uri().query().unwrap_or_default();
        let bucket = request.uri().path().trim_matches('/');
        let prefix = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "prefix")
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        let uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let found = uploads.iter().filter_map(|(id, path)| {
            let key = path.trim_start_matches('/').strip_prefix(bucket)?;
            let key = key.trim_start_matches('/');
            key.starts_with(&prefix)
                .then(|| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>"))
        });
        let found: String = found.collect();
        format!(
            "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{found}</ListMultipartUploadsResult>"
        )
    }
}

async fn broken(fault: S3Fault, unresponsive: &Arc<()>) -> io::Result<Response<Boxed>> {
    match fault {
        S3Fault::Refused(status, code) | S3Fault::AppliedThenRejected(status, code) => {
            let body = format!("<Error><Code>{code}</Code><Message>a fault</Message></Error>");
            Ok(xml(status, body))
        }
        S3Fault::Unresponsive | S3Fault::AppliedThenUnresponsive => {
            let _unresponsive = Arc::clone(unresponsive);
            std::future::pending().await
        }
        S3Fault::LostRequest | S3Fault::LostResponse | S3Fault::CutAt(_) => {
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        }
    }
}

async fn cut(answer: Response<Boxed>, count: usize) -> io::Result<Response<Boxed>> {
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let kept = bytes.slice(..count.min(bytes.len()));
    let reset = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    // The bytes must leave before the error is seen, which takes the connection with it.
    let pause = stream::once(async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        reset
    });
    let frames = stream::iter([Ok(Frame::data(kept))]).chain(pause);
    Ok(Response::from_parts(
        head,
        StreamBody::new(frames).boxed_unsync(),
    ))
}

fn xml(status: u16, body: String) -> Response<Boxed> {
    let answer = Response::builder()
        .status(status)
        .header("content-type", "application/xml");
    answer
        .body(full(Bytes::from(body)))
        .unwrap_or_else(|_| unreachable!("status and header are well-formed"))
}

fn full(bytes: Bytes) -> Boxed {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn failed(error: &s3s::HttpError) -> io::Error {
    io::Error::other(format!("{error:?}"))
}

/// Returns the text between two marks, or `None` if one is missing.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}
