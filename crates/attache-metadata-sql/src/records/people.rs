//! People: found by id or identifier, registered by writes only.

use attache_metadata::Refusal;
use attache_model::{Context, Person, PersonId, PersonRef, TenantId};

use crate::columns::Columns;
use crate::failure::{Failure, RowError, Stop};
use crate::rows;
use crate::session::{Session, Statement};

/// Finds a person of a tenant.
pub(crate) async fn find<S: Session>(
    session: &mut S,
    tenant: TenantId,
    person: &PersonRef,
) -> Result<Option<Person>, Failure> {
    let statement = match person {
        PersonRef::Id(id) => {
            let sql = "SELECT id, identifier FROM people WHERE tenant_id = $1 AND id = $2";
            Statement::new(sql).bind(tenant.get()).bind(id.as_uuid())
        }
        PersonRef::Identifier(identifier) => {
            // Earlier versions stored identifiers as they were sent.
            let sql = "SELECT id, identifier FROM people \
                WHERE tenant_id = $1 AND identifier IN ($2, $3) \
                ORDER BY identifier = $2 DESC LIMIT 1";
            Statement::new(sql)
                .bind(tenant.get())
                .bind(identifier.as_str())
                .bind(identifier.decomposed())
        }
    };
    let read = |row: &dyn Columns| {
        let person = rows::person(Some(row.id(0)?), Some(row.text(1)?))?;
        person.ok_or(Failure::Row(RowError::Missing))
    };
    session.optional(statement, read).await
}

/// Finds a person, or registers one under `new_id` where a new identifier is given.
///
/// If another transaction registers the same one, this waits for it and finds what it wrote.
pub(super) async fn find_or_register<S: Session>(
    session: &mut S,
    cx: &Context,
    person: &PersonRef,
    new_id: PersonId,
) -> Result<Person, Stop<Refusal>> {
    if let Some(found) = find(session, cx.tenant(), person).await? {
        return Ok(found);
    }
    let PersonRef::Identifier(identifier) = person else {
        return Err(Refusal::UnknownPerson.into());
    };
    let sql = "INSERT INTO people (id, tenant_id, identifier, created_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, identifier) DO NOTHING";
    let insert = Statement::new(sql)
        .bind(new_id.as_uuid())
        .bind(cx.tenant().get())
        .bind(identifier.as_str())
        .bind(cx.now().as_millis());
    if session.execute(insert).await? == 0 {
        let found = find(session, cx.tenant(), person).await?;
        return found.ok_or_else(|| Failure::Raced.into());
    }
    Ok(Person {
        id: new_id,
        identifier: identifier.clone(),
    })
}
