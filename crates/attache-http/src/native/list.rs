//! `GET /v1/files`: records by pages.

use attache_model::{
    Category, Context, FileSeq, Filename, MediaType, PersonId, PersonIdentifier, PersonRef,
    Sha256Digest, Timestamp, to_nfc,
};
use attache_service::{FileQuery, ListRequest, Sort, SortDirection, SortField, StateFilter};
use http::header::LINK;
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use super::views::FileListView;
use crate::answer::{Answer, json};
use crate::call::Call;
use crate::paths;
use crate::problem::Problem;
use crate::schema;
use crate::state::App;
use crate::wire::query::{self, boolean, integer, parsed, parsed_with};

/// The filters, order and page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only files about the person with this identifier.
    #[param(value_type = Option<schema::Person>)]
    #[serde(deserialize_with = "parsed")]
    person: Option<PersonIdentifier>,
    /// Only files about the person with this ID.
    #[param(value_type = Option<String>, format = Uuid)]
    #[serde(deserialize_with = "parsed")]
    person_id: Option<PersonId>,
    /// Only files about a person, or only those about none.
    #[serde(deserialize_with = "boolean")]
    has_person: Option<bool>,
    /// Only files in this category.
    #[param(value_type = Option<schema::Category>)]
    #[serde(deserialize_with = "parsed")]
    category: Option<Category>,
    /// Only claimed files, or only unclaimed ones.
    #[serde(deserialize_with = "boolean")]
    used: Option<bool>,
    /// State of the files; `active` by default.
    #[param(value_type = Option<schema::StateFilter>)]
    state: Option<StateParam>,
    /// Only files stored after this time or date.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(deserialize_with = "bound")]
    uploaded_after: Option<Timestamp>,
    /// Only files stored before this time or date.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(deserialize_with = "bound")]
    uploaded_before: Option<Timestamp>,
    /// Only files of this type, under any of its names and with any parameters.
    #[param(value_type = Option<schema::MediaType>)]
    #[serde(deserialize_with = "media_type")]
    content_type: Option<MediaType>,
    /// Only files with these bytes.
    #[param(value_type = Option<schema::SentSha256>)]
    #[serde(deserialize_with = "parsed")]
    sha256: Option<Sha256Digest>,
    /// Only files with this filename.
    #[param(value_type = Option<schema::SentFilename>)]
    #[serde(deserialize_with = "parsed")]
    filename: Option<Filename>,
    /// Only files whose name begins with this.
    #[param(max_length = 255)]
    name: Option<String>,
    /// Order: `created_at`, `name`, `size_bytes` or `seq`, with a leading `-` for descending;
    /// `-created_at` by default.
    #[param(value_type = Option<schema::SortOrder>)]
    #[serde(deserialize_with = "sort")]
    sort: Option<Sort>,
    /// Maximum number of records, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "integer")]
    limit: Option<u32>,
    /// The `next_cursor` of the previous page, with the same filters; empty for the first page.
    #[param(value_type = Option<schema::SentCursor>)]
    cursor: Option<String>,
    /// Start behind the file with this `seq`, in the requested order; instead of a cursor.
    #[param(minimum = 0)]
    #[serde(deserialize_with = "integer")]
    after_seq: Option<i64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateParam {
    Active,
    Archived,
    Any,
}

/// The longest name, in bytes.
const NAME_BYTES: usize = 255;

/// The parameters that choose an order and a page: an empty one counts as absent, as generated clients and
/// HTML forms send it. An empty filter is refused: without it, the list would have other files.
const OPTIONAL_CONTROLS: &[&str] = &["state", "sort", "limit", "cursor", "after_seq"];

/// List files.
///
/// The pages contain every record exactly once that existed before the first page was requested and kept
/// its place in the order. A page may be shorter than its limit and still have a next one: go by
/// `next_cursor`.
#[utoipa::path(
    get, path = "/v1/files", tag = "files",
    params(ListQuery),
    responses(
        (status = 200, description = "One page", body = FileListView, headers(("Link" = String, description = "`rel=\"next\"` if there is a next page"))),
        (status = 400, description = "A parameter or the cursor is invalid"),
    )
)]
pub(super) async fn list_files(app: &App, cx: Context, call: Call) -> Answer {
    let max_page_size = app.service.limits().max_page_size;
    let query = call.query_without_empty::<ListQuery>(OPTIONAL_CONTROLS)?;
    let request = query.into_request(max_page_size)?;
    let list = app.service.list_files(&cx, request).await;
    let list = list.map_err(Problem::in_query)?;
    let mut response = json(StatusCode::OK, &FileListView::from(&list))?;
    if let Some(cursor) = &list.next_cursor {
        let next = next_url(app, &query::pairs(call.head.query())?, cursor);
        if let Ok(value) = HeaderValue::try_from(format!("<{next}>; rel=\"next\"")) {
            response.headers_mut().insert(LINK, value);
        }
    }
    Ok(response)
}

impl ListQuery {
    fn into_request(self, max_page_size: u32) -> Result<ListRequest, Problem> {
        let person = PersonRef::from_parts(self.person_id, self.person)
            .map_err(|error| Problem::invalid_parameter("person", error.to_string()))?;
        check_limit(self.limit, max_page_size)?;
        check_prefix(self.name.as_deref())?;
        let state = self.state.map(|state| match state {
            StateParam::Active => StateFilter::Active,
            StateParam::Archived => StateFilter::Archived,
            StateParam::Any => StateFilter::Any,
        });
        Ok(ListRequest {
            person,
            query: FileQuery {
                person: None,
                has_person: self.has_person,
                category: self.category,
                used: self.used,
                state: state.unwrap_or_default(),
                uploaded_after: self.uploaded_after,
                uploaded_before: self.uploaded_before,
                content_type: self.content_type,
                sha256: self.sha256,
                filename: self.filename,
                name_prefix: self.name.filter(|it| !it.is_empty()).map(|it| to_nfc(&it)),
                sort: self.sort.unwrap_or_default(),
            },
            limit: self.limit,
            cursor: self.cursor,
            after_seq: self.after_seq.map(FileSeq::new),
        })
    }
}

/// Refuses a `limit` of no record or of more than a page may have.
pub(crate) fn check_limit(limit: Option<u32>, max_page_size: u32) -> Result<(), Problem> {
    if limit.is_none_or(|limit| (1..=max_page_size).contains(&limit)) {
        return Ok(());
    }
    let detail = format!("must be a whole number from 1 to {max_page_size}");
    Err(Problem::invalid_parameter("limit", detail))
}

/// Refuses the beginning of a name that is longer than any name.
fn check_prefix(prefix: Option<&str>) -> Result<(), Problem> {
    if prefix.is_none_or(|prefix| prefix.len() <= NAME_BYTES) {
        return Ok(());
    }
    let detail = format!("may have at most {NAME_BYTES} bytes, as a name");
    Err(Problem::invalid_parameter("name", detail))
}

/// Reads a time or a date that bounds a list. The `+` of an offset reads as a space if the client did not
/// encode it.
pub(crate) fn bound<'de, D>(deserializer: D) -> Result<Option<Timestamp>, D::Error>
where
    D: Deserializer<'de>,
{
    parsed_with(deserializer, parse_bound)
}

fn parse_bound(text: &str) -> Result<Timestamp, String> {
    let spaced = text
        .split_once(' ')
        .filter(|(time, _)| time.contains(['T', 't']));
    let with_plus = spaced.map(|(time, offset)| format!("{time}+{offset}"));
    let parsed = Timestamp::parse_bound(with_plus.as_deref().unwrap_or(text));
    parsed.map_err(|error| format!("is invalid: {error}"))
}

fn media_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MediaType>, D::Error> {
    parsed_with(deserializer, |text| {
        MediaType::parse(text).map_err(|error| format!("is invalid: {error}"))
    })
}

fn sort<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Sort>, D::Error> {
    parsed_with(deserializer, |text| {
        let (direction, field) = match text.strip_prefix('-') {
            Some(field) => (SortDirection::Descending, field),
            None => (SortDirection::Ascending, text),
        };
        let field = match field {
            "created_at" => SortField::CreatedAt,
            "name" => SortField::Name,
            "size_bytes" => SortField::SizeBytes,
            "seq" => SortField::Seq,
            _ => {
                let known = "`created_at`, `name`, `size_bytes`, `seq`";
                return Err(format!(
                    "must be one of {known}, with or without a leading `-`"
                ));
            }
        };
        Ok(Sort { field, direction })
    })
}

/// Returns the URL of the next page: this one's filters with another cursor.
fn next_url(app: &App, pairs: &[(String, String)], cursor: &str) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let start = ["cursor", "after_seq"];
    let kept = pairs
        .iter()
        .filter(|(name, _)| !start.contains(&name.as_str()));
    let kept = kept.map(|(name, value)| format!("{}={}&", encode(name), encode(value)));
    let kept: String = kept.collect();
    let list = app.public_url.to(paths::FILES);
    format!("{list}?{kept}cursor={}", encode(cursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_may_be_as_long_as_a_name() {
        let of = |bytes: usize| check_prefix(Some(&"a".repeat(bytes)));
        assert!(of(255).is_ok());
        assert!(of(256).is_err());
    }

    #[test]
    fn unencoded_plus_of_an_offset_is_read() {
        let noon = parse_bound("2026-01-31T12:00:00Z").unwrap();
        for text in [
            "2026-01-31T14:00:00+02:00",
            "2026-01-31T14:00:00 02:00",
            "2026-01-31T14:00:00 0200",
            "2026-01-31T14:00 02",
        ] {
            assert_eq!(parse_bound(text).unwrap(), noon, "{text}");
        }
        for wrong in [
            "",
            " ",
            "+02:00",
            " 02:00",
            "2026-01-31 02:00",
            "2026-01-31T14:00:00  2:00",
            "2026-01-31T14:00:00é2:00",
        ] {
            assert!(parse_bound(wrong).is_err(), "{wrong}");
        }
    }
}
