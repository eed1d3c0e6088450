//! What became of a commit whose answer was lost.

use std::time::Duration;

use attache_metadata::{Attempt, CommittedFile, NewFiles};
use attache_model::Context;
use sqlx::{PgPool, Row as _};

use super::blobs;
use super::commit::Commit;
use super::failure::Failure;
use super::transaction::{BEGIN, Patience, Tried, once};

/// The pause between two attempts to ask.
const PAUSE: Duration = Duration::from_millis(100);

/// Commits an upload, and where the answer to the commit is lost, finds it out, for at most
/// `settle_for`: if the records are there, it was committed; if they are not, it never will be, and
/// is made again.
pub(super) async fn commit_files(
    pool: &PgPool,
    commit: &Commit<'_>,
    settle_for: Duration,
) -> Attempt<Vec<CommittedFile>> {
    let made = commit_and_settle(pool, commit, settle_for).await;
    made.map_err(|failure| failure.in_operation("commit_files"))
}

async fn commit_and_settle(
    pool: &PgPool,
    commit: &Commit<'_>,
    settle_for: Duration,
) -> Result<Result<Vec<CommittedFile>, attache_metadata::Refusal>, Failure> {
    let mut patience = Patience::default();
    loop {
        let tried = once(pool, commit, &|connection, commit: &Commit<'_>| {
            Box::pin(commit.run(connection))
        });
        let failure = match tried.await {
            Tried::Settled(answer) => return Ok(answer),
            Tried::Failed(failure) => return Err(failure),
            Tried::Again(failure) => failure,
            Tried::Unknown(answer, failure) => {
                tracing::warn!(error = %failure, "an upload's commit was not answered; asking");
                let asked = ask_until_answered(pool, commit.cx, commit.upload, &answer);
                match tokio::time::timeout(settle_for, asked).await {
                    Ok(true) => return Ok(Ok(answer)),
                    Ok(false) => failure,
                    Err(_) => return Err(failure),
                }
            }
        };
        patience.wait_after(failure).await?;
    }
}

async fn ask_until_answered(
    pool: &PgPool,
    cx: &Context,
    upload: &NewFiles,
    answer: &[CommittedFile],
) -> bool {
    loop {
        match is_committed(pool, cx, upload, answer).await {
            Ok(committed) => return committed,
            Err(error) => {
                tracing::debug!(%error, "what became of an upload cannot be asked yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the records of an upload are there.
///
/// The lost transaction may still run on the server, its `COMMIT` not yet read. It holds the locks of
/// the upload's own blobs, so this waits for its end at these, and asks in a second statement.
///
/// An upload that was answered with existing records alone has left no record: making it again
/// finds the same ones.
async fn is_committed(
    pool: &PgPool,
    cx: &Context,
    upload: &NewFiles,
    answer: &[CommittedFile],
) -> Result<bool, sqlx::Error> {
    let own = upload
        .files
        .iter()
        .map(|file| file.blob.as_uuid())
        .collect();
    let new = answer.iter().filter(|file| !file.deduplicated);
    let ids: Vec<_> = new.map(|file| file.record.id.as_uuid()).collect();
    let mut transaction = pool.begin_with(BEGIN).await?;
    blobs::lock(&mut transaction, cx.tenant(), own).await?;
    let ask = "SELECT EXISTS (SELECT 1 FROM files WHERE tenant_id = $1 AND id = ANY($2))";
    let ask = sqlx::query(ask).bind(cx.tenant().get()).bind(ids);
    let row = ask.fetch_one(&mut *transaction).await?;
    let is_there = row.try_get(0)?;
    transaction.rollback().await?;
    Ok(is_there)
}
