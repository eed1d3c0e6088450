//! What flexportal reads.

use std::time::Duration;

use attache_model::{FileId, Filename, MediaType};
use attache_service::{LinkAction, LinkRequest, UploadRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::route::file_id;

const MINUTE_SECONDS: f64 = 60.0;
const MAX_MINUTES: f64 = 1440.0;

/// What a URL is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = flexportal::Action)]
pub(super) enum ActionBody {
    /// See the file in place, where its type allows; else save it.
    #[default]
    View,
    /// Save the file.
    Download,
    /// Send a new file.
    Upload,
}

/// The URL to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = flexportal::NewUrl)]
pub(super) struct UrlBody {
    /// What it is for; `view` by default.
    #[schema(inline)]
    action: Option<ActionBody>,
    /// The file to view or download.
    #[schema(min_length = 1)]
    file_id: Option<String>,
    /// The name of the file to upload.
    #[schema(min_length = 1)]
    file_name: Option<String>,
    /// The type of the file to upload; empty where it is not known.
    content_type: Option<String>,
    /// How many minutes it is to hold, 1 to 1440; 60 by default.
    #[schema(minimum = 1, maximum = 1440)]
    expires_in_minutes: Option<f64>,
}

/// What is asked for, in the native API's words.
#[derive(Debug)]
pub(super) enum UrlRequest {
    /// A link to a file.
    Read(FileId, LinkRequest),
    /// A link to send a file to.
    Upload(Box<UploadRequest>),
}

impl UrlBody {
    /// What it asks for; fields of another action are not looked at.
    pub(super) fn into_request(self) -> Result<UrlRequest, Problem> {
        let lifetime = lifetime(self.expires_in_minutes)?;
        let link = |action| {
            let file = present("fileId", self.file_id.as_deref())?;
            let expires_in = Some(lifetime);
            Ok(UrlRequest::Read(
                file_id(file),
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
                    // Its clients complete nothing.
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

/// The promised type. A browser's `File` has an empty one where it knows none.
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

/// The page has a number there, and not a whole one; links hold for whole seconds.
fn lifetime(minutes: Option<f64>) -> Result<Duration, Problem> {
    let minutes = minutes.unwrap_or(60.0);
    if !(1.0..=MAX_MINUTES).contains(&minutes) {
        let detail = "is not between 1 and 1440";
        return Err(Problem::invalid_field("expiresInMinutes", detail));
    }
    let exact = Duration::from_secs_f64(minutes * MINUTE_SECONDS);
    Ok(Duration::from_secs(exact.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_whole_seconds_of_a_day_at_most() {
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
