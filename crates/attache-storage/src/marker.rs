//! The marker of a store: a short text about the store itself, beside its blobs.

use std::fmt;

use async_trait::async_trait;

use crate::BlobError;

/// The most bytes that a marker may have.
pub const MARKER_BYTES: usize = 4096;

/// A store that keeps a short text about itself.
///
/// The marker is no blob: it has no key, [`list`](crate::BlobStore::list) does not show it, and nothing
/// deletes it. It says which installation the blobs belong to, so that they are not taken for another's.
///
/// - **Durable on return**, as blobs are.
/// - **Whole.** A reader sees one marker or another, never a part or a mixture.
/// - **Cancellation.** A dropped `write_marker` may or may not have happened, and can be repeated.
#[async_trait]
pub trait StoreMarker: fmt::Debug + Send + Sync + 'static {
    /// Returns the marker, or `None` if the store has none.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it is longer than [`MARKER_BYTES`] or no text.
    async fn read_marker(&self) -> Result<Option<String>, BlobError>;

    /// Writes the marker, of at most [`MARKER_BYTES`].
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the store has a marker and `write` is [`MarkerWrite::Create`]. A store without
    /// conditional requests may replace a marker that another process writes at the same time: read it
    /// again to be sure.
    async fn write_marker(&self, marker: &str, write: MarkerWrite) -> Result<(), BlobError>;
}

/// The treatment of an existing marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerWrite {
    /// It stays, and the write fails.
    Create,
    /// It is replaced.
    Replace,
}
