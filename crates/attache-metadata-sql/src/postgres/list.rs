//! Lists in Postgres's words: one walk of one index, or the merge of two.

use attache_metadata::{
    FilePage, FileQuery, PageRequest, SortDirection, SortField, SortValue, StateFilter,
};
use attache_model::{MediaType, TenantId};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::decode;
use super::failure::Failure;
use crate::columns::FILE_COLUMNS;
use crate::listing::{Bound, Leading, ListPlan, Residual, SCAN_BUDGET, behind_prefix};
use crate::order::{self, is_in_order, position};

/// Answers a page.
///
/// With residual filters the walk is bounded by position, which is found first: a bound by count
/// would be another position when a record goes between the two statements, and skip records.
pub(super) async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    query: &FileQuery,
    page: &PageRequest,
) -> Result<FilePage, Failure> {
    if let Some(after) = &page.after
        && !is_in_order(after, query.sort.field)
    {
        return Err(Failure::Position);
    }
    if query
        .name_prefix
        .as_ref()
        .is_some_and(|it| it.contains('\0'))
    {
        // No stored text holds this character, and none may be sent with it.
        return Ok(FilePage::default());
    }
    let mut plan = ListPlan::new(tenant, query, page);
    let mut stop = None;
    if plan.is_residual() {
        let mut statement = of_stop(&plan, "");
        let found = statement.build().fetch_optional(&mut *connection).await?;
        stop = found
            .map(|row| position::<Failure>(&row, plan.field))
            .transpose()?;
        if let Some(last) = &stop {
            plan.stop_at(last.clone());
        }
    }
    let mut statement = of_records(&plan, "");
    let rows = statement.build().fetch_all(connection).await?;
    let files = rows.iter().map(decode::file).collect::<Result<_, _>>()?;
    Ok(plan.page(files, stop))
}

/// Asks for the records of a page and one more.
fn of_records(plan: &ListPlan<'_>, prefix: &str) -> QueryBuilder<Postgres> {
    let walk = Walk {
        plan,
        columns: format!(
            "{FILE_COLUMNS}, files.{} AS sort_value",
            sort_column(plan.field)
        ),
        // Numbers in the text, not parameters: the planner is to know that they are few.
        limit: plan.limit + 1,
        is_filtered: plan.is_residual(),
    };
    let mut statement = walk.statement(prefix);
    statement.push(format_args!(" LIMIT {}", walk.limit));
    statement
}

/// Asks for the position at which a page stops looking, if the walk goes that far.
fn of_stop(plan: &ListPlan<'_>, prefix: &str) -> QueryBuilder<Postgres> {
    let walk = Walk {
        plan,
        columns: format!("files.{} AS sort_value, files.id", sort_column(plan.field)),
        limit: SCAN_BUDGET,
        is_filtered: false,
    };
    let mut statement = walk.statement(prefix);
    statement.push(format_args!(" LIMIT 1 OFFSET {}", SCAN_BUDGET - 1));
    statement
}

/// The column an order sorts by. Numbers have one of their own here, which is in no other index.
const fn sort_column(field: SortField) -> &'static str {
    match field {
        SortField::Seq => "number",
        other => order::sort_column(other),
    }
}

/// What the statements of a page have in common.
struct Walk<'w> {
    plan: &'w ListPlan<'w>,
    columns: String,
    /// How many entries one walk answers, at most.
    limit: u32,
    is_filtered: bool,
}

impl Walk<'_> {
    /// Over active records, archived ones, or the merge of both, in order.
    fn statement(&self, prefix: &str) -> QueryBuilder<Postgres> {
        let mut statement = QueryBuilder::new(prefix);
        statement.push("SELECT * FROM (");
        match self.plan.states {
            StateFilter::Active => self.arm(&mut statement, false),
            StateFilter::Archived => self.arm(&mut statement, true),
            StateFilter::Any => {
                self.arm(&mut statement, false);
                statement.push(" UNION ALL ");
                self.arm(&mut statement, true);
            }
        }
        statement.push(format_args!(
            ") AS walk{}",
            self.order("walk", "sort_value")
        ));
        statement
    }

    /// One walk. Residual filters are kept outside of it by `OFFSET 0`, lest the planner look for
    /// another index by them; and each walk asks for what only its own index holds in order, see the
    /// schema.
    fn arm(&self, statement: &mut QueryBuilder<Postgres>, archived: bool) {
        let columns = &self.columns;
        let archived_column = match self.plan.leading {
            Leading::Tenant => "archived_of_all",
            _ => "archived",
        };
        let source = if self.is_filtered {
            "(SELECT * FROM files"
        } else {
            "files"
        };
        statement.push(format_args!(
            "(SELECT {columns} FROM {source} WHERE {archived_column} = {archived}"
        ));
        self.condition(statement);
        if self.is_filtered {
            statement.push(format_args!(
                "{} OFFSET 0) AS files WHERE true",
                self.order("files", sort_column(self.plan.field))
            ));
            for residual in &self.plan.residual {
                push_residual(statement, *residual);
            }
        }
        statement.push(format_args!(
            "{} LIMIT {})",
            self.order("files", sort_column(self.plan.field)),
            self.limit
        ));
    }

    fn order(&self, table: &str, column: &str) -> String {
        let direction = match self.plan.direction {
            SortDirection::Ascending => "ASC",
            SortDirection::Descending => "DESC",
        };
        format!(" ORDER BY {table}.{column} {direction}, {table}.id {direction}")
    }

    fn condition(&self, statement: &mut QueryBuilder<Postgres>) {
        let plan = self.plan;
        statement.push(" AND tenant_id = ");
        statement.push_bind(plan.tenant.get());
        match plan.leading {
            Leading::Tenant => {}
            Leading::Person(id) => {
                statement.push(" AND person_id = ").push_bind(id.as_uuid());
            }
            Leading::HasPerson(has) => {
                statement.push(format_args!(" AND has_person = {has}"));
            }
            Leading::Category(category) => {
                let category = category.as_str().to_owned();
                statement.push(" AND category = ").push_bind(category);
            }
            Leading::Used(used) => {
                statement.push(format_args!(" AND used = {used}"));
            }
            Leading::Sha256(sha256) => {
                let sha256 = sha256.as_bytes().to_vec();
                statement.push(" AND sha256 = ").push_bind(sha256);
            }
        }
        if let Some(lower) = &plan.lower {
            self.push_bound(statement, lower, '>');
        }
        if let Some(upper) = &plan.upper {
            self.push_bound(statement, upper, '<');
        }
    }

    fn push_bound(&self, statement: &mut QueryBuilder<Postgres>, bound: &Bound, operator: char) {
        let column = sort_column(self.plan.field);
        let equal = if bound.inclusive { "=" } else { "" };
        statement.push(format_args!(" AND ({column}, id) {operator}{equal} ("));
        match &bound.key.value {
            SortValue::CreatedAt(at) => statement.push_bind(at.as_millis()),
            SortValue::Name(name) => statement.push_bind(name.clone()),
            // No stored size is larger.
            SortValue::SizeBytes(size) => {
                statement.push_bind(i64::try_from(*size).unwrap_or(i64::MAX))
            }
            SortValue::Seq(seq) => statement.push_bind(seq.get()),
        };
        statement.push(", ").push_bind(bound.key.id.as_uuid());
        statement.push(")");
    }
}

fn push_residual(statement: &mut QueryBuilder<Postgres>, residual: Residual<'_>) {
    match residual {
        Residual::Person(id) => {
            statement.push(" AND person_id = ").push_bind(id.as_uuid());
        }
        Residual::HasPerson(has) => {
            statement.push(format_args!(" AND has_person = {has}"));
        }
        Residual::Filename(filename) => {
            let filename = filename.as_str().to_owned();
            statement.push(" AND filename = ").push_bind(filename);
        }
        Residual::Category(category) => {
            let category = category.as_str().to_owned();
            statement.push(" AND category = ").push_bind(category);
        }
        Residual::Used(used) => {
            statement.push(format_args!(" AND used = {used}"));
        }
        Residual::Sha256(sha256) => {
            let sha256 = sha256.as_bytes().to_vec();
            statement.push(" AND sha256 = ").push_bind(sha256);
        }
        Residual::ContentType(media_type) => push_type(statement, media_type),
        Residual::CreatedAfter(at) => {
            statement
                .push(" AND created_at > ")
                .push_bind(at.as_millis());
        }
        Residual::CreatedBefore(at) => {
            statement
                .push(" AND created_at < ")
                .push_bind(at.as_millis());
        }
        Residual::NamePrefix(prefix) => {
            let from = prefix.to_owned();
            statement.push(" AND name >= ").push_bind(from);
            if let Some(end) = behind_prefix(prefix) {
                statement.push(" AND name < ").push_bind(end);
            }
        }
    }
}

/// The type under one of its names, alone or with a parameter.
fn push_type(statement: &mut QueryBuilder<Postgres>, media_type: &MediaType) {
    for (number, name) in media_type.names().enumerate() {
        let or = if number == 0 { " AND (" } else { " OR " };
        statement.push(or).push("content_type = ");
        statement.push_bind(name.to_owned());
        statement.push(" OR starts_with(content_type, ");
        statement.push_bind(format!("{name};")).push(")");
    }
    statement.push(")");
}

#[cfg(test)]
mod tests;
