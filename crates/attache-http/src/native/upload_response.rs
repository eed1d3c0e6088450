//! The response to an upload: the records of its files.

use attache_service::CommittedFile;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::views::UploadedFilesView;
use crate::answer::{Answer, json};
use crate::paths;
use crate::state::App;

/// Returns the response with the records, 200 if all of them existed.
pub(super) fn created(app: &App, files: &[CommittedFile]) -> Answer {
    let all_known = files.iter().all(|file| file.deduplicated);
    let status = if all_known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let mut response = json(status, &UploadedFilesView::from(files))?;
    if let [file] = files {
        let url = app.public_url.to(paths::file(file.record.id));
        if let Ok(location) = HeaderValue::try_from(url) {
            response.headers_mut().insert(LOCATION, location);
        }
    }
    Ok(response)
}
