//! What an event hook says of a change, written with the change.

use std::panic::{AssertUnwindSafe, catch_unwind};

use attache_metadata::{EventHook, FileEvent, FileEventKind};
use attache_model::{Context, FileRecord};
use sqlx::PgConnection;

use super::failure::Failure;

/// Asks the hook about a change and writes its rows into the outbox, in the same transaction.
pub(super) async fn tell(
    connection: &mut PgConnection,
    hook: Option<&dyn EventHook>,
    cx: &Context,
    kind: FileEventKind,
    file: &FileRecord,
) -> Result<(), Failure> {
    let Some(hook) = hook else {
        return Ok(());
    };
    let event = FileEvent {
        kind,
        file,
        actor: cx.principal_seq(),
        request_id: cx.request_id(),
        at: cx.now(),
    };
    let told = catch_unwind(AssertUnwindSafe(|| hook.outbox_entries(&event)));
    for entry in told.map_err(|_| Failure::Panicked)? {
        let sql = "INSERT INTO outbox (tenant_id, topic, payload, created_at) \
            VALUES ($1, $2, $3, $4)";
        sqlx::query(sql)
            .bind(cx.tenant().get())
            .bind(entry.topic)
            .bind(entry.payload)
            .bind(cx.now().as_millis())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
