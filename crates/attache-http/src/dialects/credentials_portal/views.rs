//! The responses of the credentials portal.

use attache_model::FileRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::content::ContentPath;
use super::names;
use crate::public_url::PublicUrl;
use crate::schema;

/// A file about a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = credentials_portal::File)]
pub(super) struct FileView {
    /// ID.
    #[schema(format = Uuid)]
    id: String,
    /// The district: the tenant's slug.
    #[schema(value_type = schema::Slug)]
    district_id: String,
    /// Identifier of the person the file is about.
    #[schema(value_type = schema::Person)]
    person_id: String,
    /// Display name.
    #[schema(value_type = schema::Name)]
    name: String,
    /// Name of the uploaded file.
    #[schema(value_type = schema::Filename)]
    filename: String,
    /// Type of the bytes.
    #[schema(value_type = schema::MediaType)]
    content_type: String,
    /// Size in bytes.
    size: u64,
    /// URL of the content; requires an API key.
    #[schema(format = Uri)]
    url: String,
    /// Time at which the file was stored, in milliseconds since 1970.
    #[schema(minimum = 0)]
    created_at: i64,
}

impl FileView {
    /// Returns the view of a file. Files without a person are not shown here; theirs would be empty.
    pub(super) fn new(file: &FileRecord, district: &str, public_url: &PublicUrl) -> Self {
        let person = file.person.as_ref();
        let person_id = person.map_or_else(String::new, |person| person.identifier.to_string());
        let content = ContentPath {
            district: district.to_owned(),
            person: person_id.clone(),
            filename: names::with_id(&file.filename, file.id),
        };
        Self {
            id: file.id.to_string(),
            district_id: district.to_owned(),
            person_id,
            name: file.name.to_string(),
            filename: file.filename.to_string(),
            content_type: file.content_type.to_string(),
            size: file.size_bytes,
            url: public_url.to(content),
            created_at: file.created_at.as_millis(),
        }
    }
}

/// Confirms a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = credentials_portal::Deleted)]
pub(super) struct DeletedView {
    /// Always true.
    pub(super) ok: bool,
}
