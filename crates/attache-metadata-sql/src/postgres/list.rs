//! Lists in Postgres's words.

use attache_metadata::{PAGE_TEXT_BYTES, SortField, StateFilter};
use sqlx::PgConnection;

use crate::columns::FILE_COLUMNS;
use crate::list::{
    self, Leading, ListPlan, Lists, SCAN_BUDGET, direction, residual_terms, walk_terms,
};
use crate::session::Statement;

impl Lists for PgConnection {
    fn records<'p>(plan: &'p ListPlan<'_>) -> Statement<'p> {
        let column = sort_column(plan.field);
        // A number in the text, not a parameter: the planner must know that it is small.
        let limit = plan.limit + 1;
        let columns = format!("{FILE_COLUMNS}, files.{column} AS sort_value");
        let mut statement = walk(plan, &columns, limit, plan.is_residual());
        statement.push(&format!(" LIMIT {limit}"));
        bound_text(&mut statement, direction(plan.direction));
        statement
    }

    fn stop<'p>(plan: &'p ListPlan<'_>) -> Statement<'p> {
        let column = sort_column(plan.field);
        let columns = format!("files.{column} AS sort_value, files.id");
        let mut statement = walk(plan, &columns, SCAN_BUDGET, false);
        statement.push(&format!(" LIMIT 1 OFFSET {}", SCAN_BUDGET - 1));
        statement
    }
}

/// Ends a walk one record behind the text that fills a page. The lengths are known without reading the texts
/// themselves, which the server keeps apart from the rows where they are long.
fn bound_text(statement: &mut Statement<'_>, direction: &str) {
    statement.sql = format!(
        "SELECT * FROM (SELECT walk.*, coalesce(sum(octet_length(walk.name) \
            + octet_length(walk.filename) + coalesce(octet_length(walk.description), 0) \
            + octet_length(walk.key)) \
            OVER (ORDER BY walk.sort_value {direction}, walk.id {direction} \
                ROWS BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING), 0) AS text_before \
        FROM ({}) AS walk) AS page WHERE text_before < {PAGE_TEXT_BYTES} \
        ORDER BY page.sort_value {direction}, page.id {direction}",
        statement.sql
    )
    .into();
}

/// Returns the column an order sorts by. Numbers have one of their own here, which is in no other
/// index.
const fn sort_column(field: SortField) -> &'static str {
    match field {
        SortField::Seq => "number",
        other => list::sort_column(other),
    }
}

/// Makes the walk without its limit: over active records, archived ones, or the merge of both, in
/// order, each with `limit` entries at most.
///
/// Residual filters are kept outside of the walk by `OFFSET 0`, or the planner would look for another
/// index by them; and each walk asks for what only its own index holds in order, see the schema.
fn walk<'p>(plan: &'p ListPlan<'_>, columns: &str, limit: u32, is_filtered: bool) -> Statement<'p> {
    let mut statement = Statement::new("");
    let column = sort_column(plan.field);
    let condition = walk_terms(&mut statement, plan, column);
    let direction = direction(plan.direction);
    let order = format!("ORDER BY files.{column} {direction}, files.id {direction}");
    let archived_column = match plan.leading {
        Leading::Tenant => "archived_of_all",
        _ => "archived",
    };
    let filters = if is_filtered {
        residual_terms(&mut statement, plan, "")
    } else {
        String::new()
    };
    let arm = |archived: bool| {
        let condition = format!("{archived_column} = {archived} AND {condition}");
        let source = if is_filtered {
            format!(
                "(SELECT * FROM files WHERE {condition} {order} OFFSET 0) AS files \
                WHERE true{filters}"
            )
        } else {
            format!("files WHERE {condition}")
        };
        format!("(SELECT {columns} FROM {source} {order} LIMIT {limit})")
    };
    let arms = match plan.states {
        StateFilter::Active => arm(false),
        StateFilter::Archived => arm(true),
        StateFilter::Any => format!("{} UNION ALL {}", arm(false), arm(true)),
    };
    statement.push(&format!(
        "SELECT * FROM ({arms}) AS walk \
        ORDER BY walk.sort_value {direction}, walk.id {direction}"
    ));
    statement
}

#[cfg(test)]
mod tests;
