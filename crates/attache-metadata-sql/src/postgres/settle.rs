//! What became of a commit whose answer was lost.

use std::time::Duration;

use attache_metadata::{Attempt, CommittedFile, NewFiles, Refusal};
use attache_model::Context;
use sqlx::{PgConnection, PgPool, Row as _};

use super::blobs;
use super::failure::Failure;
use super::transaction::{BEGIN, Patience, Tried, Working, once};

/// The pause between two attempts to ask.
const PAUSE: Duration = Duration::from_millis(100);

/// What has to be known of a commit to find out what became of it.
pub(super) struct Settling<'u> {
    pub(super) cx: &'u Context,
    /// The files it commits.
    pub(super) files: &'u NewFiles,
    /// How long to ask, at most.
    pub(super) settle_for: Duration,
}

/// Commits files by `work`, and where the answer to the commit is lost, finds it out: if the records
/// are there, it was committed; if they are not, it never will be, and is made again.
pub(super) async fn attempt<I, F>(
    pool: &PgPool,
    operation: &'static str,
    settling: &Settling<'_>,
    input: &I,
    work: F,
) -> Attempt<Vec<CommittedFile>>
where
    I: Sync,
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Committing<'w> + Sync,
{
    let made = commit_and_settle(pool, settling, input, work).await;
    made.map_err(|failure| failure.in_operation(operation))
}

/// The work of a commit.
type Committing<'w> = Working<'w, Vec<CommittedFile>, Refusal>;

async fn commit_and_settle<I, F>(
    pool: &PgPool,
    settling: &Settling<'_>,
    input: &I,
    work: F,
) -> Result<Result<Vec<CommittedFile>, Refusal>, Failure>
where
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Committing<'w>,
{
    let mut patience = Patience::default();
    loop {
        let failure = match once(pool, input, &work).await {
            Tried::Settled(answer) => return Ok(answer),
            Tried::Failed(failure) => return Err(failure),
            Tried::Again(failure) => failure,
            Tried::Unknown(answer, failure) => {
                tracing::warn!(error = %failure, "a commit was not answered; asking");
                let asked = ask_until_answered(pool, settling, &answer);
                match tokio::time::timeout(settling.settle_for, asked).await {
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
    settling: &Settling<'_>,
    answer: &[CommittedFile],
) -> bool {
    loop {
        match is_committed(pool, settling, answer).await {
            Ok(committed) => return committed,
            Err(error) => {
                tracing::debug!(%error, "what became of a commit cannot be asked yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether the records of a commit are there.
///
/// The lost transaction may still run on the server, its `COMMIT` not yet read. It holds the locks of
/// the files' own blobs, so this waits for its end at these, and asks in a second statement. It asks
/// for the records' numbers, which no other commit gives: a record of the same id may be another
/// completion's of the same upload.
///
/// A commit that was answered with existing records alone has left no record: making it again finds
/// the same ones.
async fn is_committed(
    pool: &PgPool,
    settling: &Settling<'_>,
    answer: &[CommittedFile],
) -> Result<bool, sqlx::Error> {
    let tenant = settling.cx.tenant();
    let files = settling.files.files.iter();
    let own = files.map(|file| file.blob.as_uuid()).collect();
    let new = answer.iter().filter(|file| !file.deduplicated);
    let numbers: Vec<_> = new.map(|file| file.record.seq.get()).collect();
    let mut transaction = pool.begin_with(BEGIN).await?;
    blobs::lock(&mut transaction, tenant, own).await?;
    let ask = "SELECT EXISTS (SELECT 1 FROM files WHERE tenant_id = $1 AND seq = ANY($2))";
    let ask = sqlx::query(ask).bind(tenant.get()).bind(numbers);
    let row = ask.fetch_one(&mut *transaction).await?;
    let is_there = row.try_get(0)?;
    transaction.rollback().await?;
    Ok(is_there)
}
