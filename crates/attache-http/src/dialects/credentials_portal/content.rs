//! The URLs of bytes in the credentials portal, and the files that they identify.

use std::fmt;

use attache_model::{Context, FileId, FileRecord, Filename, PersonIdentifier, PersonRef, to_nfc};
use attache_service::{Download, FileQuery, ListRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::names;
use crate::paths::encoded;
use crate::problem::Problem;
use crate::schema;
use crate::state::App;

/// The path of a file's bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ContentPath {
    /// The district: the key's tenant.
    #[param(value_type = schema::Slug)]
    pub(super) district: String,
    /// Identifier of the person the file is about.
    #[param(value_type = schema::Person)]
    pub(super) person: String,
    /// The filename with the file's ID inside, as in its `url`; or the bare filename.
    #[param(value_type = schema::PathFilename)]
    pub(super) filename: String,
}

/// Builds the path, percent-encoded.
impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "/files/{}/upload/{}/{}",
            encoded(&self.district),
            encoded(&self.person),
            encoded(&self.filename)
        )
    }
}

/// Opens the bytes of the file that the path identifies. A file that was assigned to another person has
/// another path.
///
/// # Errors
///
/// `not-found` if there is no such file, or if several have the bare filename.
pub(super) async fn open(app: &App, cx: &Context, path: &ContentPath) -> Result<Download, Problem> {
    let person = PersonIdentifier::parse(&path.person).map_err(|_| Problem::not_found())?;
    // A name with an ID is never taken for a bare filename: a URL always identifies the same file.
    let id = match names::id_in(&path.filename) {
        Some(id) => id,
        None => find_bare(app, cx, &person, &path.filename).await?,
    };
    // A key that may read bytes need not be allowed to read records, so the person is checked only now. A
    // file under inspection is reported as such for any person in the path.
    let download = app.service.open_download(cx, id, false).await?;
    if is_about(&download.record, &person) {
        Ok(download)
    } else {
        Err(Problem::not_found())
    }
}

/// Returns `true` if a file is about this person.
pub(super) fn is_about(file: &FileRecord, person: &PersonIdentifier) -> bool {
    let about = file.person.as_ref();
    about.is_some_and(|about| about.identifier == *person)
}

/// Finds the only file about a person that has this filename.
async fn find_bare(
    app: &App,
    cx: &Context,
    person: &PersonIdentifier,
    name: &str,
) -> Result<FileId, Problem> {
    let filename = Filename::parse(name).map_err(|_| Problem::not_found())?;
    if filename.as_str() != to_nfc(name) {
        return Err(Problem::not_found());
    }
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let request = ListRequest {
            person: Some(PersonRef::Identifier(person.clone())),
            query: FileQuery {
                filename: Some(filename.clone()),
                ..FileQuery::default()
            },
            limit: Some(2),
            cursor,
            ..ListRequest::default()
        };
        let list = app.service.list_files(cx, request).await?;
        found.extend(list.files.iter().map(|file| file.id));
        cursor = list.next_cursor;
        match (found.as_slice(), &cursor) {
            ([_, _, ..], _) | ([], None) => return Err(Problem::not_found()),
            ([only], None) => return Ok(*only),
            (_, Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::dialects::Dialects;
    use crate::router::Router;

    #[test]
    fn built_path_is_read_back() {
        let person = "naïve/..\\\"%?#".to_owned();
        let path = ContentPath {
            district: "xyz99".to_owned(),
            filename: format!("{person}.pdf"),
            person,
        };
        let built = path.to_string();
        assert!(built.is_ascii() && built.parse::<http::Uri>().is_ok());
        let router = Router::new(&Dialects::all());
        let (route, params) = router.find(&Method::GET, &built).unwrap();
        assert_eq!(route.info.name, "credentials_portal_read_content");
        let read: ContentPath = params.read().unwrap();
        assert_eq!(format!("{read:?}"), format!("{path:?}"));
    }
}
