//! What happened to a record, told inside the transaction in which it happened.

use std::fmt;

use attache_model::{FileRecord, PrincipalSeq, RequestId, Timestamp};

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileEventKind {
    /// It was committed.
    Created,
    /// A field was changed.
    Changed,
    /// Somebody claimed it.
    Claimed,
    /// Its holder released it.
    Released,
    /// It was archived.
    Archived,
    /// It was restored.
    Restored,
    /// It was deleted for good.
    Deleted,
    /// The inspection it waited for let it pass.
    HoldReleased,
}

impl FileEventKind {
    /// The kind's name, such as `created`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Claimed => "claimed",
            Self::Released => "released",
            Self::Archived => "archived",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::HoldReleased => "hold-released",
        }
    }
}

/// One change of one record. Repetitions that changed nothing are no events.
#[derive(Debug)]
pub struct FileEvent<'a> {
    /// What happened.
    pub kind: FileEventKind,
    /// The record as it is after the change, or was before its deletion.
    pub file: &'a FileRecord,
    /// Who did it; `None` for the bearer of a link.
    pub actor: Option<PrincipalSeq>,
    /// In which request.
    pub request_id: &'a RequestId,
    /// When.
    pub at: Timestamp,
}

/// A row for the outbox, written in the same transaction as the change it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// Whom it is for, such as `audit`.
    pub topic: String,
    /// What it says, in a form its reader knows.
    pub payload: Vec<u8>,
}

/// Turns changes into outbox rows, for audit trails and webhooks.
///
/// A repository calls its hook inside the transaction of each change and writes what it returns with
/// it: both are committed or neither. The hook must not block.
pub trait EventHook: fmt::Debug + Send + Sync {
    /// The rows to write for a change; none to pass it over.
    fn outbox_entries(&self, event: &FileEvent<'_>) -> Vec<OutboxEntry>;
}
