//! Lists of records, page by page: one walk of one index, or the merge of two.

mod order;
mod plan;
mod terms;

#[cfg(any(feature = "sqlite", test))]
pub(crate) use order::index;
#[cfg(test)]
pub(crate) use order::position;
pub(crate) use order::sort_column;
#[cfg(feature = "postgres")]
pub(crate) use plan::Leading;
pub(crate) use plan::{ListPlan, SCAN_BUDGET};
pub(crate) use terms::{direction, residual_terms, walk_terms};

use attache_metadata::{
    FilePage, FileQuery, PAGE_TEXT_BYTES, PageKey, PageRequest, SortField, text_bytes,
};
use attache_model::{FileRecord, TenantId};

use crate::columns::Columns;
use crate::failure::Failure;
use crate::rows;
use crate::session::{Session, Statement};

/// The two statements of a page, which each database's planner needs in words of its own.
pub(crate) trait Lists {
    /// Makes the statement that returns the records of a page and one more. Where the database sends rows that
    /// nobody asked for yet, the statement ends one record behind the text that fills a page.
    fn records<'p>(plan: &'p ListPlan<'_>) -> Statement<'p>;

    /// Makes the statement that returns the position at which a page stops looking, if the walk goes
    /// that far.
    fn stop<'p>(plan: &'p ListPlan<'_>) -> Statement<'p>;
}

/// Reads a page.
///
/// With residual filters the walk is bounded by position, which is found first: a bound by count
/// would be another position when a record goes between the two statements, and skip records.
pub(crate) async fn page<S: Session + Lists>(
    session: &mut S,
    tenant: TenantId,
    query: &FileQuery,
    page: &PageRequest,
) -> Result<FilePage, Failure> {
    let field = query.sort.field;
    if let Some(after) = &page.after
        && !order::is_in_order(after, field)
    {
        return Err(Failure::Position);
    }
    let mut plan = ListPlan::new(tenant, query, page);
    let mut stop = None;
    if plan.is_residual() {
        let read = move |row: &dyn Columns| order::position(row, field);
        stop = session.optional(S::stop(&plan), read).await?;
        if let Some(last) = &stop {
            plan.stop_at(last.clone());
        }
    }
    let mut filling = Filling::of(&plan);
    let read = |row: &dyn Columns| filling.take(row);
    let files = session.rows_while(S::records(&plan), read).await?;
    Ok(filling.page(files, stop, field))
}

/// A page that is being filled. It is full with so many records, or with so much text.
struct Filling {
    missing: u32,
    text_bytes: usize,
    /// True once a row came that the page had no room for.
    has_more: bool,
}

impl Filling {
    fn of(plan: &ListPlan<'_>) -> Self {
        Self {
            missing: plan.limit,
            text_bytes: 0,
            has_more: false,
        }
    }

    /// Reads the next record, if there is room for it.
    fn take(&mut self, row: &dyn Columns) -> Result<Option<FileRecord>, Failure> {
        if self.missing == 0 || self.text_bytes >= PAGE_TEXT_BYTES {
            self.has_more = true;
            return Ok(None);
        }
        let file = rows::file(row)?;
        self.missing -= 1;
        self.text_bytes += text_bytes(&file);
        Ok(Some(file))
    }

    /// Makes the page of the records that were taken; `stop` is where the walk ended before its end.
    fn page(self, files: Vec<FileRecord>, stop: Option<PageKey>, field: SortField) -> FilePage {
        let next = if self.has_more {
            files.last().map(|last| PageKey::of(last, field))
        } else {
            stop
        };
        FilePage { files, next }
    }
}

#[cfg(test)]
pub(crate) mod samples;
