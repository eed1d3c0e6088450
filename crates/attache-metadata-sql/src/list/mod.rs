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

use attache_metadata::{FilePage, FileQuery, PageRequest};
use attache_model::TenantId;

use crate::failure::Failure;
use crate::rows;
use crate::session::{Session, Statement};

/// The two statements of a page, which each database's planner needs in words of its own.
pub(crate) trait Lists {
    /// Makes the statement that returns the records of a page and one more.
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
        let read = move |row: &dyn crate::columns::Columns| order::position(row, field);
        stop = session.optional(S::stop(&plan), read).await?;
        if let Some(last) = &stop {
            plan.stop_at(last.clone());
        }
    }
    let files = session.rows(S::records(&plan), rows::file).await?;
    Ok(plan.page(files, stop))
}

#[cfg(test)]
pub(crate) mod samples;
