//! The outcome of a commit whose response was lost.

use std::borrow::Borrow;
use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{CommittedFile, Refusal};
use sqlx::PgConnection;

use super::link::Link;
use super::transaction::{BEGIN, Retries, Tried, once};
use crate::failure::Failure;
use crate::records::commit::Commit;
use crate::repository::Changing;
use crate::session::{BlobLocks, Session as _, Statement};

/// The pause between two attempts to ask.
const PAUSE: Duration = Duration::from_millis(100);

/// Commits files by `work`. Where the response to the commit is lost, asks for up to `resolve_for`: if
/// the records exist, it was committed; if they do not, it never will be, and is made again.
pub(super) async fn commit<I, F>(
    link: &Arc<Link>,
    resolve_for: Duration,
    input: &I,
    work: F,
) -> Result<Result<Vec<CommittedFile>, Refusal>, Failure>
where
    I: Borrow<Commit>,
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Changing<'w, Vec<CommittedFile>, Refusal>,
{
    let mut retries = Retries::default();
    loop {
        let failure = match once(link, input, &work).await {
            Tried::Ended(result) => return Ok(result),
            Tried::Failed(failure) => return Err(failure),
            Tried::Again(failure) => failure,
            Tried::Unknown(result, failure) => {
                link.note(&failure);
                tracing::debug!(error = %failure, "the response to a commit was lost; asking");
                let asked = ask_until_told(link, input.borrow(), &result);
                match tokio::time::timeout(resolve_for, asked).await {
                    Ok(true) => return Ok(Ok(result)),
                    Ok(false) => failure,
                    Err(_) => return Err(failure),
                }
            }
        };
        retries.wait_after(failure).await?;
    }
}

async fn ask_until_told(link: &Arc<Link>, commit: &Commit, result: &[CommittedFile]) -> bool {
    loop {
        let asked = link.reach(is_committed(link, commit, result)).await;
        match asked.flatten() {
            Ok(committed) => return committed,
            Err(error) => {
                tracing::debug!(%error, "the outcome of a commit cannot be asked for yet");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Returns `true` if the records of a commit exist.
///
/// The lost transaction may still run on the server, its `COMMIT` not yet read. It holds the locks of
/// the files' own blobs, so this waits for its end at these, and asks in a second statement. It asks
/// for the records as they were returned: one of the same id may be another completion's of the same
/// upload, and a number that was undone is given again.
///
/// A commit that returned existing records alone has left no record: making it again finds the same
/// ones.
async fn is_committed(
    link: &Arc<Link>,
    commit: &Commit,
    result: &[CommittedFile],
) -> Result<bool, Failure> {
    let tenant = commit.cx.tenant();
    let own = commit.upload.files.iter().map(|file| file.blob);
    let locks = BlobLocks {
        ids: own.collect(),
        contents: Vec::new(),
    };
    let mut transaction = link.pool().begin_with(BEGIN).await?;
    transaction.lock_blobs(tenant, locks).await?;
    let mut is_there = false;
    for file in result.iter().filter(|file| !file.deduplicated) {
        let sql = "SELECT 1 FROM files WHERE tenant_id = $1 AND id = $2 AND seq = $3 \
            AND created_at = $4 AND sha256 = $5";
        let record = &file.record;
        let ask = Statement::new(sql)
            .bind(tenant.get())
            .bind(record.id.as_uuid())
            .bind(record.seq.get())
            .bind(record.created_at.as_millis())
            .bind(record.sha256.as_bytes().as_slice());
        is_there = is_there || transaction.exists(ask).await?;
    }
    transaction.rollback().await?;
    Ok(is_there)
}
