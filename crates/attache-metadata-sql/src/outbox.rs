//! The reader's side of the outbox.

use async_trait::async_trait;
use attache_metadata::{OutboxEntry, OutboxRepository, PendingEvent, RepositoryError};
use attache_model::{TenantId, Timestamp};

use crate::call::Call;
use crate::columns::Columns;
use crate::failure::Failure;
use crate::repository::{Backend, SqlRepository};
use crate::session::{Session, Statement};

/// The most rows that one statement deletes.
const DELETED_AT_ONCE: usize = 500;

#[async_trait]
impl<B: Backend> OutboxRepository for SqlRepository<B> {
    async fn read_outbox(&self, limit: u32) -> Result<Vec<PendingEvent>, RepositoryError> {
        self.backend
            .read(
                Call::of_service("read_outbox").into_list(),
                limit,
                |session, limit| {
                    let sql = "SELECT seq, tenant_id, created_at, topic, payload FROM outbox \
                    ORDER BY seq LIMIT $1";
                    let statement = Statement::new(sql).bind(i64::from(*limit));
                    Box::pin(session.rows(statement, pending))
                },
            )
            .await
    }

    async fn delete_from_outbox(&self, numbers: &[i64]) -> Result<(), RepositoryError> {
        let numbers = numbers.to_vec();
        self.backend
            .write(
                Call::of_service("delete_from_outbox"),
                numbers,
                |session, numbers| Box::pin(delete(session, numbers)),
            )
            .await
    }
}

async fn delete<S: Session>(session: &mut S, numbers: &[i64]) -> Result<(), Failure> {
    for numbers in numbers.chunks(DELETED_AT_ONCE) {
        let mut statement = Statement::new("");
        let listed = numbers.iter().map(|number| statement.parameter(*number));
        let listed = listed.collect::<Vec<_>>().join(", ");
        statement.push(&format!("DELETE FROM outbox WHERE seq IN ({listed})"));
        session.execute(statement).await?;
    }
    Ok(())
}

fn pending(row: &dyn Columns) -> Result<PendingEvent, Failure> {
    Ok(PendingEvent {
        number: row.integer(0)?,
        tenant: TenantId::new(row.integer(1)?),
        at: Timestamp::from_millis(row.integer(2)?),
        entry: OutboxEntry {
            topic: row.text(3)?.to_owned(),
            payload: row.bytes(4)?.to_vec(),
        },
    })
}
