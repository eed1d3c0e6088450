//! Staging: reserve a blob, stream the body into the store, decide its type.

use std::sync::Arc;

use attache_metadata::BlobFacts;
use attache_model::{Context, Filename, MediaType};
use attache_storage::{Body, PutOptions};

use crate::lease::LeaseRenewer;
use crate::monitor::BodyMonitor;
use crate::reservation::BlobReservation;
use crate::service::Parts;
use crate::{IncomingFile, ServiceError};

/// A file whose bytes are durable, ready to be committed.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) reservation: BlobReservation,
    pub(crate) filename: Filename,
    pub(crate) declared_type: Option<MediaType>,
    pub(crate) content_type: MediaType,
    pub(crate) facts: BlobFacts,
}

/// Stages one file of at most `limit_bytes`.
pub(crate) async fn stage(
    parts: &Arc<Parts>,
    cx: &Context,
    renewer: &LeaseRenewer,
    file: IncomingFile,
    body: Body,
    limit_bytes: u64,
) -> Result<Staged, ServiceError> {
    let max_size_bytes = body
        .exact_size_bytes()
        .unwrap_or(limit_bytes)
        .min(limit_bytes);
    let reservation = BlobReservation::begin(parts, cx, max_size_bytes).await?;
    renewer.add(&reservation);

    let options = PutOptions {
        max_size_bytes: Some(limit_bytes),
        expected_sha256: file.expected_sha256,
    };
    let monitor = BodyMonitor::new(file, renewer.activity.clone());
    let body = monitor.wrap(body, limit_bytes);
    let stored = parts.store.put(&reservation.key, body, options).await;
    renewer.activity.set_processing(false);
    let stored = stored.map_err(|error| monitor.explain(error))?;

    let content_type = monitor.decide_type();
    monitor.file.check_accepted(&content_type)?;
    Ok(Staged {
        reservation,
        filename: monitor.file.filename.clone(),
        declared_type: monitor.file.declared_type.clone(),
        content_type,
        facts: BlobFacts::plain(stored.size_bytes, stored.sha256),
    })
}
