//! File records: each call of the contract as a change or a read.

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, FileChange, FilePage, FileQuery, FileRepository, NewFiles, PageRequest,
    RepositoryError, StoredFile,
};
use attache_model::{
    Context, FileId, FileRecord, FileSeq, Holder, ObjectKey, Person, PersonRef, Revision, TenantId,
};

use super::change::Changing;
use super::commit::Commit;
use super::open::PostgresRepository;
use super::settle::{self, Settling};
use super::transaction::attempt;
use super::{find, list, people};

impl PostgresRepository {
    fn changing<'c>(&'c self, cx: &'c Context, id: FileId) -> Changing<'c> {
        let hook = self.hook();
        Changing { cx, id, hook }
    }
}

#[async_trait]
impl FileRepository for PostgresRepository {
    async fn commit_files(&self, cx: &Context, upload: &NewFiles) -> Attempt<Vec<CommittedFile>> {
        let commit = Commit {
            cx,
            hook: self.hook(),
            files: upload,
            uploaded_by: cx.principal_seq(),
            staging: None,
        };
        let settling = Settling {
            cx,
            files: upload,
            settle_for: self.settle_for(),
        };
        settle::attempt(
            self.pool(),
            "commit_files",
            &settling,
            &commit,
            |connection, commit| Box::pin(commit.run(connection)),
        )
        .await
    }

    async fn find_file(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        const OPERATION: &str = "find_file";
        let mut reader = self.reader(OPERATION).await?;
        let found = find::by_id(&mut reader, cx, id).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn find_file_by_seq(
        &self,
        cx: &Context,
        seq: FileSeq,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        const OPERATION: &str = "find_file_by_seq";
        let mut reader = self.reader(OPERATION).await?;
        let found = find::by_seq(&mut reader, cx, seq).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn find_file_by_key(
        &self,
        cx: &Context,
        key: &ObjectKey,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        const OPERATION: &str = "find_file_by_key";
        let mut reader = self.reader(OPERATION).await?;
        let found = find::by_key(&mut reader, cx, key).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn locate_public_file(&self, id: FileId) -> Result<Option<TenantId>, RepositoryError> {
        const OPERATION: &str = "locate_public_file";
        let mut reader = self.reader(OPERATION).await?;
        let found = find::whose_public(&mut reader, id).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn list_files(
        &self,
        cx: &Context,
        query: &FileQuery,
        page: &PageRequest,
    ) -> Result<FilePage, RepositoryError> {
        const OPERATION: &str = "list_files";
        let mut reader = self.reader(OPERATION).await?;
        let listed = list::page(&mut reader, cx.tenant(), query, page).await;
        listed.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let input = (self.changing(cx, id), change, expected);
        attempt(self.pool(), "change_file", &input, |connection, input| {
            let (changing, change, expected) = input;
            Box::pin(changing.change(connection, change, *expected))
        })
        .await
    }

    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord> {
        let input = (self.changing(cx, id), holder);
        attempt(self.pool(), "claim_file", &input, |connection, input| {
            Box::pin(input.0.claim(connection, input.1))
        })
        .await
    }

    async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Attempt<FileRecord> {
        let input = (self.changing(cx, id), holder);
        attempt(self.pool(), "release_claim", &input, |connection, input| {
            Box::pin(input.0.release(connection, input.1))
        })
        .await
    }

    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = self.changing(cx, id);
        attempt(self.pool(), "archive_file", &input, |connection, it| {
            Box::pin(it.archive(connection))
        })
        .await
    }

    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = self.changing(cx, id);
        attempt(self.pool(), "restore_file", &input, |connection, it| {
            Box::pin(it.restore(connection))
        })
        .await
    }

    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = self.changing(cx, id);
        attempt(self.pool(), "release_hold", &input, |connection, it| {
            Box::pin(it.release_hold(connection))
        })
        .await
    }

    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let input = (self.changing(cx, id), expected);
        attempt(self.pool(), "delete_file", &input, |connection, input| {
            Box::pin(input.0.delete(connection, input.1))
        })
        .await
    }

    async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, RepositoryError> {
        const OPERATION: &str = "find_person";
        let mut reader = self.reader(OPERATION).await?;
        let found = people::find(&mut reader, cx, person).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }
}
