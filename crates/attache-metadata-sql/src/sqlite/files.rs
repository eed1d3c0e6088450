//! File records: each call of the contract as a change for the writer or a read.

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
use super::open::SqliteRepository;
use super::{find, list, people};

impl SqliteRepository {
    fn changing(&self, cx: &Context, id: FileId) -> Changing {
        Changing {
            cx: cx.clone(),
            id,
            hook: self.hook(),
        }
    }
}

#[async_trait]
impl FileRepository for SqliteRepository {
    async fn commit_files(&self, cx: &Context, upload: &NewFiles) -> Attempt<Vec<CommittedFile>> {
        let commit = Commit {
            cx: cx.clone(),
            uploaded_by: cx.principal_seq(),
            hook: self.hook(),
            now: self.now(),
        };
        let upload = upload.clone();
        self.writer()
            .attempt("commit_files", move |connection| {
                Box::pin(async move { commit.run(connection, &upload).await })
            })
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
        let changing = self.changing(cx, id);
        let change = change.clone();
        self.writer()
            .attempt("change_file", move |connection| {
                Box::pin(changing.change(connection, change, expected))
            })
            .await
    }

    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        let holder = holder.clone();
        self.writer()
            .attempt("claim_file", move |connection| {
                Box::pin(async move { changing.claim(connection, &holder).await })
            })
            .await
    }

    async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        let holder = holder.clone();
        self.writer()
            .attempt("release_claim", move |connection| {
                Box::pin(async move { changing.release(connection, &holder).await })
            })
            .await
    }

    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        self.writer()
            .attempt("archive_file", move |connection| {
                Box::pin(changing.archive(connection))
            })
            .await
    }

    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        self.writer()
            .attempt("restore_file", move |connection| {
                Box::pin(changing.restore(connection))
            })
            .await
    }

    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        self.writer()
            .attempt("release_hold", move |connection| {
                Box::pin(changing.release_hold(connection))
            })
            .await
    }

    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let changing = self.changing(cx, id);
        self.writer()
            .attempt("delete_file", move |connection| {
                Box::pin(changing.delete(connection, expected))
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
