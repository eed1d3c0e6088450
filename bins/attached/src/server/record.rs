//! The record of a request in logs and metrics: ids, never its path, query, filenames or persons.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attache::http::{OperationName, RequestSubject};
use attache::model::{PrincipalSeq, TenantId};
use http::{Method, Response, StatusCode};
use tokio::time::Instant;

use super::activity::ActiveRequest;
use super::stream_watch::StreamWatch;
use super::streams::StreamPlace;
use crate::metrics;

/// The record of a request. Dropping it ends the request and writes logs and metrics.
#[derive(Debug)]
pub(super) struct RequestRecord {
    method: &'static str,
    started: Instant,
    received_bytes: Arc<AtomicU64>,
    sent_bytes: u64,
    response: Option<ResponseHead>,
    is_complete: bool,
    /// Set on HTTP/2.
    watch: Option<Arc<StreamWatch>>,
    active: ActiveRequest,
    _place: Option<StreamPlace>,
}

#[derive(Debug)]
struct ResponseHead {
    status: StatusCode,
    operation: Option<&'static str>,
    request_id: Option<String>,
    subject: RequestSubject,
}

impl ResponseHead {
    /// Returns `true` if anyone could have made the request, as often as they like: it was refused, or
    /// is about no file. A download by a link is neither.
    fn needs_no_credentials(&self) -> bool {
        let is_refused = self.operation.is_none() || self.status.is_client_error();
        self.subject.tenant.is_none() && (is_refused || self.subject.file.is_none())
    }
}

impl RequestRecord {
    /// Starts at the head of a request.
    pub(super) fn start(
        method: &Method,
        active: ActiveRequest,
        place: Option<StreamPlace>,
    ) -> Self {
        metrics::record_request_start();
        Self {
            method: known_method(method),
            started: Instant::now(),
            received_bytes: Arc::default(),
            sent_bytes: 0,
            response: None,
            is_complete: false,
            watch: None,
            active,
            _place: place,
        }
    }

    /// Watches the stream that this task serves.
    pub(super) fn watch_stream(&mut self) {
        self.watch = StreamWatch::current();
    }

    /// Notes that a part of the response waits for the client to read it.
    pub(super) fn note_response_waiting(&self) {
        if let Some(watch) = &self.watch {
            watch.note_waiting();
        }
    }

    /// Notes that the client has read what was waiting.
    pub(super) fn note_response_read(&self) {
        if let Some(watch) = &self.watch {
            watch.note_read();
        }
    }

    /// Returns the counter of the request body's bytes.
    pub(super) fn received_bytes(&self) -> Arc<AtomicU64> {
        self.received_bytes.clone()
    }

    /// Notes the head of the response.
    pub(super) fn note_response<B>(&mut self, response: &Response<B>) {
        let request_id = response.headers().get("x-request-id");
        self.response = Some(ResponseHead {
            status: response.status(),
            operation: response.extensions().get().map(|OperationName(name)| *name),
            request_id: request_id.and_then(|id| Some(id.to_str().ok()?.to_owned())),
            subject: response.extensions().get().cloned().unwrap_or_default(),
        });
        // The body of a response to HEAD is never polled.
        self.is_complete = self.method == "HEAD";
    }

    /// Counts bytes of the response body.
    pub(super) fn note_sent(&mut self, bytes: usize) {
        self.sent_bytes += bytes as u64;
    }

    /// Notes that the whole response body was sent.
    pub(super) fn note_complete(&mut self) {
        self.is_complete = true;
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        let received_bytes = self.received_bytes.load(Ordering::Relaxed);
        let response = self.response.as_ref();
        let operation = response.and_then(|response| response.operation);
        let status = response.map(|response| response.status.as_u16());
        let subject = response.map(|response| &response.subject);
        metrics::record_request(&metrics::CompletedRequest {
            operation: operation.unwrap_or("unknown"),
            status,
            duration,
            received_bytes,
            sent_bytes: self.sent_bytes,
        });
        if response.is_none_or(ResponseHead::needs_no_credentials) && !self.active.may_log_refusal()
        {
            return;
        }
        tracing::info!(
            method = self.method,
            operation,
            status,
            duration_ms = rounded_millis(duration),
            received_bytes,
            sent_bytes = self.sent_bytes,
            complete = self.is_complete,
            tenant = subject
                .and_then(|subject| subject.tenant)
                .map(TenantId::get),
            key_id = subject.and_then(|subject| subject.key_id.as_deref()),
            principal = subject
                .and_then(|subject| subject.principal)
                .map(PrincipalSeq::get),
            file = subject
                .and_then(|subject| subject.file)
                .map(tracing::field::display),
            address = self.active.address().map(tracing::field::display),
            request_id = response.and_then(|response| response.request_id.as_deref()),
            "request"
        );
    }
}

/// Returns milliseconds, to the microsecond.
fn rounded_millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Returns the method if it is a standard one: others are free text from the client.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| method.as_str() == *known);
    known.unwrap_or("other")
}
