//! Two processes on one database, as two repositories with a pool each.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_metadata::{
    BlobRepository as _, FileQuery, FileRepository as _, NewFiles, PageRequest, ReapStage, Refusal,
};
use attache_metadata_sql::PostgresRepository;
use attache_model::{BlobId, Holder, PersonIdentifier, PersonRef, Principal};
use futures_util::future::{join_all, try_join_all};

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place, upload};

/// A database, its two repositories and a tenant.
struct Pair {
    place: Place<ServerDatabase>,
    repositories: [PostgresRepository; 2],
    principal: Principal,
}

impl Pair {
    async fn new() -> Result<Arc<Self>, BoxError> {
        let place = Place::<ServerDatabase>::new().await?;
        // Nothing but the order of locks and questions is to keep records and bytes together here,
        // on a server whose default is another isolation than the one they are made for.
        place
            .database
            .execute(
                "DROP TRIGGER files_refer_to_live_blobs ON files; \
                DROP TRIGGER blobs_are_kept_while_referenced ON blobs; \
                DO $$ BEGIN EXECUTE format('ALTER DATABASE %I \
                SET default_transaction_isolation = serializable', current_database()); END $$",
            )
            .await?;
        let repositories = [place.patient().await?, place.patient().await?];
        let principal = place.tenant(&repositories[0], "north").await?;
        Ok(Arc::new(Self {
            place,
            repositories,
            principal,
        }))
    }

    fn repository(&self, number: usize) -> &PostgresRepository {
        &self.repositories[number % 2]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_claim_wins_across_processes() -> Result<(), BoxError> {
    let pair = Pair::new().await?;
    for round in 0..20 {
        let cx = pair.place.context(&pair.principal);
        let draft = pair.place.draft(pair.repository(0), &cx, round).await?;
        let id = draft.id;
        pair.repository(0)
            .commit_files(&cx, &upload(draft))
            .await??;
        let claims = (0..8).map(|number| {
            let pair = pair.clone();
            tokio::spawn(async move {
                let holder = Holder::parse(&format!("holder {number}"))?;
                let cx = pair.place.context(&pair.principal);
                let claimed = pair.repository(number).claim_file(&cx, id, &holder).await?;
                Ok::<_, BoxError>(claimed)
            })
        });
        let mut winners = 0;
        for claim in join_all(claims).await {
            match claim?? {
                Ok(_) => winners += 1,
                Err(refusal) => assert!(matches!(refusal, Refusal::Claimed { .. })),
            }
        }
        assert_eq!(winners, 1, "round {round}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_uploads_at_once_make_one_record() -> Result<(), BoxError> {
    let pair = Pair::new().await?;
    for round in 0..15 {
        let uploads = (0..6).map(|number| {
            let pair = pair.clone();
            tokio::spawn(async move {
                let cx = pair.place.context(&pair.principal);
                let repository = pair.repository(number);
                let mut draft = pair.place.draft(repository, &cx, round).await?;
                draft.dedup = true;
                let person = PersonIdentifier::parse(&format!("PT-{round}"))?;
                draft.person = Some(PersonRef::Identifier(person));
                let committed = repository.commit_files(&cx, &upload(draft)).await??;
                Ok::<_, BoxError>(committed[0].record.id)
            })
        });
        let mut ids = HashSet::new();
        for id in join_all(uploads).await {
            ids.insert(id??);
        }
        assert_eq!(ids.len(), 1, "round {round}");
    }
    let live = "SELECT count(*) FROM blobs WHERE state = 'live'";
    assert_eq!(pair.place.count(live).await?, 15);
    assert_eq!(pair.place.count("SELECT count(*) FROM people").await?, 15);
    Ok(())
}

/// Uploads that need the same blobs and people in different orders neither lock each other for good
/// nor fail.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_cross_all_succeed() -> Result<(), BoxError> {
    let pair = Pair::new().await?;
    let uploads = (0..6_usize).map(|number| {
        let pair = pair.clone();
        tokio::spawn(async move {
            let repository = pair.repository(number);
            for round in 0..10_u64 {
                let cx = pair.place.context(&pair.principal);
                let mut contents = [round * 10, round * 10 + 1, round * 10 + 2];
                contents.rotate_left(number % 3);
                let mut files = Vec::new();
                for content in contents {
                    let mut draft = pair.place.draft(repository, &cx, content).await?;
                    let person = PersonIdentifier::parse(&format!("PT-{content}"))?;
                    draft.person = Some(PersonRef::Identifier(person));
                    files.push(draft);
                }
                let idempotency_key = None;
                let all = NewFiles {
                    files,
                    idempotency_key,
                };
                repository.commit_files(&cx, &all).await??;
            }
            Ok::<_, BoxError>(())
        })
    });
    for done in join_all(uploads).await {
        done??;
    }
    assert_eq!(pair.place.count("SELECT count(*) FROM files").await?, 180);
    assert_eq!(pair.place.count("SELECT count(*) FROM people").await?, 30);
    Ok(())
}

const ROUNDS: u64 = 150;
/// So few that uploads, deletions and reapers meet at the same blobs all the time.
const CONTENTS: u64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn record_never_loses_its_bytes_to_a_reaper() -> Result<(), BoxError> {
    let pair = Pair::new().await?;
    let reaped = Arc::new(Mutex::new(HashSet::new()));
    let over = Arc::new(AtomicBool::new(false));
    let reapers: Vec<_> = (0..2)
        .map(|number| {
            tokio::spawn(reap_until(
                pair.clone(),
                number,
                reaped.clone(),
                over.clone(),
            ))
        })
        .collect();
    let uploads = (0..3).map(|number| tokio::spawn(upload_all(pair.clone(), number)));
    let deletions = (0..3).map(|number| tokio::spawn(delete_all(pair.clone(), number)));
    let done = join_all(uploads.chain(deletions)).await;
    over.store(true, Ordering::Relaxed);
    for done in done.into_iter().chain(join_all(reapers).await) {
        done??;
    }
    check_once(&pair).await?;
    assert!(
        !reaped.lock().unwrap().is_empty(),
        "the reapers met nothing"
    );
    let referenced = reaped.lock().unwrap().clone();
    for blob in referenced {
        let sql = "SELECT count(*) FROM files WHERE blob_id = $1";
        let counted = sqlx::query_scalar::<_, i64>(sql).bind(blob.as_uuid());
        let count = counted
            .fetch_one(&mut pair.place.database.connect().await?)
            .await?;
        assert_eq!(count, 0, "a record refers to bytes that were reaped");
    }
    Ok(())
}

async fn upload_all(pair: Arc<Pair>, number: usize) -> Result<(), BoxError> {
    for round in 0..ROUNDS {
        let repository = pair.repository(number);
        let cx = pair.place.context(&pair.principal);
        let mut draft = pair.place.draft(repository, &cx, round % CONTENTS).await?;
        draft.dedup = round % 2 == 0;
        repository.commit_files(&cx, &upload(draft)).await??;
    }
    Ok(())
}

async fn delete_all(pair: Arc<Pair>, number: usize) -> Result<(), BoxError> {
    for _ in 0..ROUNDS {
        let repository = pair.repository(number);
        let cx = pair.place.context(&pair.principal);
        let page = PageRequest {
            limit: 4,
            after: None,
        };
        let page = repository
            .list_files(&cx, &FileQuery::default(), &page)
            .await?;
        let deletions = page
            .files
            .iter()
            .map(|file| repository.delete_file(&cx, file.id, None));
        for deleted in try_join_all(deletions).await? {
            assert!(
                matches!(deleted, Ok(_) | Err(Refusal::NotFound)),
                "{deleted:?}"
            );
        }
    }
    Ok(())
}

/// Reaps, and looks for records without bytes, until the others have ended.
async fn reap_until(
    pair: Arc<Pair>,
    number: usize,
    reaped: Arc<Mutex<HashSet<BlobId>>>,
    over: Arc<AtomicBool>,
) -> Result<(), BoxError> {
    let hour = Duration::from_hours(1);
    while !over.load(Ordering::Relaxed) {
        let repository = pair.repository(number);
        for task in repository.take_reapable(5, hour).await? {
            let is_new = reaped.lock().unwrap().insert(task.id);
            assert!(is_new, "a task was handed out twice");
            repository
                .finish_reap(task.id, ReapStage::Delete, hour)
                .await?;
        }
        check_once(&pair).await?;
    }
    Ok(())
}

async fn check_once(pair: &Pair) -> Result<(), BoxError> {
    let lost = "SELECT count(*) FROM files LEFT JOIN blobs ON blobs.id = files.blob_id \
        WHERE blobs.state IS NULL OR blobs.state NOT IN ('live', 'condemned')";
    assert_eq!(pair.place.count(lost).await?, 0, "records without bytes");
    Ok(())
}
