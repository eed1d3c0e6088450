//! File records and the people they are about.

mod change;
pub(crate) mod commit;
mod events;
mod fields;
pub(crate) mod find;
mod insert;
pub(crate) mod people;
mod places;
mod repair;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, FileChange, FilePage, FileQuery, FileRepository, NewFiles, PageRequest,
    RepositoryError, StoredFile,
};
use attache_model::{
    Context, FileId, FileRecord, FileSeq, Holder, ObjectKey, Person, PersonRef, Revision, TenantId,
};

use self::change::RecordChange;
use self::commit::Commit;
use crate::call::{Call, Lane};
use crate::list;
use crate::repository::{Backend, SqlRepository};

fn change_of<B: Backend>(backend: &B, cx: &Context, id: FileId) -> RecordChange {
    RecordChange {
        cx: cx.clone(),
        id,
        hook: backend.hook(),
    }
}

#[async_trait]
impl<B: Backend> FileRepository for SqlRepository<B> {
    async fn commit_files(&self, cx: &Context, upload: &NewFiles) -> Attempt<Vec<CommittedFile>> {
        let commit = Commit {
            cx: cx.clone(),
            hook: self.backend.hook(),
            upload: upload.clone(),
        };
        self.backend
            .commit(Call::of(cx, "commit_files"), commit, |session, commit| {
                Box::pin(commit.run(session, commit.cx.principal_seq(), None))
            })
            .await
    }

    async fn find_file(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        let input = (cx.tenant(), id);
        self.backend
            .read(Call::of(cx, "find_file"), input, |session, (tenant, id)| {
                Box::pin(find::by_id(session, *tenant, *id))
            })
            .await
    }

    async fn find_file_by_seq(
        &self,
        cx: &Context,
        seq: FileSeq,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        let input = (cx.tenant(), seq);
        self.backend
            .read(
                Call::of(cx, "find_file_by_seq"),
                input,
                |session, (tenant, seq)| Box::pin(find::by_seq(session, *tenant, *seq)),
            )
            .await
    }

    async fn find_file_by_key(
        &self,
        cx: &Context,
        key: &ObjectKey,
    ) -> Result<Option<StoredFile>, RepositoryError> {
        let input = (cx.tenant(), key.clone());
        self.backend
            .read(
                Call::of(cx, "find_file_by_key"),
                input,
                |session, (tenant, key)| Box::pin(find::by_key(session, *tenant, key)),
            )
            .await
    }

    async fn locate_public_file(&self, id: FileId) -> Result<Option<TenantId>, RepositoryError> {
        self.backend
            .read(
                Call::in_lane(Lane::Public, "locate_public_file"),
                id,
                |session, id| Box::pin(find::tenant_of_public(session, *id)),
            )
            .await
    }

    async fn list_files(
        &self,
        cx: &Context,
        query: &FileQuery,
        page: &PageRequest,
    ) -> Result<FilePage, RepositoryError> {
        let input = (cx.tenant(), query.clone(), page.clone());
        self.backend
            .read(
                Call::of(cx, "list_files").into_list(),
                input,
                |session, (tenant, query, page)| {
                    Box::pin(list::page(session, *tenant, query, page))
                },
            )
            .await
    }

    async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let input = (change_of(&self.backend, cx, id), change.clone(), expected);
        self.backend
            .change(
                Call::of(cx, "change_file"),
                input,
                |session, (it, change, expected)| Box::pin(it.change(session, change, *expected)),
            )
            .await
    }

    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord> {
        let input = (change_of(&self.backend, cx, id), holder.clone());
        self.backend
            .change(
                Call::of(cx, "claim_file"),
                input,
                |session, (it, holder)| Box::pin(it.claim(session, holder)),
            )
            .await
    }

    async fn release_claim(
        &self,
        cx: &Context,
        id: FileId,
        holder: &Holder,
    ) -> Attempt<FileRecord> {
        let input = (change_of(&self.backend, cx, id), holder.clone());
        self.backend
            .change(
                Call::of(cx, "release_claim"),
                input,
                |session, (it, holder)| Box::pin(it.release(session, holder)),
            )
            .await
    }

    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = change_of(&self.backend, cx, id);
        self.backend
            .change(Call::of(cx, "archive_file"), input, |session, it| {
                Box::pin(it.archive(session))
            })
            .await
    }

    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = change_of(&self.backend, cx, id);
        self.backend
            .change(Call::of(cx, "restore_file"), input, |session, it| {
                Box::pin(it.restore(session))
            })
            .await
    }

    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let input = change_of(&self.backend, cx, id);
        self.backend
            .change(Call::of(cx, "release_hold"), input, |session, it| {
                Box::pin(it.release_hold(session))
            })
            .await
    }

    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord> {
        let input = (change_of(&self.backend, cx, id), expected);
        self.backend
            .change(
                Call::of(cx, "delete_file"),
                input,
                |session, (it, expected)| Box::pin(it.delete(session, *expected)),
            )
            .await
    }

    async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, RepositoryError> {
        let input = (cx.tenant(), person.clone());
        self.backend
            .read(
                Call::of(cx, "find_person"),
                input,
                |session, (tenant, person)| Box::pin(people::find(session, *tenant, person)),
            )
            .await
    }
}
