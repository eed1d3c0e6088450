//! The repository of any database, over a backend that says where statements run.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, EventHook, MetadataRepository, Refusal, RepositoryError,
};
use futures_util::future::BoxFuture;

use crate::call::Call;
use crate::failure::{Failure, Stop};
use crate::list::Lists;
use crate::records::commit::Commit;
use crate::session::Session;

/// A [`MetadataRepository`] in an SQL database. The backends are
/// [`SqliteRepository`](crate::SqliteRepository) and `PostgresRepository`, a feature each.
#[derive(Debug)]
pub struct SqlRepository<B> {
    pub(crate) backend: B,
}

/// The statements of a read.
pub(crate) type Reading<'w, T> = BoxFuture<'w, Result<T, Failure>>;

/// The statements of a change, inside its transaction.
pub(crate) type Changing<'w, T, R> = BoxFuture<'w, Result<T, Stop<R>>>;

/// The refusals of a change that cannot be refused.
pub(crate) type Never = std::convert::Infallible;

/// Runs statements somewhere. Work gets its input by reference: a change may be made more than once.
pub(crate) trait Backend: Debug + Send + Sync + 'static {
    type Session: Session + Lists + 'static;

    /// Returns what turns changes into outbox rows.
    fn hook(&self) -> Option<Arc<dyn EventHook>>;

    /// Checks that the database responds and takes writes.
    fn health(&self) -> impl Future<Output = Result<(), RepositoryError>> + Send;

    /// Reads.
    fn read<I, T, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> impl Future<Output = Result<T, RepositoryError>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'w> Fn(&'w mut Self::Session, &'w I) -> Reading<'w, T> + Send + Sync + 'static;

    /// Makes a change in one transaction, all of it or nothing.
    fn change<I, T, R, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> impl Future<Output = Result<Result<T, R>, RepositoryError>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        R: Send + 'static,
        F: for<'w> Fn(&'w mut Self::Session, &'w I) -> Changing<'w, T, R> + Send + Sync + 'static;

    /// Makes the change that commits uploaded files. Where the response to a commit can be lost, this
    /// resolves its outcome.
    fn commit<I, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> impl Future<Output = Attempt<Vec<CommittedFile>>> + Send
    where
        I: Borrow<Commit> + Send + Sync + 'static,
        F: for<'w> Fn(&'w mut Self::Session, &'w I) -> Changing<'w, Vec<CommittedFile>, Refusal>
            + Send
            + Sync
            + 'static,
    {
        self.change(call, input, work)
    }

    /// Makes a change that is always made or fails.
    fn write<I, T, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> impl Future<Output = Result<T, RepositoryError>> + Send
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'w> Fn(&'w mut Self::Session, &'w I) -> Reading<'w, T> + Send + Sync + 'static,
    {
        async move {
            let changed = self.change::<I, T, Never, _>(call, input, move |session, input| {
                let reading = work(session, input);
                Box::pin(async move { reading.await.map_err(Stop::Failed) })
            });
            match changed.await? {
                Ok(done) => Ok(done),
                Err(never) => match never {},
            }
        }
    }
}

#[async_trait]
impl<B: Backend> MetadataRepository for SqlRepository<B> {
    async fn health(&self) -> Result<(), RepositoryError> {
        self.backend.health().await
    }
}
