//! The identity that the database shares with its store.

use async_trait::async_trait;
use attache_metadata::{ForgottenBlobs, InstallationRepository, InstallationRow, RepositoryError};
use attache_model::{InstallationId, Timestamp};

use crate::call::Call;
use crate::columns::Columns;
use crate::failure::{Failure, RowError};
use crate::repository::{Backend, SqlRepository};
use crate::session::{Session, Statement, integer};

#[async_trait]
impl<B: Backend> InstallationRepository for SqlRepository<B> {
    async fn find_installation(&self) -> Result<Option<InstallationRow>, RepositoryError> {
        self.backend
            .read(Call::of_service("find_installation"), (), |session, ()| {
                Box::pin(find(session))
            })
            .await
    }

    async fn register_installation(
        &self,
        id: InstallationId,
        now: Timestamp,
    ) -> Result<InstallationRow, RepositoryError> {
        self.backend
            .write(
                Call::of_service("register_installation"),
                (id, now),
                |session, (id, now)| {
                    Box::pin(async move {
                        register(session, *id, *now).await?;
                        let row = find(session).await?;
                        row.ok_or(RowError::Missing.into())
                    })
                },
            )
            .await
    }

    async fn advance_generation(&self) -> Result<Option<u64>, RepositoryError> {
        self.backend
            .write(Call::of_service("advance_generation"), (), |session, ()| {
                let sql = "UPDATE installation SET generation = generation + 1 \
                    RETURNING generation";
                Box::pin(session.optional(Statement::new(sql), |row| unsigned(row, 0)))
            })
            .await
    }

    async fn note_signing_key(&self, signing_key: &str) -> Result<Option<String>, RepositoryError> {
        let input = signing_key.to_owned();
        self.backend
            .write(
                Call::of_service("note_signing_key"),
                input,
                |session, signing_key| {
                    Box::pin(async move {
                        let noted = find(session).await?.and_then(|row| row.signing_key);
                        if noted.as_ref() != Some(signing_key) {
                            let sql = "UPDATE installation SET signing_key = $1";
                            let update = Statement::new(sql).bind(signing_key.as_str());
                            session.execute(update).await?;
                        }
                        Ok(noted)
                    })
                },
            )
            .await
    }

    async fn accept_restored(
        &self,
        id: InstallationId,
        generation: u64,
        now: Timestamp,
    ) -> Result<ForgottenBlobs, RepositoryError> {
        let input = (id, generation, now);
        self.backend
            .write(
                Call::of_service("accept_restored"),
                input,
                |session, input| {
                    let (id, generation, now) = *input;
                    Box::pin(async move {
                        register(session, id, now).await?;
                        let sql = "UPDATE installation SET id = $1, generation = $2";
                        let update = Statement::new(sql)
                            .bind(id.as_uuid())
                            .bind(integer("generation", generation)?);
                        session.execute(update).await?;
                        forget_blobs(session).await
                    })
                },
            )
            .await
    }

    async fn sample_storage_keys(&self, limit: u32) -> Result<Vec<String>, RepositoryError> {
        self.backend
            .read(
                Call::of_service("sample_storage_keys"),
                limit,
                |session, limit| {
                    let sql = "SELECT storage_key FROM (SELECT storage_key FROM blobs \
                        WHERE state = 'live' ORDER BY id LIMIT $1) AS oldest \
                    UNION SELECT storage_key FROM (SELECT storage_key FROM blobs \
                        WHERE state = 'live' ORDER BY id DESC LIMIT $1) AS newest";
                    let statement = Statement::new(sql).bind(i64::from(*limit));
                    Box::pin(session.rows(statement, |row| Ok(row.text(0)?.to_owned())))
                },
            )
            .await
    }
}

pub(crate) async fn find<S: Session>(session: &mut S) -> Result<Option<InstallationRow>, Failure> {
    let statement = Statement::new("SELECT id, generation, signing_key FROM installation");
    let read = |row: &dyn Columns| {
        Ok(InstallationRow {
            id: InstallationId::from_uuid(row.id(0)?),
            generation: unsigned(row, 1)?,
            signing_key: row.text_or_null(2)?.map(str::to_owned),
        })
    };
    session.optional(statement, read).await
}

async fn register<S: Session>(
    session: &mut S,
    id: InstallationId,
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT INTO installation (place, id, generation, created_at) \
        VALUES (1, $1, 0, $2) ON CONFLICT (place) DO NOTHING";
    let insert = Statement::new(sql).bind(id.as_uuid()).bind(now.as_millis());
    session.execute(insert).await?;
    Ok(())
}

/// Forgets the blobs whose later fate a restored database cannot know. What is `deleting` was decided
/// for good before the copy was made, whichever database goes on.
async fn forget_blobs<S: Session>(session: &mut S) -> Result<ForgottenBlobs, Failure> {
    let revive = "UPDATE blobs SET state = 'live' WHERE state = 'condemned' AND EXISTS \
        (SELECT 1 FROM files WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)";
    session.execute(Statement::new(revive)).await?;
    let condemned = "DELETE FROM blobs WHERE state = 'condemned'";
    let condemned = session.execute(Statement::new(condemned)).await?;
    let staging = "DELETE FROM blobs WHERE state = 'staging' AND NOT EXISTS \
        (SELECT 1 FROM uploads WHERE uploads.staging_blob_id = blobs.id)";
    let staging = session.execute(Statement::new(staging)).await?;
    Ok(ForgottenBlobs { staging, condemned })
}

fn unsigned(row: &dyn Columns, at: usize) -> Result<u64, Failure> {
    u64::try_from(row.integer(at)?).map_err(|_| RowError::Column("generation").into())
}
