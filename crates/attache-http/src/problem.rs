//! Problem documents (RFC 9457): one table maps each kind of error to its status, type and title.

use std::error::Error;

use attache_model::{RequestId, Timestamp};
use attache_service::ServiceError;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::schema::enumeration;
use crate::wire::json_body::JsonError;
use crate::wire::multipart::MultipartError;
use crate::wire::query::QueryError;

macro_rules! problem_kinds {
    ($($kind:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        /// The kind of a problem, as a client can tell it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemKind { $($kind),* }

        impl ProblemKind {
            /// Returns the row of the table: status, type and title.
            const fn row(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$kind => (StatusCode::$status, $slug, $title)),* }
            }
        }

        /// Every problem type with its status and title, for the documentation.
        pub(crate) const ALL_KINDS: &[(&str, u16, &str)] =
            &[$(($slug, StatusCode::$status.as_u16(), $title)),*];
    };
}

problem_kinds! {
    InvalidParameter = BAD_REQUEST, "invalid-parameter", "Invalid query parameter";
    InvalidCursor = BAD_REQUEST, "invalid-cursor", "Invalid cursor";
    MalformedBody = BAD_REQUEST, "malformed-body", "Malformed request body";
    BodyCutOff = BAD_REQUEST, "body-cut-off", "Incomplete request body";
    LengthMismatch = BAD_REQUEST, "length-mismatch", "Length mismatch";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Valid API key required";
    MissingScope = FORBIDDEN, "missing-scope", "Missing scope";
    InvalidLink = FORBIDDEN, "invalid-link", "Invalid link";
    LinkExpired = FORBIDDEN, "link-expired", "Link expired";
    OtherTenant = FORBIDDEN, "other-tenant", "API key of another tenant";
    NotFound = NOT_FOUND, "not-found", "Not found";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed";
    FileClaimed = CONFLICT, "file-claimed", "File is claimed";
    FileArchived = CONFLICT, "file-archived", "File is archived";
    FileHeld = CONFLICT, "file-held", "File is being inspected";
    RequestRepeated = CONFLICT, "request-repeated", "Repeated request";
    UploadCompleted = CONFLICT, "upload-completed", "Upload is complete";
    UploadIncomplete = CONFLICT, "upload-incomplete", "Upload is incomplete";
    UploadBusy = CONFLICT, "upload-busy", "Upload is already being sent";
    UploadExpired = GONE, "upload-expired", "Upload expired";
    RevisionMismatch = PRECONDITION_FAILED, "revision-mismatch", "Record has changed";
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "Precondition failed";
    TooLarge = PAYLOAD_TOO_LARGE, "too-large", "Request body too large";
    TooManyFiles = PAYLOAD_TOO_LARGE, "too-many-files", "Too many files";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type";
    RangeNotSatisfiable = RANGE_NOT_SATISFIABLE, "range-not-satisfiable", "Range not satisfiable";
    InvalidField = UNPROCESSABLE_ENTITY, "invalid-field", "Invalid field";
    UnknownPerson = UNPROCESSABLE_ENTITY, "unknown-person", "Unknown person";
    TypeNotAccepted = UNPROCESSABLE_ENTITY, "type-not-accepted", "File type not accepted";
    DigestMismatch = UNPROCESSABLE_ENTITY, "digest-mismatch", "Digest mismatch";
    Refused = UNPROCESSABLE_ENTITY, "refused", "File refused";
    NoFile = UNPROCESSABLE_ENTITY, "no-file", "No file in the upload";
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many refused requests";
    ContentLost = INTERNAL_SERVER_ERROR, "content-lost", "File content lost";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Internal error";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Service temporarily unavailable";
    OutOfSpace = INSUFFICIENT_STORAGE, "out-of-space", "Out of space";
}

/// The beginning of every problem type.
const TYPE_PREFIX: &str = "urn:attache:problem:";

/// The most characters of a detail, and of a field's name: input is repeated only as far as it helps.
const DETAIL_CHARS: usize = 300;
const FIELD_CHARS: usize = 64;

fn shorten(text: String, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// One fault of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Field or parameter.
    field: String,
    /// The fault, and what would be right.
    detail: String,
}

/// A failed request.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    extras: Box<Extras>,
}

/// The members that only some problems have.
#[derive(Debug, Default)]
struct Extras {
    errors: Vec<FieldError>,
    used_at: Option<Timestamp>,
    headers: HeaderMap,
}

/// The type of a problem, as the document describes it.
pub(crate) enum ProblemType {}

impl PartialSchema for ProblemType {
    fn schema() -> RefOr<Schema> {
        let urns = ALL_KINDS
            .iter()
            .map(|(slug, ..)| format!("{TYPE_PREFIX}{slug}"));
        enumeration("The type of a problem. More may be added.", urns).into()
    }
}

impl ToSchema for ProblemType {}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// Kind of the problem, for programs: `urn:attache:problem:` and a stable name.
    #[schema(value_type = ProblemType)]
    r#type: String,
    /// Kind of the problem, for people.
    title: &'static str,
    /// Status code.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The fault in this case, and what would be right.
    detail: String,
    /// ID of the request, as in the log of the service.
    request_id: String,
    /// The invalid fields or parameters, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Time of the claim, if the file is claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, nullable = false)]
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

    /// Returns the problem of an invalid field of a body.
    pub(crate) fn invalid_field(field: &str, detail: impl Into<String>) -> Self {
        Self::about(ProblemKind::InvalidField, "field", field, detail.into())
    }

    /// Returns the problem of an invalid query parameter.
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
        // Most details complete the sentence; those of the model already begin with the noun.
        let text = if detail.starts_with(&field) {
            detail.clone()
        } else {
            format!("{noun} `{field}` {detail}")
        };
        let mut problem = Self::new(kind, text);
        problem.extras.errors.push(FieldError { field, detail });
        problem
    }

    /// Converts a refusal of the service that is about the query.
    pub(crate) fn in_query(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid(invalid) => {
                Self::invalid_parameter(invalid.what(), invalid.to_string())
            }
            other => other.into(),
        }
    }

    /// Returns the problem of a request whose credentials cannot be read, for the reason given.
    pub(crate) fn unauthenticated(reason: &str) -> Self {
        let mut problem = Self::from(ServiceError::Unauthenticated);
        problem.detail = format!("{reason}: send `Authorization: Bearer ` and the key");
        problem
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

    pub(crate) fn kind(&self) -> ProblemKind {
        self.kind
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.extras.headers.insert(name, value);
        }
        self
    }

    /// Adds that a retry may soon succeed.
    pub(crate) fn retry_soon(self) -> Self {
        self.with_header(RETRY_AFTER, "1")
    }

    /// Takes the problem apart: its status, its own headers, and the document.
    pub(crate) fn into_parts(
        self,
        request_id: &RequestId,
    ) -> (StatusCode, HeaderMap, ProblemDocument) {
        let (status, slug, title) = self.kind.row();
        let document = ProblemDocument {
            r#type: format!("{TYPE_PREFIX}{slug}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            request_id: request_id.to_string(),
            errors: self.extras.errors,
            used_at: self.extras.used_at.map(|at| at.to_string()),
        };
        (status, self.extras.headers, document)
    }

    #[cfg(test)]
    pub(crate) fn header(&self, name: HeaderName) -> Option<&HeaderValue> {
        self.extras.headers.get(name)
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
            E::ContentLost { .. } => Kind::ContentLost,
            _ => Kind::Internal,
        };
        if error.is_outage() {
            tracing::debug!(error = &error as &dyn Error, "a request failed");
        } else if kind.row().0.is_server_error() {
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
    fn api_document_lists_every_problem() {
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
            "docs/API.md lists problems that do not exist"
        );
    }
}
