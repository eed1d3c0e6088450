//! Lists of records, page by page.

use attache_metadata::{FilePage, FileQuery, PageKey, PageRequest, Sort, SortDirection, SortField};
use attache_model::{Context, FileRecord, FileSeq, InvalidValue, PersonRef, Timestamp};
use attache_signing::{open_cursor, seal_cursor};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

/// The description of one page of a list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only files about this person, or `None`. An unknown person has no files; none is registered.
    pub person: Option<PersonRef>,
    /// The other filters and the order. Its `person` is set from the field above.
    pub query: FileQuery,
    /// The maximum number of records; `None` for [`Limits::default_page_size`](attache_model::Limits::default_page_size).
    pub limit: Option<u32>,
    /// The `next_cursor` of the previous page; `None` for the first page.
    pub cursor: Option<String>,
    /// Start after the record with this number, in the requested order; an alternative to a cursor.
    pub after_seq: Option<FileSeq>,
}

/// One page of records.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    /// The records: at most the limit, perhaps fewer even if more follow.
    pub files: Vec<FileRecord>,
    /// The cursor of the next page; `None` at the end. Opaque, and valid for the same tenant, filters
    /// and order only.
    pub next_cursor: Option<String>,
    /// The cursor behind this page, at the end of the list too: used later, it returns what was stored since.
    /// Only in ascending order of creation times or of numbers, in which new records come last; `None` in
    /// other orders, and if the list is about a person who is not known.
    pub resume_cursor: Option<String>,
}

impl FileService {
    /// Returns one page of records.
    ///
    /// Every record that was committed before the first page and keeps its sort value appears exactly
    /// once over all pages. Records that are committed later may appear.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `InvalidCursor`; `Invalid` for a limit that is out of bounds, and for an
    /// `after_seq` that is given together with a cursor, or that is no record's number in any order but
    /// that of the numbers.
    pub async fn list_files(
        &self,
        cx: &Context,
        request: ListRequest,
    ) -> Result<FileList, ServiceError> {
        authorise(cx, Action::List)?;
        let limit = self.page_limit(request.limit)?;
        let mut query = request.query;
        if let Some(person) = &request.person {
            match self.parts.repository.find_person(cx, person).await? {
                Some(person) => query.person = Some(person.id),
                // An empty list issues no cursors.
                None if request.cursor.is_some() => return Err(ServiceError::InvalidCursor),
                None => return Ok(FileList::default()),
            }
        }
        let binding = cursor_binding(cx, &query);
        let after = match (request.cursor, request.after_seq) {
            (None, None) => None,
            (Some(cursor), None) => Some(self.open_position(&binding, &cursor, &query)?),
            (None, Some(seq)) => Some(self.find_position(cx, seq, &query).await?),
            (Some(_), Some(_)) => {
                return Err(
                    InvalidValue::new("after_seq", "is given together with a cursor").into(),
                );
            }
        };
        let page = PageRequest { limit, after };
        let found = self.parts.repository.list_files(cx, &query, &page).await?;
        let resume = resume_position(query.sort, &found, page.after);
        let ring = self.parts.key_ring.current();
        let seal = |position: PageKey| seal_cursor(&ring, &binding, &position.to_bytes());
        Ok(FileList {
            next_cursor: found.next.map(seal),
            resume_cursor: resume.map(seal),
            files: found.files,
        })
    }

    fn page_limit(&self, requested: Option<u32>) -> Result<u32, ServiceError> {
        let limits = &self.parts.limits;
        let limit = requested.unwrap_or(limits.default_page_size);
        if (1..=limits.max_page_size).contains(&limit) {
            return Ok(limit);
        }
        let problem = format!("is not between 1 and {}", limits.max_page_size);
        Err(InvalidValue::new("limit", problem).into())
    }

    fn open_position(
        &self,
        binding: &[u8],
        cursor: &str,
        query: &FileQuery,
    ) -> Result<PageKey, ServiceError> {
        let payload = open_cursor(&self.parts.key_ring.current(), binding, cursor);
        let payload = payload.map_err(|_| ServiceError::InvalidCursor)?;
        PageKey::from_bytes(&payload, query.sort.field).map_err(|_| ServiceError::InvalidCursor)
    }

    /// Returns the position of the record with this number. In the order of numbers, the record does not
    /// have to exist any more.
    async fn find_position(
        &self,
        cx: &Context,
        seq: FileSeq,
        query: &FileQuery,
    ) -> Result<PageKey, ServiceError> {
        let field = query.sort.field;
        if field == SortField::Seq {
            return Ok(PageKey::after_seq(seq, query.sort.direction));
        }
        let found = self.parts.repository.find_file_by_seq(cx, seq).await?;
        let unknown = || InvalidValue::new("after_seq", "is the number of no file");
        let file = found.ok_or_else(unknown)?;
        Ok(PageKey::of(&file.record, field))
    }
}

/// Returns the position behind a page that began after another, if new records come behind it.
fn resume_position(sort: Sort, page: &FilePage, after: Option<PageKey>) -> Option<PageKey> {
    let start = match (sort.direction, sort.field) {
        (SortDirection::Ascending, SortField::CreatedAt) => {
            PageKey::before_time(Timestamp::from_millis(0))
        }
        (SortDirection::Ascending, SortField::Seq) => {
            PageKey::after_seq(FileSeq::new(0), SortDirection::Ascending)
        }
        (SortDirection::Ascending, SortField::Name | SortField::SizeBytes)
        | (SortDirection::Descending, _) => return None,
    };
    let last = page.files.last().map(|last| PageKey::of(last, sort.field));
    page.next.clone().or(last).or(after).or(Some(start))
}

/// The bytes that a cursor is bound to: tenant, filters and order.
fn cursor_binding(cx: &Context, query: &FileQuery) -> Vec<u8> {
    let mut binding = cx.tenant().get().to_be_bytes().to_vec();
    binding.extend(query.fingerprint());
    binding
}
