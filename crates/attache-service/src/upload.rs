//! Storing files: intent, bytes, commit, answer. All files of an upload or none.

use std::sync::Arc;

use attache_metadata::{CommittedFile, IdempotencyKey, NewFiles};
use attache_model::{
    Category, Context, Description, DisplayName, Filename, InvalidValue, MediaType, PersonRef,
    Sha256Digest, Visibility,
};
use attache_storage::Body;

use crate::access::{Action, authorise};
use crate::commit::{begin_commit, prepare};
use crate::service::Parts;
use crate::staging::{LeaseKeeper, Staged, stage};
use crate::{FileService, ServiceError};

/// A file whose bytes are about to come: what is known before them.
#[derive(Debug, Clone)]
pub struct IncomingFile {
    /// The name it came with.
    pub filename: Filename,
    /// What the client says it is: a hint.
    pub declared_type: Option<MediaType>,
    /// The digest its bytes must have, where it is known already.
    pub expected_sha256: Option<Sha256Digest>,
    /// The only types to take, under any of their names, where they are known already; empty takes any.
    /// A body of another type is stopped as soon as its first bytes show it.
    pub accept: Vec<MediaType>,
}

impl IncomingFile {
    /// A file of which nothing but its name is known.
    pub fn named(filename: Filename) -> Self {
        Self {
            filename,
            declared_type: None,
            expected_sha256: None,
            accept: Vec::new(),
        }
    }

    pub(crate) fn check_accepted(&self, found: &MediaType) -> Result<(), ServiceError> {
        let declared = self.declared_type.as_ref();
        check_accepted(&self.accept, &self.filename, declared, found)
    }
}

fn check_accepted(
    accept: &[MediaType],
    filename: &Filename,
    declared: Option<&MediaType>,
    found: &MediaType,
) -> Result<(), ServiceError> {
    if accept.is_empty() || found.is_accepted(declared, accept) {
        return Ok(());
    }
    Err(ServiceError::TypeNotAccepted {
        filename: filename.to_string(),
        found: found.clone(),
        accepted: accept.to_vec(),
    })
}

/// What is said of an upload's files besides their bytes. May become known only after them.
#[derive(Debug, Clone, Default)]
pub struct UploadFields {
    /// Whom they are about. An unknown identifier registers a person.
    pub person: Option<PersonRef>,
    /// Their group.
    pub category: Option<Category>,
    /// What people read as their name; the filename where there is none.
    pub name: Option<DisplayName>,
    /// A free text.
    pub description: Option<Description>,
    /// Who may read their bytes.
    pub visibility: Visibility,
    /// Whether an existing, equal, unclaimed record is to be answered instead of a new one.
    pub dedup: bool,
    /// The only types to take, under any of their names; empty takes any.
    pub accept: Vec<MediaType>,
    /// The digest the bytes must have; for an upload of one file.
    pub sha256: Option<Sha256Digest>,
    /// The request's own key, so that repeating it commits nothing twice.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// An upload under way. Dropping it stores nothing; what it wrote is deleted within seconds.
#[derive(Debug)]
pub struct UploadSession {
    parts: Arc<Parts>,
    cx: Context,
    keeper: LeaseKeeper,
    staged: Vec<Staged>,
    room_bytes: u64,
}

impl FileService {
    /// Begins an upload: authorises, and checks the length where one is declared, and the room on the
    /// disk, before any byte is read.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `TooLarge`, `OutOfSpace`, or what the store fails with.
    pub async fn open_session(
        &self,
        cx: &Context,
        declared_size_bytes: Option<u64>,
    ) -> Result<UploadSession, ServiceError> {
        authorise(cx, Action::Upload)?;
        let room_bytes = self.parts.check_room(declared_size_bytes).await?;
        Ok(UploadSession {
            parts: self.parts.clone(),
            cx: cx.clone(),
            keeper: LeaseKeeper::start(self.parts.clone(), cx.clone()),
            staged: Vec::new(),
            room_bytes,
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
        let mut upload = self.open_session(cx, body.exact_size_bytes()).await?;
        file.expected_sha256 = file.expected_sha256.or(fields.sha256);
        file.accept.extend(fields.accept.iter().cloned());
        upload.add_file(file, body).await?;
        let mut committed = upload.commit(fields).await?;
        committed.pop().ok_or(ServiceError::NoFile)
    }
}

impl UploadSession {
    /// How many files it has so far.
    pub fn file_count(&self) -> usize {
        self.staged.len()
    }

    /// Streams one file into the store. Nothing is visible before [`commit`](Self::commit).
    ///
    /// # Errors
    ///
    /// Of the bytes: `TooLarge`, `LengthMismatch`, `DigestMismatch`, `TypeNotAccepted`, `BodyAborted`.
    /// Of ours: `OutOfSpace`, `Unavailable`, `Internal`. After an error the upload is best dropped.
    pub async fn add_file(&mut self, file: IncomingFile, body: Body) -> Result<(), ServiceError> {
        let limit = self.parts.limits.max_files_per_upload;
        if self.staged.len() >= limit {
            return Err(ServiceError::TooManyFiles { limit });
        }
        let staged = stage(
            &self.parts,
            &self.cx,
            &self.keeper,
            file,
            body,
            self.room_bytes,
        )
        .await;
        let staged = staged.map_err(|error| self.with_whole_limit(error))?;
        self.room_bytes -= staged.facts.size_bytes;
        self.staged.push(staged);
        Ok(())
    }

    /// The caller is told the limit of the upload, not what the files before left of it.
    fn with_whole_limit(&self, error: ServiceError) -> ServiceError {
        match error {
            ServiceError::TooLarge { .. } => ServiceError::TooLarge {
                limit_bytes: self.parts.limits.max_upload_bytes,
            },
            other => other,
        }
    }

    /// Inspects and commits all files, or none, and answers their records in the order they came.
    ///
    /// Runs to its end even if the caller goes away.
    ///
    /// # Errors
    ///
    /// `NoFile`, `TypeNotAccepted`, `DigestMismatch`, `Refused`, `UnknownPerson`, `RequestRepeated`;
    /// `Unavailable` where making the whole upload again is right.
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
            keeper,
            staged,
            ..
        } = self;
        let cx = begin_commit(&parts, &cx, &keeper);
        let mut files = Vec::with_capacity(staged.len());
        for file in &staged {
            files.push(prepare(&parts, &cx, file, &fields).await?);
        }
        let upload = NewFiles {
            files,
            idempotency_key: fields.idempotency_key,
        };
        let committed = parts.repository.commit_files(&cx, &upload).await??;
        for file in staged {
            file.promise.keep();
        }
        Ok(committed)
    }
}
