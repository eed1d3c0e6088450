//! Reading records by pages.

use attache_metadata::{FilePage, FileQuery, PageKey, PageRequest, SortField};
use attache_model::{Context, FileRecord, FileSeq, InvalidValue, PersonRef};
use attache_signing::{open_cursor, seal_cursor};

use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

/// How much text the descriptions of one page may have together, in bytes.
const PAGE_TEXT_BYTES: usize = 512 << 10;

/// What to list, and which page of it.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only files about this person. One who is unknown has none; a filter registers nobody.
    pub person: Option<PersonRef>,
    /// The other filters and the order. Its `person` is set from the one above.
    pub query: FileQuery,
    /// At most how many records; `None` for the default.
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before; `None` for the first page.
    pub cursor: Option<String>,
    /// Begin behind the record with this number, in the order asked for; instead of a cursor.
    pub after_seq: Option<FileSeq>,
}

/// One page of records.
#[derive(Debug, Clone, Default)]
pub struct FileList {
    /// The records, at most the limit, perhaps fewer even where more follow.
    pub files: Vec<FileRecord>,
    /// What to ask for next; `None` at the end. Opaque, and bound to the tenant and the filters.
    pub next_cursor: Option<String>,
}

impl FileService {
    /// Reads one page of records. Paging through shows every record exactly once that was there
    /// before the first page and did not change its place in the order.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `InvalidCursor`; `Invalid` for a limit out of bounds, and for a number to
    /// begin behind that stands beside a cursor or is no record's where the order goes by something
    /// else.
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
                // There is no list to be in the middle of.
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
                return Err(InvalidValue::new("after_seq", "stands beside a cursor").into());
            }
        };
        let page = PageRequest { limit, after };
        let page = self.parts.repository.list_files(cx, &query, &page).await?;
        let FilePage { files, next } = shorten(page, query.sort.field);
        let next_cursor =
            next.map(|position| seal_cursor(&self.parts.key_ring, &binding, &position.to_bytes()));
        Ok(FileList { files, next_cursor })
    }

    fn page_limit(&self, asked: Option<u32>) -> Result<u32, ServiceError> {
        let limits = &self.parts.limits;
        let limit = asked.unwrap_or(limits.default_page_size);
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
        let payload = open_cursor(&self.parts.key_ring, binding, cursor);
        let payload = payload.map_err(|_| ServiceError::InvalidCursor)?;
        PageKey::from_bytes(&payload, query.sort.field).map_err(|_| ServiceError::InvalidCursor)
    }

    /// The position of the record with this number. In the order of numbers it is known even where
    /// there is no such record any more.
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

/// Ends a page early where its records carry much text, so that a page's size is bounded whatever
/// stands in them.
fn shorten(page: FilePage, sorted_by: SortField) -> FilePage {
    let FilePage {
        mut files,
        mut next,
    } = page;
    let mut text_bytes = 0;
    let fitting = files.iter().take_while(|file| {
        text_bytes += file
            .description
            .as_ref()
            .map_or(0, |text| text.as_str().len());
        text_bytes <= PAGE_TEXT_BYTES
    });
    let kept = fitting.count().max(1);
    if kept < files.len() {
        files.truncate(kept);
        next = files.last().map(|last| PageKey::of(last, sorted_by));
    }
    FilePage { files, next }
}

/// What a cursor holds for: this tenant, these filters, this order.
fn cursor_binding(cx: &Context, query: &FileQuery) -> Vec<u8> {
    let mut binding = cx.tenant().get().to_be_bytes().to_vec();
    binding.extend(query.fingerprint());
    binding
}
