//! A routed request, and what every endpoint reads of it.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use attache_model::{Context, FileId, MediaType, RequestId};
use attache_service::{Body as FileBody, BodyError, FileService, ServiceError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::json_budget::{JsonRoom, SMALL_JSON_BYTES};
use crate::path_params::PathParams;
use crate::problem::{Problem, ProblemKind};
use crate::state::App;
use crate::wire::content_type::{ContentType, means_form};
use crate::wire::json_body::read_json;
use crate::wire::query;
use crate::wire::response_body::BoxError;

/// The type that curl and other clients declare by default. It says nothing about the bytes.
const DEFAULT_TYPE: &str = "application/x-www-form-urlencoded";

/// A request body, from any server.
pub(crate) struct RequestBody(BodyStream<UnsyncBoxBody<Bytes, BoxError>>);

impl RequestBody {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(BodyStream::new(body.map_err(Into::into).boxed_unsync()))
    }
}

/// Yields the data of the body and skips trailers. An error is never taken for the end.
impl Stream for RequestBody {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match std::task::ready!(self.0.poll_next_unpin(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

/// A request that was routed.
pub(crate) struct Call {
    pub(crate) head: RequestHead,
    pub(crate) body: RequestBody,
}

/// Everything of a request but its body.
pub(crate) struct RequestHead {
    pub(crate) parts: Parts,
    pub(crate) params: PathParams,
    pub(crate) request_id: RequestId,
}

impl RequestHead {
    /// Finds the principal of the request's API key.
    pub(crate) async fn authenticate(&self, service: &FileService) -> Result<Context, Problem> {
        let token = bearer_token(&self.parts).map_err(Problem::unauthenticated)?;
        Ok(service.authenticate(token, self.request_id.clone()).await?)
    }

    /// Returns the public part of the request's API key; `None` if its token is of another kind.
    pub(crate) fn key_id(&self) -> Option<String> {
        let token = bearer_token(&self.parts).ok()?;
        let (key_id, _) = token.strip_prefix("att_")?.split_once('_')?;
        let is_id = !key_id.is_empty() && key_id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_id.then(|| key_id.to_owned())
    }

    /// Returns the file or the upload in the path; `None` if there is none.
    pub(crate) fn file_id(&self) -> Option<FileId> {
        self.path_param("id").ok()??.parse().ok()
    }

    /// Returns one parameter of the path, decoded; `None` if the path has no such parameter.
    pub(crate) fn path_param(&self, name: &str) -> Result<Option<String>, Problem> {
        self.params.get(name)
    }

    /// Returns the length that the client declared; `None` for a body of unknown length.
    pub(crate) fn declared_bytes(&self) -> Option<u64> {
        self.parts
            .headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    /// Returns `true` if the body is declared as JSON, merge patches included.
    pub(crate) fn is_json(&self) -> bool {
        let is_json = |value: &HeaderValue| {
            ContentType::parse(value.as_bytes()).is_ok_and(ContentType::is_json)
        };
        self.sole_content_type()
            .is_ok_and(|value| value.is_some_and(is_json))
    }

    /// Returns `true` if the body is declared as a form with files, in any of the header's lines.
    pub(crate) fn is_form(&self) -> bool {
        let mut values = self.parts.headers.get_all(CONTENT_TYPE).iter();
        values.any(|value| means_form(value.as_bytes()))
    }

    /// Returns the declared type of a body that is the bytes of a file. `None` if it says nothing: it is
    /// absent, cannot be read, or is the one that clients send by default.
    ///
    /// # Errors
    ///
    /// For a form, which would be stored with its envelope, and for several types.
    pub(crate) fn file_type(&self) -> Result<Option<MediaType>, Problem> {
        if self.is_form() {
            let detail = "send the bytes as they are, not as a form";
            return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
        }
        let value = self.sole_content_type()?;
        let declared = value.and_then(|value| MediaType::parse(value.to_str().ok()?).ok());
        Ok(declared.filter(|declared| declared.essence() != DEFAULT_TYPE))
    }

    fn sole_content_type(&self) -> Result<Option<&HeaderValue>, Problem> {
        let mut values = self.parts.headers.get_all(CONTENT_TYPE).iter();
        let first = values.next();
        if values.next().is_none() {
            return Ok(first);
        }
        let detail = "the header Content-Type is given more than once";
        Err(Problem::new(ProblemKind::MalformedBody, detail))
    }

    /// Returns the query, without its question mark.
    pub(crate) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// Returns the decoded pairs of a signed link's query. A query that cannot be read is an invalid
    /// link.
    pub(crate) fn link_pairs(&self) -> Result<Vec<(String, String)>, ServiceError> {
        query::pairs(self.query()).map_err(|_| ServiceError::InvalidLink)
    }
}

impl Call {
    /// Reads the parameters of the path into a struct that has their names.
    pub(crate) fn path<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.head.params.read()
    }

    /// Reads the query into a struct that denies unknown fields.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        Ok(query::read(self.head.query())?)
    }

    /// Reads the query as [`query`](Self::query), and takes these parameters for absent if they are empty.
    pub(crate) fn query_without_empty<T: DeserializeOwned>(
        &self,
        optional: &[&str],
    ) -> Result<T, Problem> {
        Ok(query::read_without_empty(self.head.query(), optional)?)
    }

    /// Reads the query into a struct, and ignores parameters that the struct does not have.
    pub(crate) fn known_query<T: DeserializeOwned + IntoParams>(&self) -> Result<T, Problem> {
        Ok(query::read_known(self.head.query())?)
    }

    /// Refuses any query parameter.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        Ok(query::read_none(self.head.query())?)
    }

    /// Reads a small JSON body, within the tenant's share of memory.
    pub(crate) async fn json<T: DeserializeOwned>(
        self,
        app: &App,
        cx: &Context,
    ) -> Result<T, Problem> {
        require_json(&self.head)?;
        let mut room = app.json_budget.begin(cx.tenant());
        let body = self.collect(SMALL_JSON_BYTES, &mut room).await?;
        Ok(read_json(&body)?)
    }

    /// Takes the body as a file's bytes, which must have the length that the client declared.
    pub(crate) fn into_file_body(self) -> FileBody {
        let body = FileBody::from_stream(self.body.map(|chunk| chunk.map_err(aborted)));
        match self.head.declared_bytes() {
            Some(size_bytes) => body.with_exact_size(size_bytes),
            None => body,
        }
    }

    /// Reads the whole body, of at most `max_bytes`. The `room` for it is taken before more bytes are
    /// kept, and may be refused.
    pub(crate) async fn collect(
        self,
        max_bytes: usize,
        room: &mut JsonRoom,
    ) -> Result<Vec<u8>, Problem> {
        let too_large = || {
            let detail = format!("the body may have at most {max_bytes} bytes");
            Problem::new(ProblemKind::TooLarge, detail)
        };
        let declared = self.head.declared_bytes();
        if declared.is_some_and(|declared| declared > max_bytes as u64) {
            return Err(too_large());
        }
        let most_bytes = declared.map_or(max_bytes, |it| usize::try_from(it).unwrap_or(max_bytes));
        let mut collected = Vec::new();
        let mut body = self.body;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(ServiceError::BodyAborted)?;
            if chunk.len() > max_bytes - collected.len() {
                return Err(too_large());
            }
            let needed = collected.len() + chunk.len();
            if needed > collected.capacity() {
                let doubled = collected.capacity().saturating_mul(2).min(most_bytes);
                let capacity = doubled.max(needed);
                room.hold(capacity)?;
                collected.reserve_exact(capacity - collected.len());
            }
            collected.extend_from_slice(&chunk);
        }
        Ok(collected)
    }
}

/// Refuses a body that does not say it is JSON.
pub(crate) fn require_json(head: &RequestHead) -> Result<(), Problem> {
    if head.is_json() {
        return Ok(());
    }
    let detail = "send JSON, with Content-Type: application/json";
    Err(Problem::new(ProblemKind::UnsupportedMediaType, detail))
}

/// Converts the failure of a body into the service's error.
pub(crate) fn aborted(error: impl Into<BoxError>) -> BodyError {
    BodyError::Aborted(error.into())
}

/// Reads the key of a request. The error says what is wrong with the header, never what it holds.
fn bearer_token(parts: &Parts) -> Result<&str, &'static str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err("there is no API key");
    };
    if values.next().is_some() {
        return Err("there is more than one Authorization header");
    }
    let value = value
        .to_str()
        .map_err(|_| "the Authorization header is not ASCII")?;
    match value.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        Some(_) => Err("the Authorization header has another scheme than Bearer"),
        None if value.trim().eq_ignore_ascii_case("bearer") => {
            Err("the Authorization header has no API key")
        }
        None => Err("the Authorization header has no scheme"),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn token_is_read_from_one_bearer_header() {
        let parts = |values: &[&str]| {
            let mut request = Request::builder();
            for value in values {
                request = request.header(AUTHORIZATION, *value);
            }
            request.body(()).unwrap().into_parts().0
        };
        assert_eq!(bearer_token(&parts(&["Bearer abc"])), Ok("abc"));
        assert_eq!(bearer_token(&parts(&["bearer  abc"])), Ok("abc"));
        for (wrong, reason) in [
            (&["Basic abc"][..], "another scheme"),
            (&["Token abc"], "another scheme"),
            (&["att_abc"], "no scheme"),
            (&["Bearer"], "has no API key"),
            (&["Bearer "], "has no API key"),
            (&[""], "has no scheme"),
            (&[], "there is no API key"),
            (&["Bearer a", "Bearer b"], "more than one"),
        ] {
            let refused = bearer_token(&parts(wrong)).unwrap_err();
            assert!(refused.contains(reason), "{wrong:?}: {refused}");
        }
    }
}
