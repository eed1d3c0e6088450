//! Which file's bytes a URL of the credentials portal means.

use attache_model::{Context, FileId, FileRecord, Filename, PersonIdentifier, PersonRef};
use attache_service::{Download, FileQuery, ListRequest};

use super::names;
use super::route::ContentRoute;
use crate::app::App;
use crate::problem::Problem;

/// Opens the bytes of the one file that the URL means. A file that was given to another person has
/// another URL.
///
/// # Errors
///
/// `not-found` where there is none, or where a bare filename is that of several.
pub(super) async fn open(
    app: &App,
    cx: &Context,
    route: &ContentRoute,
) -> Result<Download, Problem> {
    let person = PersonIdentifier::parse(&route.person).map_err(|_| Problem::not_found())?;
    // A name with an id never means a file of that very name: what a URL once meant, nothing else
    // takes its place.
    let id = match names::id_in(&route.name) {
        Some(id) => id,
        None => find_bare(app, cx, &person, &route.name).await?,
    };
    // Whoever reads bytes need not be allowed to read records, so whom the file is about is seen only now.
    // A file that is being inspected is said to be, by whatever person it is asked for.
    let download = app.service.open_download(cx, id, false).await?;
    if is_about(&download.record, &person) {
        Ok(download)
    } else {
        Err(Problem::not_found())
    }
}

/// Whether a file is about this person.
pub(super) fn is_about(file: &FileRecord, person: &PersonIdentifier) -> bool {
    let about = file.person.as_ref();
    about.is_some_and(|about| about.identifier == *person)
}

/// The only file about a person that has this filename.
async fn find_bare(
    app: &App,
    cx: &Context,
    person: &PersonIdentifier,
    name: &str,
) -> Result<FileId, Problem> {
    let filename = Filename::parse(name).map_err(|_| Problem::not_found())?;
    if filename.as_str() != name {
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
