//! The requests of participant-files.

use attache_model::{
    Category, ObjectKey, PersonId, PersonIdentifier, PersonRef, Timestamp, to_nfc,
};
use attache_service::{FileQuery, ListRequest};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::native::list::bound;
use crate::problem::Problem;
use crate::schema;
use crate::wire::query::{parsed, parsed_with};

/// The number of files on a page, by default and at most.
const PAGE_FILES: u32 = 100;

/// The path of a project. The slug is checked on admission.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path to the OpenAPI document")]
pub(super) struct ProjectPath {
    /// The project: the key's tenant.
    #[param(value_type = schema::Slug)]
    slug: String,
}

/// The filters and page of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListQuery {
    /// Only files of the participant with this ID.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(rename = "participantID", deserialize_with = "parsed")]
    participant_id: Option<PersonId>,
    /// Only files of the participant with this identifier.
    #[param(value_type = Option<schema::Person>)]
    #[serde(deserialize_with = "parsed")]
    participant_identifier: Option<PersonIdentifier>,
    /// Only files in this category.
    #[param(value_type = Option<schema::Category>)]
    #[serde(deserialize_with = "parsed")]
    category: Option<Category>,
    /// Only files stored after this time or date.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(deserialize_with = "bound")]
    uploaded_after: Option<Timestamp>,
    /// Only files stored before this time or date.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(deserialize_with = "bound")]
    uploaded_before: Option<Timestamp>,
    /// Maximum number of files; 100 by default and at most.
    #[param(schema_with = page_size)]
    #[serde(deserialize_with = "limit")]
    limit: Option<u32>,
    /// The `nextPageID` of the previous page, with the same filters.
    #[param(value_type = Option<schema::Cursor>)]
    #[serde(rename = "pageID")]
    page_id: Option<String>,
}

impl ListQuery {
    /// Returns the page to list.
    pub(super) fn into_request(self, max_page_size: u32) -> Result<ListRequest, Problem> {
        let person = PersonRef::from_parts(self.participant_id, self.participant_identifier)
            .map_err(|_| {
                let detail = "is given beside participantIdentifier: give one of them";
                Problem::invalid_parameter("participantID", detail)
            })?;
        let page_files = PAGE_FILES.min(max_page_size);
        Ok(ListRequest {
            query: FileQuery {
                // A filter by person implies it.
                has_person: person.is_none().then_some(true),
                category: self.category,
                uploaded_after: self.uploaded_after,
                uploaded_before: self.uploaded_before,
                ..FileQuery::default()
            },
            person,
            limit: Some(self.limit.unwrap_or(page_files).min(page_files)),
            cursor: self.page_id,
            ..ListRequest::default()
        })
    }
}

/// Describes a number without an upper limit: the largest of any type would be a false one.
fn page_size() -> Object {
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    number.minimum(Some(1)).build()
}

/// Reads a whole number from 1. One that is too large counts as the largest.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    parsed_with(deserializer, |text| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_number.then(|| text.parse().unwrap_or(u32::MAX));
        number
            .filter(|number| *number > 0)
            .ok_or_else(|| "must be a whole number from 1".to_owned())
    })
}

/// The file to download.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DownloadQuery {
    /// Key of the file.
    #[param(value_type = schema::Key)]
    key: String,
}

impl DownloadQuery {
    pub(super) fn into_key(self) -> Result<ObjectKey, Problem> {
        if self.key.is_empty() {
            return Err(Problem::invalid_parameter("key", "is missing"));
        }
        Ok(ObjectKey::from_text(to_nfc(&self.key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::query::read_known;

    #[test]
    fn limit_above_the_maximum_is_the_maximum() {
        let read = |limit: &str, max_page_size| {
            let query = read_known::<ListQuery>(Some(&format!("limit={limit}"))).ok()?;
            query.into_request(max_page_size).ok()?.limit
        };
        for (text, limit) in [
            ("1", 1),
            ("100", 100),
            ("101", 100),
            ("4294967296", 100),
            ("99999999999999999999999", 100),
        ] {
            assert_eq!(read(text, 1000), Some(limit), "{text}");
        }
        assert_eq!(read("99", 50), Some(50));
        for (max_page_size, limit) in [(1000, 100), (50, 50)] {
            let request = ListQuery::default().into_request(max_page_size).unwrap();
            assert_eq!(request.limit, Some(limit));
        }
        for wrong in ["", "0", "-1", "%2B1", "ten", "1.0"] {
            assert_eq!(read(wrong, 1000), None, "{wrong}");
        }
    }
}
