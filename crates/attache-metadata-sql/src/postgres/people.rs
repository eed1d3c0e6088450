//! People: found by id or identifier, registered by writes only.

use attache_metadata::Refusal;
use attache_model::{Context, Person, PersonId, PersonRef};
use sqlx::{PgConnection, Row as _};

use super::failure::{Failure, Stop};
use crate::rows;

/// Finds a person of the context's tenant.
pub(super) async fn find(
    connection: &mut PgConnection,
    cx: &Context,
    person: &PersonRef,
) -> Result<Option<Person>, Failure> {
    let query = match person {
        PersonRef::Id(id) => {
            sqlx::query("SELECT id, identifier FROM people WHERE tenant_id = $1 AND id = $2")
                .bind(cx.tenant().get())
                .bind(id.as_uuid())
        }
        PersonRef::Identifier(identifier) => sqlx::query(
            "SELECT id, identifier FROM people WHERE tenant_id = $1 AND identifier = $2",
        )
        .bind(cx.tenant().get())
        .bind(identifier.as_str().to_owned()),
    };
    let Some(row) = query.fetch_optional(connection).await? else {
        return Ok(None);
    };
    Ok(rows::person(row.try_get(0)?, row.try_get(1)?)?)
}

/// Finds a person, or registers one under `new_id` where a new identifier is given.
///
/// Where another transaction registers the same one, this waits for it and finds what it wrote.
pub(super) async fn find_or_register(
    connection: &mut PgConnection,
    cx: &Context,
    person: &PersonRef,
    new_id: PersonId,
) -> Result<Person, Stop<Refusal>> {
    if let Some(found) = find(connection, cx, person).await? {
        return Ok(found);
    }
    let PersonRef::Identifier(identifier) = person else {
        return Err(Refusal::UnknownPerson.into());
    };
    let sql = "INSERT INTO people (id, tenant_id, identifier, created_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, identifier) DO NOTHING";
    let inserted = sqlx::query(sql)
        .bind(new_id.as_uuid())
        .bind(cx.tenant().get())
        .bind(identifier.as_str().to_owned())
        .bind(cx.now().as_millis())
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 0 {
        let found = find(connection, cx, person).await?;
        return found.ok_or_else(|| Failure::Raced.into());
    }
    Ok(Person {
        id: new_id,
        identifier: identifier.clone(),
    })
}
