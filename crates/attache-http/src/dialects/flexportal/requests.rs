//! The requests of flexportal.

use std::time::Duration;

use attache_model::{FileId, Filename, MediaType};
use attache_service::{LinkAction, LinkRequest, UploadRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::path_params::file_id_of;
use crate::problem::Problem;
use crate::schema;

const MINUTE_SECONDS: f64 = 60.0;
const MAX_MINUTES: f64 = 1440.0;

/// The purpose of a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActionBody {
    /// See the file in place, if its type allows; otherwise save it.
    #[default]
    View,
    /// Save the file.
    Download,
    /// Send a new file.
    Upload,
}

/// The URL to create.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UrlBody {
    action: Option<ActionBody>,
    file_id: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
    expires_in_minutes: Option<f64>,
}

/// The URL to create, as the document describes it: each purpose needs other fields.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = flexportal::NewUrl)]
#[expect(dead_code, reason = "describes the body to the OpenAPI document")]
pub(super) enum DescribedUrl {
    /// A URL to view or download a file.
    Read(ReadUrl),
    /// A URL to upload a file.
    Upload(UploadUrl),
}

/// A URL to view or download a file.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = flexportal::NewReadUrl)]
#[expect(dead_code, reason = "describes the body to the OpenAPI document")]
pub(super) struct ReadUrl {
    /// Purpose; `view` by default.
    #[schema(value_type = Option<String>, pattern = "^(view|download)$", examples("view"))]
    action: Option<ActionBody>,
    /// ID of the file.
    #[schema(
        min_length = 1,
        max_length = 255,
        examples("019bb8d4-6a31-7c52-9f0e-3b8a4c1d2e5f")
    )]
    file_id: String,
    /// Lifetime in minutes; 60 by default.
    #[schema(minimum = 1, maximum = 1440)]
    expires_in_minutes: Option<f64>,
}

/// A URL to upload a file.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = flexportal::NewUploadUrl)]
#[expect(dead_code, reason = "describes the body to the OpenAPI document")]
pub(super) struct UploadUrl {
    /// Purpose.
    #[schema(value_type = String, pattern = "^upload$", examples("upload"))]
    action: ActionBody,
    /// Name of the file.
    #[schema(value_type = schema::SentFilename)]
    file_name: String,
    /// Type of the file; empty if unknown.
    #[schema(value_type = schema::MediaTypeOrNone)]
    content_type: String,
    /// Lifetime in minutes; 60 by default.
    #[schema(minimum = 1, maximum = 1440)]
    expires_in_minutes: Option<f64>,
}

/// The request in terms of the service.
#[derive(Debug)]
pub(super) enum UrlRequest {
    /// A link to a file.
    Read(FileId, LinkRequest),
    /// A link to send a file to.
    Upload(Box<UploadRequest>),
}

impl UrlBody {
    /// Converts the request; fields of other actions are ignored.
    pub(super) fn into_request(self) -> Result<UrlRequest, Problem> {
        let lifetime = lifetime(self.expires_in_minutes)?;
        let link = |action| {
            let file = present("fileId", self.file_id.as_deref())?;
            let expires_in = Some(lifetime);
            Ok(UrlRequest::Read(
                file_id_of(file),
                LinkRequest { action, expires_in },
            ))
        };
        match self.action.unwrap_or_default() {
            ActionBody::View => link(LinkAction::View),
            ActionBody::Download => link(LinkAction::Download),
            ActionBody::Upload => {
                let filename = present("fileName", self.file_name.as_deref())?;
                let filename = Filename::parse(filename)
                    .map_err(|error| Problem::invalid_field("fileName", error.to_string()))?;
                let content_type = content_type(self.content_type.as_deref())?;
                Ok(UrlRequest::Upload(Box::new(UploadRequest {
                    expires_in: Some(lifetime),
                    // Its clients do not complete uploads.
                    through_service: true,
                    ..UploadRequest::new(filename, content_type)
                })))
            }
        }
    }
}

fn present<'t>(field: &str, text: Option<&'t str>) -> Result<&'t str, Problem> {
    match text {
        Some("") => Err(Problem::invalid_field(field, "is empty")),
        Some(text) => Ok(text),
        None => Err(Problem::invalid_field(field, "is missing")),
    }
}

/// Reads the declared type. A browser's `File` has an empty one if it knows none.
fn content_type(text: Option<&str>) -> Result<MediaType, Problem> {
    match text {
        Some("") => Ok(MediaType::OCTET_STREAM),
        text => {
            let text = present("contentType", text)?;
            MediaType::parse(text)
                .map_err(|error| Problem::invalid_field("contentType", error.to_string()))
        }
    }
}

/// Reads the lifetime. The page has a number that need not be whole; links live for whole seconds.
fn lifetime(minutes: Option<f64>) -> Result<Duration, Problem> {
    let minutes = minutes.unwrap_or(60.0);
    if !(1.0..=MAX_MINUTES).contains(&minutes) {
        let detail = "must be between 1 and 1440";
        return Err(Problem::invalid_field("expiresInMinutes", detail));
    }
    let exact = Duration::from_secs_f64(minutes * MINUTE_SECONDS);
    Ok(Duration::from_secs(exact.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_become_whole_seconds_up_to_a_day() {
        for (minutes, seconds) in [
            (None, 3600),
            (Some(1.0), 60),
            (Some(1.5), 90),
            (Some(2.026), 121),
            (Some(1440.0), 86_400),
        ] {
            let found = lifetime(minutes).unwrap();
            assert_eq!(found, Duration::from_secs(seconds), "{minutes:?}");
        }
        for wrong in [0.0, 0.999, -1.0, 1440.1, 1e300, f64::NAN, f64::INFINITY] {
            assert!(lifetime(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
