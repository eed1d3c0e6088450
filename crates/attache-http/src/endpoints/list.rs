//! `GET /v1/files`: records by pages.

use attache_model::{
    FileSeq, Filename, MediaType, PersonId, PersonIdentifier, PersonRef, Sha256Digest, Timestamp,
};
use attache_service::{FileQuery, ListRequest, Sort, SortDirection, SortField, StateFilter};
use http::header::LINK;
use http::{HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Answer;
use crate::Route;
use crate::app::App;
use crate::call::Call;
use crate::problem::Problem;
use crate::response::json;
use crate::views::FileListView;
use crate::wire::query::{QueryError, StrictQuery};

/// List files.
///
/// Pages hold every record exactly once that was there before the first page was asked for and did
/// not change its place in the order. A page may be shorter than its limit and still have a next one:
/// go by `next_cursor`.
#[utoipa::path(
    get, path = "/v1/files", operation_id = "list_files", tag = "files",
    params(
        ("person" = Option<String>, Query, description = "Only files about the person with this identifier"),
        ("person_id" = Option<String>, Query, description = "Only files about the person with this id", format = Uuid),
        ("has_person" = Option<bool>, Query, description = "Only files that are about somebody, or only those about nobody"),
        ("category" = Option<String>, Query, description = "Only files in this category"),
        ("used" = Option<bool>, Query, description = "Only files that are claimed, or only free ones"),
        ("state" = Option<String>, Query, description = "`active` (default), `archived` or `any`"),
        ("uploaded_after" = Option<String>, Query, description = "Only files stored after this time or date", format = DateTime),
        ("uploaded_before" = Option<String>, Query, description = "Only files stored before this time or date", format = DateTime),
        ("content_type" = Option<String>, Query, description = "Only files of this type, under any of its names and with whatever parameters"),
        ("sha256" = Option<String>, Query, description = "Only files with these bytes"),
        ("filename" = Option<String>, Query, description = "Only files with this filename"),
        ("name" = Option<String>, Query, description = "Only files whose name begins so"),
        ("sort" = Option<String>, Query, description = "`created_at`, `name`, `size_bytes` or `seq`, with `-` in front for descending; `-created_at` by default"),
        ("limit" = Option<u32>, Query, description = "At most how many records, 1 to 1000; 100 by default", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before, with the same filters"),
        ("after_seq" = Option<i64>, Query, description = "Begin behind the file with this `seq`, in the order asked for; instead of a cursor"),
    ),
    responses(
        (status = 200, description = "One page", body = FileListView, headers(("Link" = String, description = "`rel=\"next\"` where there is a next page"))),
        (status = 400, description = "A parameter or the cursor is not right"),
        (status = 401, description = "No valid API key"),
        (status = 403, description = "The key lacks `files:read`"),
    ),
    security(("api_key" = []))
)]
pub(crate) async fn list_files(app: &App, call: Call) -> Answer {
    let cx = call.head.authenticate(app).await?;
    let request = read_request(
        StrictQuery::parse(call.head.query())?,
        app.service.limits().max_page_size,
    )?;
    let list = app.service.list_files(&cx, request).await;
    let list = list.map_err(Problem::in_query)?;
    let mut response = json(StatusCode::OK, &FileListView::from(&list))?;
    if let Some(cursor) = &list.next_cursor {
        let pairs = StrictQuery::parse(call.head.query())?.into_pairs();
        let next = next_url(app, &pairs, cursor);
        if let Ok(value) = HeaderValue::try_from(format!("<{next}>; rel=\"next\"")) {
            response.headers_mut().insert(LINK, value);
        }
    }
    Ok(response)
}

fn read_request(mut query: StrictQuery, max_page_size: u32) -> Result<ListRequest, Problem> {
    let person_id = query.take_parsed::<PersonId>("person_id")?;
    let identifier = query.take_parsed::<PersonIdentifier>("person")?;
    let person = PersonRef::from_parts(person_id, identifier)
        .map_err(|error| Problem::invalid_parameter("person", error.to_string()))?;
    let filter = FileQuery {
        person: None,
        has_person: query.take_bool("has_person")?,
        category: query.take_parsed("category")?,
        used: query.take_bool("used")?,
        state: take_with(&mut query, "state", parse_state)?.unwrap_or_default(),
        uploaded_after: take_with(&mut query, "uploaded_after", parse_bound)?,
        uploaded_before: take_with(&mut query, "uploaded_before", parse_bound)?,
        content_type: take_with(&mut query, "content_type", parse_type)?,
        sha256: query.take_parsed::<Sha256Digest>("sha256")?,
        filename: take_with(&mut query, "filename", parse_filename)?,
        name_prefix: query.take("name").filter(|prefix| !prefix.is_empty()),
        sort: take_with(&mut query, "sort", parse_sort)?.unwrap_or_default(),
    };
    let limit = query.take_integer("limit", 1..=max_page_size)?;
    let cursor = query.take("cursor");
    let after_seq = query.take_integer("after_seq", i64::MIN..=i64::MAX)?;
    query.finish()?;
    Ok(ListRequest {
        person,
        query: filter,
        limit,
        cursor,
        after_seq: after_seq.map(FileSeq::new),
    })
}

/// Takes a value with a reader of its own; what it says completes the sentence.
pub(crate) fn take_with<T>(
    query: &mut StrictQuery,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, QueryError> {
    let text = query.take(name);
    text.map(|text| parse(&text).map_err(|problem| QueryError::new(name, problem)))
        .transpose()
}

fn parse_state(text: &str) -> Result<StateFilter, String> {
    match text {
        "active" => Ok(StateFilter::Active),
        "archived" => Ok(StateFilter::Archived),
        "any" => Ok(StateFilter::Any),
        _ => Err("is none of active, archived, any".to_owned()),
    }
}

/// A time or a date that a list ends at. The `+` of an offset reads as a space where it was not encoded.
pub(crate) fn parse_bound(text: &str) -> Result<Timestamp, String> {
    let offset_at = text.len().checked_sub("+00:00".len());
    let parts = offset_at.and_then(|at| text.split_at_checked(at));
    let spaced = parts.and_then(|(time, offset)| Some((time, offset.strip_prefix(' ')?)));
    let meant = spaced.map(|(time, offset)| format!("{time}+{offset}"));
    let parsed = Timestamp::parse_bound(meant.as_deref().unwrap_or(text));
    parsed.map_err(|error| format!("is refused: {error}"))
}

fn parse_type(text: &str) -> Result<MediaType, String> {
    MediaType::parse(text).map_err(|error| format!("is refused: {error}"))
}

fn parse_filename(text: &str) -> Result<Filename, String> {
    Filename::parse(text).map_err(|error| format!("is refused: {error}"))
}

fn parse_sort(text: &str) -> Result<Sort, String> {
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
            return Err(
                "is none of created_at, name, size_bytes, seq, each with or without -".to_owned(),
            );
        }
    };
    Ok(Sort { field, direction })
}

/// The URL of the next page: this one's filters with another cursor.
fn next_url(app: &App, pairs: &[(String, String)], cursor: &str) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let begin = ["cursor", "after_seq"];
    let kept = pairs
        .iter()
        .filter(|(name, _)| !begin.contains(&name.as_str()));
    let kept = kept.map(|(name, value)| format!("{}={}&", encode(name), encode(value)));
    let kept: String = kept.collect();
    format!(
        "{}?{kept}cursor={}",
        app.public_url.to(&Route::Files),
        encode(cursor)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_that_reads_as_a_space_is_still_an_offset() {
        let noon = parse_bound("2026-01-31T12:00:00Z").unwrap();
        for text in ["2026-01-31T14:00:00+02:00", "2026-01-31T14:00:00 02:00"] {
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
