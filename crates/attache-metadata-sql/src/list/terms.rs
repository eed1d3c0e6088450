//! The conditions of a list's statements, in words that both databases know.

use attache_metadata::{SortDirection, SortValue};
use attache_model::MediaType;

use super::plan::{Bound, Leading, ListPlan, Residual, behind_prefix};
use crate::session::{Statement, Value};

/// Returns the keyword of a direction.
pub(crate) const fn direction(direction: SortDirection) -> &'static str {
    match direction {
        SortDirection::Ascending => "ASC",
        SortDirection::Descending => "DESC",
    }
}

/// Returns the conditions on the walked index: tenant, leading column and both ends.
/// `column` is the one the index sorts by.
pub(crate) fn walk_terms<'p>(
    statement: &mut Statement<'p>,
    plan: &'p ListPlan<'_>,
    column: &str,
) -> String {
    let tenant = statement.parameter(plan.tenant.get());
    let mut terms = vec![format!("tenant_id = {tenant}")];
    terms.extend(leading(statement, plan.leading));
    for (end, operator) in [(&plan.lower, '>'), (&plan.upper, '<')] {
        if let Some(end) = end {
            terms.push(bound(statement, column, end, operator));
        }
    }
    terms.join(" AND ")
}

fn leading<'p>(statement: &mut Statement<'p>, leading: Leading<'p>) -> Option<String> {
    match leading {
        Leading::Tenant => None,
        Leading::HasPerson(has) => Some(format!("has_person = {has}")),
        Leading::Used(used) => Some(format!("used = {used}")),
        Leading::Person(id) => Some(equal(statement, "person_id", id.as_uuid())),
        Leading::Category(category) => Some(equal(statement, "category", category.as_str())),
        Leading::Sha256(sha256) => Some(equal(statement, "sha256", sha256.as_bytes().as_slice())),
    }
}

fn bound<'p>(
    statement: &mut Statement<'p>,
    column: &str,
    bound: &'p Bound,
    operator: char,
) -> String {
    let value = match &bound.key.value {
        SortValue::CreatedAt(at) => Value::from(at.as_millis()),
        SortValue::Name(name) => Value::from(name.as_str()),
        // No stored size is larger.
        SortValue::SizeBytes(size) => Value::from(i64::try_from(*size).unwrap_or(i64::MAX)),
        SortValue::Seq(seq) => Value::from(seq.get()),
    };
    let value = statement.parameter(value);
    let id = statement.parameter(bound.key.id.as_uuid());
    let equal = if bound.inclusive { "=" } else { "" };
    format!("({column}, id) {operator}{equal} ({value}, {id})")
}

/// Returns the conditions that are checked for each entry of the walk. `guard` stands before each
/// column, and keeps the planner from seeking by it.
pub(crate) fn residual_terms<'p>(
    statement: &mut Statement<'p>,
    plan: &'p ListPlan<'_>,
    guard: &str,
) -> String {
    let terms = plan.residual.iter();
    let terms = terms.map(|it| format!(" AND {}", residual(statement, *it, guard)));
    terms.collect()
}

fn residual<'p>(statement: &mut Statement<'p>, residual: Residual<'p>, guard: &str) -> String {
    let column = |name: &str| format!("{guard}{name}");
    match residual {
        Residual::HasPerson(has) => format!("{guard}has_person = {has}"),
        Residual::Used(used) => format!("{guard}used = {used}"),
        Residual::Person(id) => equal(statement, &column("person_id"), id.as_uuid()),
        Residual::Category(category) => equal(statement, &column("category"), category.as_str()),
        Residual::Sha256(sha256) => {
            equal(statement, &column("sha256"), sha256.as_bytes().as_slice())
        }
        Residual::Filename(filename) => equal(statement, &column("filename"), filename.as_str()),
        Residual::ContentType(media_type) => content_type(statement, media_type),
        Residual::CreatedAfter(at) => {
            format!(
                "{guard}created_at > {}",
                statement.parameter(at.as_millis())
            )
        }
        Residual::CreatedBefore(at) => {
            format!(
                "{guard}created_at < {}",
                statement.parameter(at.as_millis())
            )
        }
        Residual::NamePrefix(prefix) => name_prefix(statement, prefix, guard),
    }
}

fn equal<'p>(statement: &mut Statement<'p>, column: &str, value: impl Into<Value<'p>>) -> String {
    format!("{column} = {}", statement.parameter(value))
}

/// Returns the condition that a type has one of its names, alone or with a parameter.
fn content_type<'p>(statement: &mut Statement<'p>, media_type: &'p MediaType) -> String {
    let terms = media_type.names().map(|name| {
        let beginning = format!("{name};");
        let length = beginning.chars().count();
        let (name, beginning) = (statement.parameter(name), statement.parameter(beginning));
        format!("content_type = {name} OR substr(content_type, 1, {length}) = {beginning}")
    });
    let terms: Vec<_> = terms.collect();
    format!("({})", terms.join(" OR "))
}

fn name_prefix<'p>(statement: &mut Statement<'p>, prefix: &'p str, guard: &str) -> String {
    let from = format!("{guard}name >= {}", statement.parameter(prefix));
    match behind_prefix(prefix) {
        Some(end) => format!("{from} AND {guard}name < {}", statement.parameter(end)),
        None => from,
    }
}
