//! Events: changes of records, reported inside the transaction that makes them.

use std::fmt;

use async_trait::async_trait;
use attache_model::{FileRecord, PrincipalSeq, RequestId, TenantId, Timestamp};

use crate::RepositoryError;

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileEventKind {
    /// The record was committed.
    Created,
    /// Fields were changed.
    Changed,
    /// The record was claimed.
    Claimed,
    /// Its claim was released.
    Released,
    /// The record was archived.
    Archived,
    /// The record was restored.
    Restored,
    /// The record was deleted permanently.
    Deleted,
    /// The hold of an inspection was released.
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

/// One change of one record. Calls that change nothing are not events.
#[derive(Debug)]
pub struct FileEvent<'a> {
    /// The kind of the change.
    pub kind: FileEventKind,
    /// The record after the change, or before its deletion.
    pub file: &'a FileRecord,
    /// The principal that made the change; `None` for the bearer of a link.
    pub actor: Option<PrincipalSeq>,
    /// The request that made the change.
    pub request_id: &'a RequestId,
    /// The time of the change.
    pub at: Timestamp,
}

/// A row of the outbox, written in the same transaction as the change it reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The audience, such as `audit`.
    pub topic: String,
    /// The content, in the format of its reader.
    pub payload: Vec<u8>,
}

/// A row of the outbox, to handle and then to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingEvent {
    /// The number of the row. Later changes mostly have higher ones; one that took longer to commit may
    /// appear after a higher number.
    pub number: i64,
    /// The tenant whose record changed.
    pub tenant: TenantId,
    /// The time of the change.
    pub at: Timestamp,
    /// The hook's entry.
    pub entry: OutboxEntry,
}

/// Turns changes into outbox rows, for audit trails and webhooks.
///
/// A repository calls its hook inside the transaction of each change, and writes the returned rows in
/// it: both are committed or neither. The hook must not block.
pub trait EventHook: fmt::Debug + Send + Sync {
    /// Returns the rows to write for a change; empty to ignore it.
    fn outbox_entries(&self, event: &FileEvent<'_>) -> Vec<OutboxEntry>;
}

/// The reader's side of the outbox, which an [`EventHook`] fills. Unscoped: it has the rows of all tenants.
///
/// A reader handles rows and then deletes them, so each is handled at least once. Rows are never skipped by
/// their number: one that commits late appears late.
#[async_trait]
pub trait OutboxRepository: Send + Sync {
    /// Returns rows of the outbox, those with the lowest numbers first: at most `limit`.
    async fn read_outbox(&self, limit: u32) -> Result<Vec<PendingEvent>, RepositoryError>;

    /// Deletes rows by their numbers. Numbers that do not exist, or no longer, are passed over.
    async fn delete_from_outbox(&self, numbers: &[i64]) -> Result<(), RepositoryError>;
}
