//! Lists in SQLite's words.

use attache_metadata::StateFilter;

use super::session::SqliteSession;
use crate::columns::FILE_COLUMNS;
use crate::list::{
    ListPlan, Lists, SCAN_BUDGET, direction, index, residual_terms, sort_column, walk_terms,
};
use crate::session::Statement;

impl Lists for SqliteSession {
    fn records<'p>(plan: &'p ListPlan<'_>) -> Statement<'p> {
        let mut statement = walk(plan, FILE_COLUMNS, true);
        let limit = statement.parameter(i64::from(plan.limit) + 1);
        statement.push(&format!(" LIMIT {limit}"));
        statement
    }

    fn stop<'p>(plan: &'p ListPlan<'_>) -> Statement<'p> {
        let columns = format!("files.{}, files.id", sort_column(plan.field));
        let mut statement = walk(plan, &columns, false);
        statement.push(&format!(" LIMIT 1 OFFSET {}", SCAN_BUDGET - 1));
        statement
    }
}

/// Makes the walk without its limit: over active records, archived ones, or the merge of both.
fn walk<'p>(plan: &'p ListPlan<'_>, columns: &str, is_filtered: bool) -> Statement<'p> {
    let mut statement = Statement::new("");
    let column = sort_column(plan.field);
    let mut condition = walk_terms(&mut statement, plan, column);
    if is_filtered {
        // The unary `+` keeps SQLite from seeking by the filter.
        condition.push_str(&residual_terms(&mut statement, plan, "+"));
    }
    // Named in the statement: SQLite refuses a walk that the index does not have, rather than scan.
    let index = index(plan);
    let arm = |archived: bool| {
        format!(
            "SELECT {columns} FROM files INDEXED BY {index} \
            WHERE archived = {archived} AND {condition}"
        )
    };
    let walk = match plan.states {
        StateFilter::Active => arm(false),
        StateFilter::Archived => arm(true),
        StateFilter::Any => format!("{} UNION ALL {}", arm(false), arm(true)),
    };
    let direction = direction(plan.direction);
    let order = format!(" ORDER BY files.{column} {direction}, files.id {direction}");
    statement.push(&walk);
    statement.push(&order);
    statement
}

#[cfg(test)]
mod tests;
