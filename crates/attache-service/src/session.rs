//! Upload sessions: intent, bytes, commit, response. All files of a session or none.

use std::sync::Arc;

use attache_metadata::{CommittedFile, NewFiles};
use attache_model::{Context, InvalidValue, Visibility};
use attache_storage::Body;

use crate::access::{Action, authorise};
use crate::commit::{begin_commit, prepare};
use crate::incoming::check_accepted;
use crate::lease::LeaseRenewer;
use crate::service::Parts;
use crate::staging::{Staged, stage};
use crate::{FileService, IncomingFile, ServiceError, UploadFields};

/// An upload in progress, of one or several files.
///
/// Dropping it stores nothing: the bytes that it wrote are deleted within seconds.
#[derive(Debug)]
pub struct UploadSession {
    parts: Arc<Parts>,
    cx: Context,
    renewer: LeaseRenewer,
    staged: Vec<Staged>,
    remaining_bytes: u64,
}

impl FileService {
    /// Opens an upload session. Authorises, and checks the declared size (`None` if unknown) and the
    /// free space, before any byte is read.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `TooLarge`, `OutOfSpace`, or the error of the store.
    pub async fn open_session(
        &self,
        cx: &Context,
        declared_size_bytes: Option<u64>,
    ) -> Result<UploadSession, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Upload)?;
        let remaining_bytes = self.parts.check_capacity(declared_size_bytes).await?;
        Ok(UploadSession {
            parts: self.parts.clone(),
            cx: cx.clone(),
            renewer: LeaseRenewer::start(self.parts.clone(), cx.clone()),
            staged: Vec::new(),
            remaining_bytes,
        })
    }

    /// Stores one file of which everything is known beforehand.
    ///
    /// # Errors
    ///
    /// As [`open_session`](Self::open_session), [`UploadSession::add_file`] and [`UploadSession::commit`].
    pub async fn upload(
        &self,
        cx: &Context,
        mut file: IncomingFile,
        fields: UploadFields,
        body: Body,
    ) -> Result<CommittedFile, ServiceError> {
        let mut session = self.open_session(cx, body.exact_size_bytes()).await?;
        file.expected_sha256 = file.expected_sha256.or(fields.sha256);
        file.accept.extend(fields.accept.iter().cloned());
        session.add_file(file, body).await?;
        let mut committed = session.commit(fields).await?;
        committed.pop().ok_or(ServiceError::NoFile)
    }
}

impl UploadSession {
    /// The number of files added so far.
    pub fn file_count(&self) -> usize {
        self.staged.len()
    }

    /// Streams one file into the store. It is visible to nobody before [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// - Faults of the request: `TooManyFiles`, `TooLarge`, `LengthMismatch`, `DigestMismatch`,
    ///   `TypeNotAccepted`, `BodyAborted`
    /// - Server errors: `OutOfSpace`, `Unavailable`, `Internal`
    ///
    /// After an error, drop the session.
    pub async fn add_file(&mut self, file: IncomingFile, body: Body) -> Result<(), ServiceError> {
        let limit = self.parts.limits.max_files_per_upload;
        if self.staged.len() >= limit {
            return Err(ServiceError::TooManyFiles { limit });
        }
        let staged = stage(
            &self.parts,
            &self.cx,
            &self.renewer,
            file,
            body,
            self.remaining_bytes,
        )
        .await;
        let staged = staged.map_err(|error| self.with_session_limit(error))?;
        self.remaining_bytes -= staged.facts.size_bytes;
        self.staged.push(staged);
        Ok(())
    }

    /// Reports the limit of the session rather than what the files before left of it.
    fn with_session_limit(&self, error: ServiceError) -> ServiceError {
        match error {
            ServiceError::TooLarge { .. } => ServiceError::TooLarge {
                limit_bytes: self.parts.limits.max_upload_bytes,
            },
            other => other,
        }
    }

    /// Inspects and commits all files or none, and returns their records in the order they were added.
    ///
    /// The records are durable when this returns. Once started, the commit runs to its end even if
    /// the returned future is dropped.
    ///
    /// # Errors
    ///
    /// - Faults of the request: `NoFile`, `MissingScope`, `Unauthenticated` if the key was revoked or has
    ///   expired meanwhile, `Invalid`, `TypeNotAccepted`,
    ///   `DigestMismatch`, `Refused`, `UnknownPerson`, `RequestRepeated`
    /// - Server errors: `OutOfSpace`, `Internal`; `Unavailable` if the whole upload is to be retried
    pub async fn commit(self, fields: UploadFields) -> Result<Vec<CommittedFile>, ServiceError> {
        self.check_fields(&fields)?;
        let parts = self.parts.clone();
        parts.finish_detached(self.commit_detached(fields)).await
    }

    fn check_fields(&self, fields: &UploadFields) -> Result<(), ServiceError> {
        if self.staged.is_empty() {
            return Err(ServiceError::NoFile);
        }
        if fields.visibility == Visibility::Public {
            authorise(&self.cx, Action::Publish)?;
        }
        for file in &self.staged {
            let declared = file.declared_type.as_ref();
            check_accepted(&fields.accept, &file.filename, declared, &file.content_type)?;
        }
        let Some(expected) = fields.sha256 else {
            return Ok(());
        };
        let [file] = self.staged.as_slice() else {
            let problem = "can be given for one file only, and the upload has several";
            return Err(InvalidValue::new("sha256", problem).into());
        };
        let actual = file.facts.sha256;
        if actual == expected {
            Ok(())
        } else {
            Err(ServiceError::DigestMismatch { expected, actual })
        }
    }

    async fn commit_detached(
        self,
        fields: UploadFields,
    ) -> Result<Vec<CommittedFile>, ServiceError> {
        let Self {
            parts,
            cx,
            renewer,
            staged,
            ..
        } = self;
        let cx = begin_commit(&parts, &cx, &renewer);
        let mut files = Vec::with_capacity(staged.len());
        for file in &staged {
            files.push(prepare(&parts, &cx, file, &fields).await?);
        }
        let upload = NewFiles {
            files,
            idempotency_key: fields.idempotency_key,
        };
        parts.authorise_again(&cx, Action::Upload).await?;
        let committed = parts.repository.commit_files(&cx, &upload).await??;
        parts.record_change();
        for file in staged {
            file.reservation.mark_committed();
        }
        Ok(committed)
    }
}
