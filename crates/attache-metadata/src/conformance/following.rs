//! Numbers and creation times: in the order of commits, and a tenant's own, so that a client can follow.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attache_model::{FileId, FileRecord, Timestamp, Visibility};
use futures_util::future::{join_all, join3};

use super::world::{CheckResult, Problem, Tenancy, World, accepted, ensure, ensure_eq};
use crate::{
    FileChange, FileQuery, PageKey, PageRequest, Sort, SortDirection, SortField, StateFilter,
};

pub(super) async fn places_follow_the_order_of_commits(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let now = world.now();
    let mut last = None;
    // The clock of another server is behind, and one stands still.
    for offset in [0, 0, -5000, 1, 5000, 4000] {
        let cx = tenancy.context_at(Timestamp::from_millis(now.as_millis() + offset));
        let drafts = vec![
            world.draft(&cx, &format!("{offset} a")).await?,
            world.draft(&cx, &format!("{offset} b")).await?,
        ];
        for file in accepted(world.try_commit(&cx, drafts).await)? {
            let place = (file.record.seq.get(), file.record.created_at);
            if let Some((number, created_at)) = last {
                let is_later = place.0 > number && place.1 > created_at;
                ensure!(is_later, "{place:?} comes after {last:?}");
            }
            last = Some(place);
        }
    }
    // A change by the server that is behind.
    let early = tenancy.context_at(now);
    let record = world.file(&early, "changed").await?;
    let change = FileChange {
        visibility: Some(Visibility::Public),
        ..FileChange::default()
    };
    let repository = world.repository();
    let changed = repository.change_file(&early, record.id, &change, None);
    let changed = accepted(changed.await)?;
    let is_later = changed.updated_at >= changed.created_at;
    ensure!(is_later, "a record was changed before it was created");
    Ok(())
}

pub(super) async fn numbers_are_a_tenants_own(world: &World) -> CheckResult {
    let north = world.tenant("north").await?;
    let south = world.tenant("south").await?;
    let mut numbers = Vec::new();
    for round in 0..3 {
        let cx = world.context(&north);
        numbers.push(world.file(&cx, &format!("{round}")).await?.seq.get());
        let cx = world.context(&south);
        let record = world.file(&cx, &format!("{round}")).await?;
        let found = world.repository().find_file_by_seq(&cx, record.seq).await?;
        let found = found.map(|file| file.record.id);
        ensure_eq!(found, Some(record.id), "the file of a number");
    }
    ensure_eq!(numbers, [1, 2, 3], "the numbers of a tenant");
    // Not even the number of a deleted file is given again.
    let cx = world.context(&north);
    let last = world.file(&cx, "deleted").await?;
    accepted(world.repository().delete_file(&cx, last.id, None).await)?;
    let next = world.file(&world.context(&north), "next").await?;
    ensure_eq!(next.seq.get(), 5, "the number behind a deleted file's");
    Ok(())
}

pub(super) async fn numbers_have_no_gaps(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let draft = async |content: &str, dedup| {
        let mut draft = world.draft(&cx, content).await?;
        draft.dedup = dedup;
        Ok::<_, Problem>(draft)
    };
    let first = world.commit(&cx, draft("same", true).await?).await?.record;
    // A file that is there already, between two that are new; and a commit that is refused.
    let drafts = vec![
        draft("a", false).await?,
        draft("same", true).await?,
        draft("b", false).await?,
    ];
    let committed = accepted(world.try_commit(&cx, drafts).await)?;
    let numbers = committed.iter().map(|file| file.record.seq.get());
    let numbers: Vec<_> = numbers.collect();
    ensure_eq!(numbers, [2, first.seq.get(), 3], "the numbers of a commit");
    let lost = draft("lost", false).await?;
    let given_up = world.repository().abandon_blob(&cx, lost.blob, lost.lease);
    given_up.await?;
    let drafts = vec![draft("good", false).await?, lost];
    let refused = world.try_commit(&cx, drafts).await?;
    ensure!(refused.is_err(), "a lost lease is not refused");
    let next = world.file(&cx, "next").await?.seq.get();
    ensure_eq!(next, 4, "the number behind a refused commit's");
    Ok(())
}

const WRITERS: usize = 6;
const COMMITS: usize = 12;

const FOLLOWED: Sort = Sort {
    field: SortField::CreatedAt,
    direction: SortDirection::Ascending,
};

/// True while the writers are at work.
struct Writing(AtomicBool);

pub(super) async fn followers_miss_nothing(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let writing = Writing(AtomicBool::new(true));
    let write = async {
        let writers = (0..WRITERS).map(|writer| write(world, &tenancy, writer));
        let written = join_all(writers).await;
        writing.0.store(false, Ordering::Release);
        written.into_iter().collect::<Result<Vec<_>, _>>()
    };
    let (written, by_time, by_cursor) = join3(
        write,
        follow_by_time(world, &tenancy, &writing),
        follow_by_cursor(world, &tenancy, &writing),
    )
    .await;
    let written: HashSet<FileId> = written?.into_iter().flatten().collect();
    for (seen, how) in [(by_time?, "the last time"), (by_cursor?, "a cursor")] {
        ensure_eq!(seen.len(), written.len(), "the files seen by {how}");
        let seen: HashSet<FileId> = seen.into_iter().collect();
        ensure!(seen == written, "other files are seen by {how}");
    }
    Ok(())
}

/// Commits one file and two in turn, by a clock that differs from the other writers'.
async fn write(world: &World, tenancy: &Tenancy, writer: usize) -> Result<Vec<FileId>, Problem> {
    let mut ids = Vec::new();
    for number in 0..COMMITS {
        let skew = Duration::from_millis(u64::try_from(writer).unwrap_or(0) * 7);
        let cx = tenancy.context_at(world.now().plus(skew));
        let mut drafts = Vec::new();
        for page in 0..=number % 2 {
            let content = format!("{writer} {number} {page}");
            drafts.push(world.draft(&cx, &content).await?);
        }
        let committed = accepted(world.try_commit(&cx, drafts).await)?;
        ids.extend(committed.iter().map(|file| file.record.id));
    }
    Ok(ids)
}

/// Lists again and again what was created after the last record seen.
async fn follow_by_time(
    world: &World,
    tenancy: &Tenancy,
    writing: &Writing,
) -> Result<Vec<FileId>, Problem> {
    let mut seen = Vec::new();
    let mut query = FileQuery {
        sort: FOLLOWED,
        ..FileQuery::default()
    };
    loop {
        let is_last = !writing.0.load(Ordering::Acquire);
        let files = world.list(&world.context(tenancy), &query, 5).await?;
        if let Some(last) = files.last() {
            query.uploaded_after = Some(last.created_at);
        }
        seen.extend(files.iter().map(|file: &FileRecord| file.id));
        if is_last {
            return Ok(seen);
        }
    }
}

/// Lists again and again what is behind the last record seen.
async fn follow_by_cursor(
    world: &World,
    tenancy: &Tenancy,
    writing: &Writing,
) -> Result<Vec<FileId>, Problem> {
    let mut seen = Vec::new();
    let mut after = None;
    let query = FileQuery {
        sort: FOLLOWED,
        state: StateFilter::Any,
        ..FileQuery::default()
    };
    loop {
        let is_last = !writing.0.load(Ordering::Acquire);
        loop {
            let page = PageRequest {
                limit: 3,
                after: after.clone(),
            };
            let cx = world.context(tenancy);
            let page = world.repository().list_files(&cx, &query, &page).await?;
            seen.extend(page.files.iter().map(|file| file.id));
            let last = page.files.last();
            after = last.map(|it| PageKey::of(it, query.sort.field)).or(after);
            if page.next.is_none() {
                break;
            }
        }
        if is_last {
            return Ok(seen);
        }
    }
}
