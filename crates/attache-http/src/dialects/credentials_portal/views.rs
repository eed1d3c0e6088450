//! What the credentials portal writes.

use attache_model::FileRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::names;
use super::route::{ContentRoute, Route};
use crate::PublicUrl;

/// A file about somebody.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = credentials_portal::File)]
pub(super) struct FileView {
    /// Its id.
    id: String,
    /// The district: the tenant's slug.
    district_id: String,
    /// Whom it is about, by the district's own identifier.
    person_id: String,
    /// What people read as its name.
    name: String,
    /// The name it was uploaded with.
    filename: String,
    /// What its bytes are.
    content_type: String,
    /// How many bytes it has.
    size: u64,
    /// Where its bytes are, for who has a key.
    #[schema(format = Uri)]
    url: String,
    /// When it was stored, in milliseconds since 1970.
    created_at: i64,
}

impl FileView {
    /// Files about nobody are not shown here; of one the person would read as empty.
    pub(super) fn new(file: &FileRecord, district: &str, public_url: &PublicUrl) -> Self {
        let person = file.person.as_ref();
        let person_id = person.map_or_else(String::new, |person| person.identifier.to_string());
        let content = Route::Content(ContentRoute {
            district: district.to_owned(),
            person: person_id.clone(),
            name: names::with_id(&file.filename, file.id),
        });
        Self {
            id: file.id.to_string(),
            district_id: district.to_owned(),
            person_id,
            name: file.name.to_string(),
            filename: file.filename.to_string(),
            content_type: file.content_type.to_string(),
            size: file.size_bytes,
            url: public_url.to(&content),
            created_at: file.created_at.as_millis(),
        }
    }
}

/// That a file was deleted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = credentials_portal::Deleted)]
pub(super) struct DeletedView {
    /// Always true.
    pub(super) ok: bool,
}
