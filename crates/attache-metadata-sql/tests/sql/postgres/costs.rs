//! The rows that changes and lookups read where there are many records: a few each.

use std::time::Duration;

use attache_metadata::{
    BlobRepository as _, FileQuery, FileRepository as _, PageRequest, ReapStage,
};
use attache_metadata_sql::PostgresRepository;
use attache_model::{Holder, PersonIdentifier, PersonRef, Principal};
use tokio::time::{Instant, sleep};

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place, upload};

/// Enough for the server to make one plan of each statement for all values.
const ROUNDS: u64 = 12;

/// Many blobs in every state but `staging`, and a file for each that is live.
const MANY: &str = "SET session_replication_role = replica; \
    INSERT INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, stored_bytes, \
        created_at, reap_at) \
    SELECT lpad(to_hex(i), 32, '0')::uuid, 1, 'key ' || i, \
        CASE i % 10 WHEN 1 THEN 'gone' WHEN 2 THEN 'deleting' ELSE 'live' END, \
        5, decode(lpad(to_hex(i), 64, '0'), 'hex'), 5, 1, \
        CASE WHEN i % 10 IN (1, 2) THEN 9000000000000 END \
    FROM generate_series(1, 60000) AS i; \
    INSERT INTO files (id, tenant_id, blob_id, name, filename, content_type, size_bytes, sha256, \
        visibility, key, created_at, updated_at, seq) \
    SELECT id, tenant_id, id, 'File', 'file.pdf', 'application/pdf', 5, sha256, 'private', \
        storage_key, 1, 1, row_number() OVER () FROM blobs WHERE state = 'live'; \
    INSERT INTO tenant_sequences SELECT 1, count(*), 1 FROM files; \
    INSERT INTO people (id, tenant_id, identifier, created_at) \
    SELECT id, tenant_id, storage_key, 1 FROM blobs; \
    ANALYZE";

/// Rows and index entries that all sessions have read since the database was made.
const READ: &str = "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)::bigint \
    + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)::bigint";

/// Sessions of others. They report what they read before they are gone from here.
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND backend_type = 'client backend' \
    AND pid <> pg_backend_pid()";

/// Returns the rows read so far, once every session has reported.
async fn read_so_far(place: &Place<ServerDatabase>) -> Result<i64, BoxError> {
    let deadline = Instant::now() + Duration::from_mins(1);
    while place.count(OTHERS).await? > 0 {
        assert!(Instant::now() < deadline, "a session does not end");
        sleep(Duration::from_millis(50)).await;
    }
    place.count(READ).await
}

async fn work(
    place: &Place<ServerDatabase>,
    repository: &PostgresRepository,
    principal: &Principal,
) -> Result<(), BoxError> {
    for round in 0..ROUNDS {
        let cx = place.context(principal);
        for repeated in [false, true] {
            let mut draft = place.draft(repository, &cx, 1 << 40 | round).await?;
            draft.dedup = repeated;
            let person = PersonIdentifier::parse(&format!("new {round}"))?;
            draft.person = Some(PersonRef::Identifier(person));
            let committed = repository.commit_files(&cx, &upload(draft)).await??;
            assert_eq!(committed[0].deduplicated, repeated);
            let id = committed[0].record.id;
            assert!(repository.find_file(&cx, id).await?.is_some());
            if repeated {
                let holder = Holder::parse("a")?;
                repository.claim_file(&cx, id, &holder).await??;
                repository.release_claim(&cx, id, &holder).await??;
                repository.archive_file(&cx, id).await??;
                repository.delete_file(&cx, id, None).await??;
            }
        }
        let page = PageRequest {
            limit: 10,
            after: None,
        };
        repository
            .list_files(&cx, &FileQuery::default(), &page)
            .await?;
        let hour = Duration::from_hours(1);
        for task in repository.take_reapable(10, hour).await? {
            repository
                .finish_reap(task.id, ReapStage::Delete, hour)
                .await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn calls_read_a_few_rows_each() -> Result<(), BoxError> {
    let place = Place::<ServerDatabase>::new().await?;
    let founder = place.patient().await?;
    let principal = place.tenant(&founder, "north").await?;
    founder.close().await;
    place.database.execute(MANY).await?;
    let before = read_so_far(&place).await?;
    let repository = place.patient().await?;
    work(&place, &repository, &principal).await?;
    repository.close().await;
    let read = read_so_far(&place).await? - before;
    // Measured: about 100 a round, which is some forty statements and their foreign keys.
    let most = i64::try_from(ROUNDS)? * 300;
    assert!(read > 0 && read < most, "{read} rows read, {most} expected");
    Ok(())
}
