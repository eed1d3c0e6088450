//! What an event hook says of a change, written with the change.

use std::sync::Arc;

use attache_metadata::{EventHook, FileEvent, FileEventKind};
use attache_model::{Context, FileRecord};
use sqlx::SqliteConnection;

use super::failure::Failure;

/// Asks the hook about a change and writes its rows into the outbox, in the same transaction.
pub(super) async fn tell(
    connection: &mut SqliteConnection,
    hook: Option<&Arc<dyn EventHook>>,
    cx: &Context,
    kind: FileEventKind,
    file: &FileRecord,
) -> Result<(), Failure> {
    let Some(hook) = hook else {
        return Ok(());
    };
    let entries = hook.outbox_entries(&FileEvent {
        kind,
        file,
        actor: cx.principal_seq(),
        request_id: cx.request_id(),
        at: cx.now(),
    });
    for entry in entries {
        let sql = "INSERT INTO outbox (tenant_id, topic, payload, created_at) \
            VALUES (?1, ?2, ?3, ?4)";
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
