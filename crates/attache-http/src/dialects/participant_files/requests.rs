//! What participant-files reads.

use attache_model::{ObjectKey, PersonId, PersonIdentifier, PersonRef};
use attache_service::{FileQuery, ListRequest};

use crate::endpoints::list::{parse_bound, take_with};
use crate::problem::Problem;
use crate::wire::query::StrictQuery;

/// How many files a page has, by default and at most.
const PAGE_FILES: u32 = 100;

/// What the list can be asked for.
const LIST_PARAMETERS: [&str; 7] = [
    "participantID",
    "participantIdentifier",
    "category",
    "uploadedAfter",
    "uploadedBefore",
    "limit",
    "pageID",
];

/// Reads which page of the list is wanted.
pub(super) fn read_list(query: Option<&str>, max_page_size: u32) -> Result<ListRequest, Problem> {
    let mut query = StrictQuery::parse_known(query, &LIST_PARAMETERS)?;
    let id = query.take_parsed::<PersonId>("participantID")?;
    let identifier = query.take_parsed::<PersonIdentifier>("participantIdentifier")?;
    let person = PersonRef::from_parts(id, identifier).map_err(|_| {
        let detail = "stands beside participantIdentifier: give one of them";
        Problem::invalid_parameter("participantID", detail)
    })?;
    let filter = FileQuery {
        // Whoever asks for somebody's files asks for nobody else's.
        has_person: person.is_none().then_some(true),
        category: query.take_parsed("category")?,
        uploaded_after: take_with(&mut query, "uploadedAfter", parse_bound)?,
        uploaded_before: take_with(&mut query, "uploadedBefore", parse_bound)?,
        ..FileQuery::default()
    };
    let limit = take_with(&mut query, "limit", parse_limit)?;
    let page_files = PAGE_FILES.min(max_page_size);
    Ok(ListRequest {
        person,
        query: filter,
        limit: Some(limit.map_or(page_files, |limit| limit.min(page_files))),
        cursor: query.take("pageID"),
        ..ListRequest::default()
    })
}

/// A whole number from 1, however large: what is too much is taken for the most.
fn parse_limit(text: &str) -> Result<u32, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Digits that do not fit are too many, and not wrong.
    let number = is_number.then(|| text.parse().unwrap_or(u32::MAX));
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "is not a whole number from 1".to_owned())
}

/// Reads which file is wanted.
pub(super) fn read_key(query: Option<&str>) -> Result<ObjectKey, Problem> {
    let key = StrictQuery::parse_known(query, &["key"])?.take("key");
    let key = key.filter(|key| !key.is_empty());
    key.map(ObjectKey::from_text)
        .ok_or_else(|| Problem::invalid_parameter("key", "is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_too_large_is_the_largest() {
        for (text, limit) in [
            ("1", 1),
            ("100", 100),
            ("101", 100),
            ("4294967296", 100),
            ("99999999999999999999999", 100),
        ] {
            let request = read_list(Some(&format!("limit={text}")), 1000).unwrap();
            assert_eq!(request.limit, Some(limit), "{text}");
        }
        assert_eq!(read_list(None, 1000).unwrap().limit, Some(100));
        assert_eq!(read_list(None, 50).unwrap().limit, Some(50));
        assert_eq!(read_list(Some("limit=99"), 50).unwrap().limit, Some(50));
        for wrong in ["", "0", "-1", "%2B1", "ten", "1.0"] {
            assert!(
                read_list(Some(&format!("limit={wrong}")), 1000).is_err(),
                "{wrong}"
            );
        }
    }
}
