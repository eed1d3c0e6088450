//! The records of a repository with one thing wrong.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, FileChange, FilePage, FileQuery, FileRepository, NewFiles, PageRequest,
    Refusal, RepositoryError, SortDirection, StoredFile,
};
use attache_model::{
    Actor, Claim, Context, FileId, FileRecord, FileSeq, Holder, ObjectKey, Person, PersonRef,
    Revision, TenantId, Timestamp,
};

use crate::broken::{Broken, Fault};
use crate::database;

impl Broken {
    /// Returns the record that a winner would get.
    fn as_winner(mut record: FileRecord, cx: &Context, holder: &Holder) -> FileRecord {
        record.claim = Some(Claim {
            used_by: holder.clone(),
            used_at: cx.now(),
        });
        record
    }

    async fn find_anywhere(&self, cx: &Context, id: FileId) -> Option<StoredFile> {
        for foreign in anywhere(cx) {
            let found = self.inner.find_file(&foreign, id).await.unwrap();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// Returns the context in one tenant after the other.
fn anywhere(cx: &Context) -> impl Iterator<Item = Context> {
    (1..5).map(|tenant| {
        let request_id = cx.request_id().clone();
        Context::for_bearer(TenantId::new(tenant), Actor::Anyone, request_id, cx.now())
    })
}

#[async_trait]
impl FileRepository for Broken {
    async fn commit_files(&self, cx: &Context, upload: &NewFiles) -> Attempt<Vec<CommittedFile>> {
        let mut upload = upload.clone();
        if self.fault == Fault::RecordsNeverShared {
            upload.files.iter_mut().for_each(|file| file.dedup = false);
        }
        if self.fault != Fault::CommitsOneByOne {
            return self.inner.commit_files(cx, &upload).await;
        }
        let mut committed = Vec::new();
        for file in upload.files {
            match self.inner.commit_files(cx, &database::upload(file)).await? {
                Ok(files) => committed.extend(files),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        Ok(Ok(committed))
    }

    async fn find_file(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        if self.fault == Fault::TenantFilterDropped {
            return Ok(self.find_anywhere(cx, id).await);
        }
        self.inner.find_file(cx, id).await
    }

    async fn find_file_by_seq(
        &self,
        cx: &Context,
        seq: FileSeq,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        self.inner.find_file_by_seq(cx, seq).await
    }

    async fn find_file_by_key(
        &self,
        cx: &Context,
        key: &ObjectKey,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        if self.fault == Fault::KeyOfAnyTenant {
            for foreign in anywhere(cx) {
                if let Some(found) = self.inner.find_file_by_key(&foreign, key).await? {
                    return Ok(Some(found));
                }
            }
        }
        self.inner.find_file_by_key(cx, key).await
    }

    async fn locate_public_file(&self, id: FileId) -> Result<Option<TenantId>, RepositoryError> {
        self.inner.locate_public_file(id).await
    }

    async fn list_files(
        &self,
        cx: &Context,
        query: &FileQuery,
        page: &PageRequest,
    ) -> Result<FilePage, RepositoryError> {
        let mut query = query.clone();
        if self.fault == Fault::TimestampsInclusive {
            let earlier = |at: Timestamp| Timestamp::from_millis(at.as_millis() - 1);
            query.uploaded_after = query.uploaded_after.map(earlier);
        }
        let mut request = page.clone();
        let mut page = self.inner.list_files(cx, &query, &request).await?;
        while self.fault == Fault::ListIgnoresTheText
            && page.files.len() < request.limit as usize
            && page.next.is_some()
        {
            request.after = page.next;
            let more = self.inner.list_files(cx, &query, &request).await?;
            page.files.extend(more.files);
            page.next = more.next;
        }
        if self.fault == Fault::ListSkipsTies
            && let Some(next) = &mut page.next
        {
            next.id = FileId::from_uuid(match query.sort.direction {
                SortDirection::Ascending => uuid::Uuid::max(),
                SortDirection::Descending => uuid::Uuid::nil(),
            });
        }
        if self.fault == Fault::ListLosesTheLastPage {
            page.next = None;
        }
        Ok(page)
    }

    async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let expected = expected.filter(|_| self.fault != Fault::RevisionIgnored);
        self.inner.change_file(cx, id, change, expected).await
    }

    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord> {
        let before = self.inner.find_file(cx, id).await?;
        if self.fault == Fault::ClaimReadsThenWrites {
            // All that claim at the same time have read before the first one writes.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let attempt = self.inner.claim_file(cx, id, holder).await?;
        let Some(StoredFile { record, .. }) = before else {
            return Ok(attempt);
        };
        let free = record.claim.is_none();
        let winner = Self::as_winner(record, cx, holder);
        Ok(match (self.fault, attempt) {
            (Fault::ClaimReadsThenWrites, Err(Refusal::Claimed { .. })) if free => Ok(winner),
            (Fault::ClaimAlwaysSucceeds, Err(Refusal::Claimed { .. }))
            | (Fault::ClaimMovesOnRepetition, Ok(_)) => Ok(winner),
            (_, attempt) => attempt,
        })
    }

    async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Attempt<FileRecord> {
        self.inner.release_claim(cx, id, holder).await
    }

    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        if self.fault == Fault::ArchivedTwice {
            let _ = self.inner.restore_file(cx, id).await?;
        }
        self.inner.archive_file(cx, id).await
    }

    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        self.inner.restore_file(cx, id).await
    }

    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        self.inner.release_hold(cx, id).await
    }

    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let deleted = self.inner.delete_file(cx, id, expected).await?;
        if self.fault == Fault::UploadsOutliveTheirRecords && deleted.is_ok() {
            self.begin_again(cx, id).await?;
        }
        Ok(deleted)
    }

    async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, RepositoryError> {
        self.inner.find_person(cx, person).await
    }
}
