//! Lists in SQLite's words: one walk of one index, or the merge of two.

use attache_metadata::{FilePage, FileQuery, PageRequest, SortDirection, SortValue, StateFilter};
use attache_model::{MediaType, TenantId, Timestamp};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};
use uuid::Uuid;

use super::decode::{self, FILE_COLUMNS};
use super::failure::Failure;
use crate::listing::{Bound, Leading, ListPlan, Residual, SCAN_BUDGET, behind_prefix};
use crate::order::{index, is_in_order, position, sort_column};

/// Answers a page.
///
/// With residual filters the walk is bounded by position, which is found first: a bound by count
/// would be another position when a record goes between the two statements, and skip records.
pub(super) async fn page(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    query: &FileQuery,
    page: &PageRequest,
) -> Result<FilePage, Failure> {
    if let Some(after) = &page.after
        && !is_in_order(after, query.sort.field)
    {
        return Err(Failure::Position);
    }
    let mut plan = ListPlan::new(tenant, query, page);
    let mut stop = None;
    if plan.is_residual() {
        let statement = Statement::of_stop(&plan);
        let row = statement.query().fetch_optional(&mut *connection).await?;
        stop = row
            .map(|row| position::<Failure>(&row, plan.field))
            .transpose()?;
        if let Some(last) = &stop {
            plan.stop_at(last.clone());
        }
    }
    let statement = Statement::of_records(&plan);
    let rows = statement.query().fetch_all(connection).await?;
    let files = rows.iter().map(decode::file).collect::<Result<_, _>>()?;
    Ok(plan.page(files, stop))
}

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
    Id(Uuid),
}

/// A statement with its parameters.
#[derive(Debug)]
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    /// Asks for the records of a page and one more.
    fn of_records(plan: &ListPlan<'_>) -> Self {
        let mut statement = Self::walk(plan, FILE_COLUMNS, true);
        let limit = statement.parameter(Value::Integer(i64::from(plan.limit) + 1));
        statement.sql.push_str(" LIMIT ");
        statement.sql.push_str(&limit);
        statement
    }

    /// Asks for the position at which a page stops looking, if the walk goes that far.
    fn of_stop(plan: &ListPlan<'_>) -> Self {
        let columns = format!("files.{}, files.id", sort_column(plan.field));
        let mut statement = Self::walk(plan, &columns, false);
        let offset = statement.parameter(Value::Integer(i64::from(SCAN_BUDGET) - 1));
        statement.sql.push_str(" LIMIT 1 OFFSET ");
        statement.sql.push_str(&offset);
        statement
    }

    /// The walk without its limit: over active records, archived ones, or the merge of both.
    fn walk(plan: &ListPlan<'_>, columns: &str, filtered: bool) -> Self {
        let mut statement = Self {
            sql: String::new(),
            values: Vec::new(),
        };
        let condition = statement.condition(plan, filtered);
        // Named in the statement: SQLite refuses what the index cannot answer, rather than scan.
        let index = index(plan);
        let arm = |archived: u8| {
            format!(
                "SELECT {columns} FROM files INDEXED BY {index} \
                WHERE archived = {archived} AND {condition}"
            )
        };
        let direction = match plan.direction {
            SortDirection::Ascending => "ASC",
            SortDirection::Descending => "DESC",
        };
        let walk = match plan.states {
            StateFilter::Active => arm(0),
            StateFilter::Archived => arm(1),
            StateFilter::Any => format!("{} UNION ALL {}", arm(0), arm(1)),
        };
        let column = sort_column(plan.field);
        statement.sql = format!("{walk} ORDER BY files.{column} {direction}, files.id {direction}");
        statement
    }

    fn condition(&mut self, plan: &ListPlan<'_>, filtered: bool) -> String {
        let tenant = self.parameter(Value::Integer(plan.tenant.get()));
        let mut terms = vec![format!("tenant_id = {tenant}")];
        terms.extend(self.leading(plan.leading));
        let column = sort_column(plan.field);
        if let Some(lower) = &plan.lower {
            terms.push(self.bound(column, lower, '>'));
        }
        if let Some(upper) = &plan.upper {
            terms.push(self.bound(column, upper, '<'));
        }
        if filtered {
            for residual in &plan.residual {
                terms.extend(self.residual(*residual));
            }
        }
        terms.join(" AND ")
    }

    fn leading(&mut self, leading: Leading<'_>) -> Option<String> {
        match leading {
            Leading::Tenant => None,
            Leading::Person(id) => Some(self.equal("person_id", Value::Id(id.as_uuid()))),
            Leading::HasPerson(has) => Some(format!("has_person = {}", u8::from(has))),
            Leading::Category(category) => {
                Some(self.equal("category", Value::Text(category.as_str().to_owned())))
            }
            Leading::Used(used) => Some(format!("used = {}", u8::from(used))),
            Leading::Sha256(sha256) => {
                Some(self.equal("sha256", Value::Bytes(sha256.as_bytes().to_vec())))
            }
        }
    }

    fn bound(&mut self, column: &str, bound: &Bound, operator: char) -> String {
        let value = self.parameter(sort_value(&bound.key.value));
        let id = self.parameter(Value::Id(bound.key.id.as_uuid()));
        let equal = if bound.inclusive { "=" } else { "" };
        format!("({column}, id) {operator}{equal} ({value}, {id})")
    }

    /// One filter. The unary `+` keeps SQLite from seeking by it.
    fn residual(&mut self, residual: Residual<'_>) -> Vec<String> {
        match residual {
            Residual::Person(id) => vec![self.equal("+person_id", Value::Id(id.as_uuid()))],
            Residual::HasPerson(has) => vec![format!("+has_person = {}", u8::from(has))],
            Residual::Category(category) => {
                vec![self.equal("+category", Value::Text(category.as_str().to_owned()))]
            }
            Residual::Used(used) => vec![format!("+used = {}", u8::from(used))],
            Residual::Sha256(sha256) => {
                vec![self.equal("+sha256", Value::Bytes(sha256.as_bytes().to_vec()))]
            }
            Residual::Filename(filename) => {
                vec![self.equal("+filename", Value::Text(filename.as_str().to_owned()))]
            }
            Residual::ContentType(media_type) => vec![self.media_type(media_type)],
            Residual::CreatedAfter(at) => vec![self.compare("+created_at", ">", at)],
            Residual::CreatedBefore(at) => vec![self.compare("+created_at", "<", at)],
            Residual::NamePrefix(prefix) => self.prefix(prefix),
        }
    }

    fn equal(&mut self, column: &str, value: Value) -> String {
        format!("{column} = {}", self.parameter(value))
    }

    fn compare(&mut self, column: &str, operator: &str, at: Timestamp) -> String {
        let at = self.parameter(Value::Integer(at.as_millis()));
        format!("{column} {operator} {at}")
    }

    /// The type under one of its names, alone or with a parameter.
    fn media_type(&mut self, media_type: &MediaType) -> String {
        let terms = media_type.names().map(|name| {
            let name = self.parameter(Value::Text(name.to_owned()));
            format!(
                "content_type = {name} \
                OR substr(content_type, 1, length({name}) + 1) = {name} || ';'"
            )
        });
        let terms: Vec<_> = terms.collect();
        format!("({})", terms.join(" OR "))
    }

    fn prefix(&mut self, prefix: &str) -> Vec<String> {
        let from = self.parameter(Value::Text(prefix.to_owned()));
        let mut terms = vec![format!("+name >= {from}")];
        if let Some(end) = behind_prefix(prefix) {
            let end = self.parameter(Value::Text(end));
            terms.push(format!("+name < {end}"));
        }
        terms
    }

    /// Adds a parameter and names it.
    fn parameter(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    fn query(&self) -> Query<'static, Sqlite, SqliteArguments> {
        let query = sqlx::query(AssertSqlSafe(self.sql.clone()));
        self.values.iter().fold(query, |query, value| match value {
            Value::Integer(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.clone()),
            Value::Bytes(value) => query.bind(value.clone()),
            Value::Id(value) => query.bind(*value),
        })
    }
}

fn sort_value(value: &SortValue) -> Value {
    match value {
        SortValue::CreatedAt(at) => Value::Integer(at.as_millis()),
        SortValue::Name(name) => Value::Text(name.clone()),
        // No stored size is larger.
        SortValue::SizeBytes(size) => Value::Integer(i64::try_from(*size).unwrap_or(i64::MAX)),
        SortValue::Seq(seq) => Value::Integer(seq.get()),
    }
}

#[cfg(test)]
mod tests;
