//! Errors as they leave: one table from meaning to status and type, as problem documents (RFC 9457).

use std::error::Error;

use attache_model::{RequestId, Timestamp};
use attache_service::ServiceError;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::response::ResponseBody;
use crate::wire::json_body::JsonError;
use crate::wire::multipart::MultipartError;
use crate::wire::query::QueryError;

macro_rules! problem_kinds {
    ($($kind:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        /// What went wrong, as a client can tell it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemKind { $($kind),* }

        impl ProblemKind {
            /// The status table: the only place that knows which meaning has which status.
            const fn row(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$kind => (StatusCode::$status, $slug, $title)),* }
            }
        }

        /// Every problem type with its status and title, for the documents.
        #[cfg(test)]
        pub(crate) const ALL_KINDS: &[(&str, u16, &str)] =
            &[$(($slug, StatusCode::$status.as_u16(), $title)),*];
    };
}

problem_kinds! {
    InvalidParameter = BAD_REQUEST, "invalid-parameter", "A query parameter is not right";
    InvalidCursor = BAD_REQUEST, "invalid-cursor", "The cursor is not right";
    MalformedBody = BAD_REQUEST, "malformed-body", "The body cannot be read";
    BodyCutOff = BAD_REQUEST, "body-cut-off", "The body broke off";
    LengthMismatch = BAD_REQUEST, "length-mismatch", "The body has another length than was promised";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "A valid API key is needed";
    MissingScope = FORBIDDEN, "missing-scope", "The API key may not do this";
    InvalidLink = FORBIDDEN, "invalid-link", "The link is not valid";
    LinkExpired = FORBIDDEN, "link-expired", "The link has expired";
    OtherTenant = FORBIDDEN, "other-tenant", "The API key is another tenant's";
    NotFound = NOT_FOUND, "not-found", "Not found";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    FileClaimed = CONFLICT, "file-claimed", "The file is claimed";
    FileArchived = CONFLICT, "file-archived", "The file is archived";
    FileHeld = CONFLICT, "file-held", "The file is being inspected";
    RequestRepeated = CONFLICT, "request-repeated", "The request was made before";
    UploadCompleted = CONFLICT, "upload-completed", "The upload is complete";
    UploadIncomplete = CONFLICT, "upload-incomplete", "The upload's bytes have not arrived";
    UploadBusy = CONFLICT, "upload-busy", "The upload is being sent already";
    UploadExpired = GONE, "upload-expired", "The upload has expired";
    RevisionMismatch = PRECONDITION_FAILED, "revision-mismatch", "The record has changed";
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "A precondition does not hold";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    TooManyFiles = PAYLOAD_TOO_LARGE, "too-many-files", "The upload has too many files";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's type is not taken here";
    RangeNotSatisfiable = RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "The range lies outside the file";
    InvalidField = UNPROCESSABLE_ENTITY, "invalid-field", "A field is not right";
    UnknownPerson = UNPROCESSABLE_ENTITY, "unknown-person", "There is no such person";
    TypeNotAccepted = UNPROCESSABLE_ENTITY, "type-not-accepted", "The file's type is not accepted";
    DigestMismatch = UNPROCESSABLE_ENTITY, "digest-mismatch", "The bytes have another digest than was promised";
    Refused = UNPROCESSABLE_ENTITY, "refused", "The file was refused";
    NoFile = UNPROCESSABLE_ENTITY, "no-file", "The upload has no file";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something went wrong here";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "The service is unavailable for the moment";
    OutOfSpace = INSUFFICIENT_STORAGE, "out-of-space", "There is no room left";
}

/// How much of a detail leaves, and of a field's name, in characters: what came in is repeated only
/// as far as it helps.
const DETAIL_CHARS: usize = 300;
const FIELD_CHARS: usize = 64;

fn shorten(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field or parameter.
    field: String,
    /// What is wrong with it and what would be right.
    detail: String,
}

/// The answer to a request that could not be done.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    extras: Box<Extras>,
}

/// What only some problems carry.
#[derive(Debug, Default)]
struct Extras {
    errors: Vec<FieldError>,
    used_at: Option<Timestamp>,
    headers: HeaderMap,
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// What kind of problem, for programs: `urn:attache:problem:` and a name that does not change.
    #[schema(example = "urn:attache:problem:not-found")]
    r#type: String,
    /// What kind of problem, for people.
    title: &'static str,
    /// The status code.
    status: u16,
    /// What is wrong in this case, and what would be right.
    detail: String,
    /// The request, as the service's own log names it.
    request_id: String,
    /// The fields or parameters that are wrong, where it comes down to some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Since when the file is claimed, where that is the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    used_at: Option<String>,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: shorten(detail.into(), DETAIL_CHARS),
            extras: Box::default(),
        }
    }

    /// A field of a body that does not fit.
    pub(crate) fn invalid_field(field: &str, detail: impl Into<String>) -> Self {
        Self::about(ProblemKind::InvalidField, "field", field, detail.into())
    }

    /// A query parameter that does not fit.
    pub(crate) fn invalid_parameter(parameter: &str, detail: impl Into<String>) -> Self {
        Self::about(
            ProblemKind::InvalidParameter,
            "query parameter",
            parameter,
            detail.into(),
        )
    }

    fn about(kind: ProblemKind, noun: &str, field: &str, detail: String) -> Self {
        let field = shorten(field.to_owned(), FIELD_CHARS);
        let detail = shorten(detail, DETAIL_CHARS);
        // Most details complete the sentence; those of the model name their noun themselves.
        let text = if detail.starts_with(&field) {
            detail.clone()
        } else {
            format!("{noun} «{field}» {detail}")
        };
        let mut problem = Self::new(kind, text);
        problem.extras.errors.push(FieldError { field, detail });
        problem
    }

    /// What the service refuses of a query that was read already.
    pub(crate) fn in_query(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid(invalid) => {
                Self::invalid_parameter(invalid.what(), invalid.to_string())
            }
            other => other.into(),
        }
    }

    pub(crate) fn no_route() -> Self {
        Self::new(
            ProblemKind::NotFound,
            "there is no such route; /openapi.json lists them",
        )
    }

    pub(crate) fn not_found() -> Self {
        ServiceError::NotFound.into()
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let problem = Self::new(
            ProblemKind::MethodNotAllowed,
            format!("allowed here: {allow}"),
        );
        problem.with_header(ALLOW, allow)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.extras.headers.insert(name, value);
        }
        self
    }

    /// Says that trying again soon may help.
    pub(crate) fn retry_soon(self) -> Self {
        self.with_header(RETRY_AFTER, "1")
    }

    pub(crate) fn into_response(self, request_id: &RequestId) -> Response<ResponseBody> {
        let (status, slug, title) = self.kind.row();
        let document = ProblemDocument {
            r#type: format!("urn:attache:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            request_id: request_id.to_string(),
            errors: self.extras.errors,
            used_at: self.extras.used_at.map(|at| at.to_string()),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(ResponseBody::full(body));
        *response.status_mut() = status;
        *response.headers_mut() = self.extras.headers;
        let json = HeaderValue::from_static("application/problem+json");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, json);
        // What is missing now may be there in a moment: no cache is to remember this.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        use ProblemKind as Kind;
        use ServiceError as E;
        let kind = match &error {
            E::Unauthenticated => Kind::Unauthenticated,
            E::MissingScope(_) => Kind::MissingScope,
            E::NotFound => Kind::NotFound,
            E::Claimed { .. } => Kind::FileClaimed,
            E::Archived => Kind::FileArchived,
            E::Held => Kind::FileHeld,
            E::RevisionMismatch { .. } => Kind::RevisionMismatch,
            E::Invalid(_) => Kind::InvalidField,
            E::UnknownPerson => Kind::UnknownPerson,
            E::TypeNotAccepted { .. } => Kind::TypeNotAccepted,
            E::DigestMismatch { .. } => Kind::DigestMismatch,
            E::Refused { .. } => Kind::Refused,
            E::TooLarge { .. } => Kind::TooLarge,
            E::TooManyFiles { .. } => Kind::TooManyFiles,
            E::NoFile => Kind::NoFile,
            E::LengthMismatch { .. } => Kind::LengthMismatch,
            E::BodyAborted(source) => match source.downcast_ref::<MultipartError>() {
                Some(multipart) => return multipart.clone().into(),
                None => Kind::BodyCutOff,
            },
            E::OutOfSpace(_) => Kind::OutOfSpace,
            E::Unavailable(_) => Kind::Unavailable,
            E::RequestRepeated => Kind::RequestRepeated,
            E::UploadCompleted => Kind::UploadCompleted,
            E::UploadIncomplete => Kind::UploadIncomplete,
            E::UploadBusy => Kind::UploadBusy,
            E::UploadExpired => Kind::UploadExpired,
            E::InvalidLink => Kind::InvalidLink,
            E::LinkExpired => Kind::LinkExpired,
            E::InvalidCursor => Kind::InvalidCursor,
            _ => Kind::Internal,
        };
        if kind.row().0.is_server_error() {
            tracing::error!(error = &error as &dyn Error, "a request failed");
        }
        let mut problem = Self::new(kind, error.to_string());
        match error {
            E::Claimed { used_at } => {
                problem.extras.used_at = Some(used_at);
                problem
            }
            E::Invalid(invalid) => Self::invalid_field(invalid.what(), invalid.to_string()),
            E::Unauthenticated => {
                problem.with_header(WWW_AUTHENTICATE, r#"Bearer realm="attache""#)
            }
            E::MissingScope(scope) => {
                let challenge = format!(
                    r#"Bearer realm="attache", error="insufficient_scope", scope="{scope}""#
                );
                problem.with_header(WWW_AUTHENTICATE, &challenge)
            }
            E::Unavailable(_) | E::UploadBusy => problem.retry_soon(),
            _ => problem,
        }
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        let kind = match &error {
            MultipartError::TooLarge { .. } => ProblemKind::TooLarge,
            MultipartError::Syntax { .. } => ProblemKind::MalformedBody,
            MultipartError::Truncated { .. } | MultipartError::Body { .. } => {
                ProblemKind::BodyCutOff
            }
            MultipartError::PassedOver { .. } => ProblemKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed(detail) => Self::new(ProblemKind::MalformedBody, detail),
            JsonError::Mismatch(detail) => Self::new(ProblemKind::InvalidField, detail),
            JsonError::Field { field, detail } => Self::invalid_field(&field, detail),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        let mut problem = Self::new(ProblemKind::InvalidParameter, detail.clone());
        if let Some(parameter) = error.parameter() {
            problem.extras.errors.push(FieldError {
                field: parameter.to_owned(),
                detail,
            });
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_document_lists_every_problem_with_its_status() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/API.md");
        let document = std::fs::read_to_string(path).unwrap();
        for (slug, status, _) in ALL_KINDS {
            let row = format!("| `{slug}` | {status} |");
            assert!(
                document.contains(&row),
                "docs/API.md has no row that begins with {row}"
            );
        }
        let rows = document.lines().filter(|line| {
            line.starts_with("| `") && line.contains("` | 4") || line.contains("` | 5")
        });
        assert_eq!(
            rows.count(),
            ALL_KINDS.len(),
            "docs/API.md lists problems that there are not"
        );
    }
}
