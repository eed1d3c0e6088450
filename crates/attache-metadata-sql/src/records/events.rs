//! The outbox rows of an event hook, written with the change.

use std::panic::{AssertUnwindSafe, catch_unwind};

use attache_metadata::{EventHook, FileEvent, FileEventKind};
use attache_model::{Context, FileRecord};

use crate::failure::Failure;
use crate::session::{Session, Statement};

/// Calls the hook for a change and writes its rows into the outbox, in the same transaction.
pub(super) async fn record<S: Session>(
    session: &mut S,
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
    // Foreign code: its panic undoes its own change and no other.
    let entries = catch_unwind(AssertUnwindSafe(|| hook.outbox_entries(&event)));
    for entry in entries.map_err(|_| Failure::Panicked)? {
        let sql = "INSERT INTO outbox (tenant_id, topic, payload, created_at) \
            VALUES ($1, $2, $3, $4)";
        let insert = Statement::new(sql)
            .bind(cx.tenant().get())
            .bind(entry.topic.as_str())
            .bind(entry.payload.as_slice())
            .bind(cx.now().as_millis());
        session.execute(insert).await?;
    }
    Ok(())
}
