//! One request as logs and metrics tell it: never its path, its query, a name or a person.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use attache::http::OperationName;
use http::{Method, Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::activity::ActiveRequest;
use crate::metrics;

/// What is known of a request. When it is dropped the request is over, and is told.
#[derive(Debug)]
pub(super) struct RequestRecord {
    method: &'static str,
    started: Instant,
    received_bytes: Arc<AtomicU64>,
    sent_bytes: u64,
    answer: Option<Answer>,
    complete: bool,
    active: ActiveRequest,
    permit: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    operation: Option<&'static str>,
    request_id: Option<String>,
}

impl RequestRecord {
    /// Begins with the request's head.
    pub(super) fn begin(method: &Method, active: ActiveRequest) -> Self {
        metrics::request_began();
        Self {
            method: known_method(method),
            started: Instant::now(),
            received_bytes: Arc::default(),
            sent_bytes: 0,
            answer: None,
            complete: false,
            active,
            permit: None,
        }
    }

    /// Keeps the request's place among those of the whole server until it is over.
    pub(super) fn hold(&mut self, permit: Option<OwnedSemaphorePermit>) {
        self.permit = permit;
    }

    /// The request's place among those of its connection.
    pub(super) fn active(&self) -> &ActiveRequest {
        &self.active
    }

    /// Where the bytes of the request's body are counted.
    pub(super) fn received_bytes(&self) -> Arc<AtomicU64> {
        self.received_bytes.clone()
    }

    /// Takes what logs and metrics need from the answer's head.
    pub(super) fn note_answer<B>(&mut self, answer: &Response<B>) {
        let request_id = answer.headers().get("x-request-id");
        self.answer = Some(Answer {
            status: answer.status(),
            operation: answer.extensions().get().map(|OperationName(name)| *name),
            request_id: request_id.and_then(|id| Some(id.to_str().ok()?.to_owned())),
        });
        // The body of an answer to HEAD is never asked for.
        self.complete = self.method == "HEAD";
    }

    /// Counts bytes of the answer's body.
    pub(super) fn note_sent(&mut self, bytes: usize) {
        self.sent_bytes += bytes as u64;
    }

    /// Notes that the answer's body was given to its end.
    pub(super) fn note_complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        let received_bytes = self.received_bytes.load(Ordering::Relaxed);
        let answer = self.answer.as_ref();
        let operation = answer.and_then(|answer| answer.operation);
        let status = answer.map(|answer| answer.status.as_u16());
        metrics::request_ended(&metrics::EndedRequest {
            operation: operation.unwrap_or("unknown"),
            status,
            duration,
            received_bytes,
            sent_bytes: self.sent_bytes,
        });
        tracing::info!(
            method = self.method,
            operation,
            status,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            received_bytes,
            sent_bytes = self.sent_bytes,
            complete = self.complete,
            request_id = answer.and_then(|answer| answer.request_id.as_deref()),
            "request"
        );
    }
}

/// The method where it is one of HTTP's own: others are free text from the client.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| method.as_str() == *known);
    known.unwrap_or("other")
}
