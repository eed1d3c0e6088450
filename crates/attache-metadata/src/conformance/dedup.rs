//! Deduplication: equal bytes are stored once per tenant and never shared between tenants; with
//! `dedup`, an existing record is returned.

use attache_model::{Context, FileRecord, Holder, MediaType, PersonRef, Visibility};

use super::world::{
    CheckResult, Problem, World, accepted, category, ensure, ensure_eq, is_deleted, person,
};
use crate::NewFile;

pub(super) async fn equal_bytes_are_stored_once(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let first = world.file(&cx, "same").await?;
    let draft = world.draft(&world.context(&tenancy), "same").await?;
    let (spare, lease) = (draft.blob, draft.lease);
    let second = world.commit(&cx, draft).await?;
    ensure!(!second.deduplicated, "a record is returned without `dedup`");
    ensure!(second.record.id != first.id, "the same record is returned");
    let kept = world.stored(&cx, first.id).await?.blob;
    let shared = world.stored(&cx, second.record.id).await?.blob;
    ensure_eq!(shared, kept, "the blob of the second file");
    let tasks = world.reapable().await?;
    ensure!(is_deleted(&tasks, spare), "the second copy is not reaped");
    ensure!(!is_deleted(&tasks, kept.id), "the shared blob is reaped");
    world.repository().abandon_blob(&cx, spare, lease).await?;

    // Twice in one upload, too.
    let twice = vec![
        world.draft(&cx, "twice").await?,
        world.draft(&cx, "twice").await?,
    ];
    let twice = accepted(world.try_commit(&cx, twice).await)?;
    let mut blobs = Vec::new();
    for file in &twice {
        blobs.push(world.stored(&cx, file.record.id).await?.blob);
    }
    ensure_eq!(
        blobs.first(),
        blobs.last(),
        "the blobs of equal files in one upload"
    );

    // A digest alone is not enough: the size counts, too.
    let mut odd = world.draft(&cx, "same").await?;
    odd.facts.size_bytes += 1;
    let own = odd.blob;
    let odd = world.commit(&cx, odd).await?.record;
    let blob = world.stored(&cx, odd.id).await?.blob;
    ensure_eq!(blob.id, own, "the blob of a file with another size");
    Ok(())
}

pub(super) async fn tenants_never_share_blobs(world: &World) -> CheckResult {
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let ours = world.file(&north, "same").await?;
    let mut draft = world.draft(&south, "same").await?;
    draft.dedup = true;
    let own = draft.blob;
    let theirs = world.commit(&south, draft).await?;
    ensure!(!theirs.deduplicated, "another tenant's record is returned");
    let blob = world.stored(&south, theirs.record.id).await?.blob;
    ensure_eq!(blob.id, own, "the blob of the other tenant's file");
    let blob = world.stored(&north, ours.id).await?.blob;
    ensure!(blob.id != own, "two tenants share a blob");
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "one of two tenants' blobs is reaped: {tasks:?}"
    );
    Ok(())
}

/// Describes a file with `dedup`.
async fn dedup_draft(world: &World, cx: &Context) -> Result<NewFile, Problem> {
    let mut draft = world.draft(cx, "same").await?;
    draft.dedup = true;
    draft.person = Some(person("PT-1")?);
    draft.category = category("images")?;
    Ok(draft)
}

pub(super) async fn equal_uploads_return_the_existing_record(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let first = world.commit(&cx, dedup_draft(world, &cx).await?).await?;
    ensure!(
        !first.deduplicated,
        "the first upload is reported as deduplicated"
    );
    let later = world.context(&tenancy);
    let again = dedup_draft(world, &later).await?;
    let spare = again.blob;
    let again = world.commit(&later, again).await?;
    ensure!(again.deduplicated, "an equal upload creates a record");
    ensure_eq!(again.record, first.record, "the existing record, unchanged");
    ensure!(
        is_deleted(&world.reapable().await?, spare),
        "the copy of an equal upload is not reaped"
    );
    let mut twice = vec![
        dedup_draft(world, &cx).await?,
        dedup_draft(world, &cx).await?,
    ];
    for draft in &mut twice {
        draft.category = category("twice")?;
    }
    let twice = accepted(world.try_commit(&cx, twice).await)?;
    let marks: Vec<_> = twice.iter().map(|file| file.deduplicated).collect();
    ensure_eq!(marks, [false, true], "equal files in one upload");
    ensure_eq!(
        twice.first().map(|file| &file.record),
        twice.last().map(|file| &file.record),
        "the record of equal files in one upload"
    );

    // No person equals no person, and no category equals no category.
    let mut plain = world.draft(&cx, "same").await?;
    plain.dedup = true;
    let plain = world.commit(&cx, plain).await?;
    ensure!(
        !plain.deduplicated,
        "a file about nobody equals one about somebody"
    );
    let mut again = world.draft(&cx, "same").await?;
    again.dedup = true;
    let again = world.commit(&cx, again).await?;
    ensure!(again.deduplicated, "two files about nobody are not equal");
    ensure_eq!(again.record.id, plain.record.id, "the file about nobody");
    Ok(())
}

/// A difference between an existing record and the file that is committed.
struct Difference {
    what: &'static str,
    alter: fn(&mut NewFile) -> Result<(), Problem>,
}

const DIFFERENCES: [Difference; 7] = [
    Difference {
        what: "another person",
        alter: |draft| {
            draft.person = Some(person("PT-2")?);
            Ok(())
        },
    },
    Difference {
        what: "nobody",
        alter: |draft| {
            draft.person = None;
            Ok(())
        },
    },
    Difference {
        what: "another category",
        alter: |draft| {
            draft.category = category("medical")?;
            Ok(())
        },
    },
    Difference {
        what: "no category",
        alter: |draft| {
            draft.category = None;
            Ok(())
        },
    },
    Difference {
        what: "another visibility",
        alter: |draft| {
            draft.visibility = Visibility::Public;
            Ok(())
        },
    },
    Difference {
        what: "another type",
        alter: |draft| {
            draft.content_type = MediaType::parse("audio/webm")?;
            Ok(())
        },
    },
    Difference {
        what: "other bytes",
        alter: |draft| {
            draft.facts.size_bytes += 1;
            Ok(())
        },
    },
];

pub(super) async fn only_eligible_records_are_reused(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let offer = async |what: &str, expected: Option<&FileRecord>| {
        let draft = dedup_draft(world, &world.context(&tenancy)).await?;
        let committed = world.commit(&cx, draft).await?;
        let found = committed.deduplicated.then_some(&committed.record);
        ensure_eq!(
            found,
            expected,
            "the record returned beside one that has or is: {what}"
        );
        Ok::<_, Problem>(committed.record)
    };
    for difference in &DIFFERENCES {
        let mut other = dedup_draft(world, &cx).await?;
        (difference.alter)(&mut other)?;
        other.dedup = false;
        world.commit(&cx, other).await?;
        let created = offer(difference.what, None).await?;
        accepted(repository.delete_file(&cx, created.id, None).await)?;
    }
    let first = offer("different in any way", None).await?;
    let holder = Holder::parse("certificate:1")?;
    accepted(repository.claim_file(&cx, first.id, &holder).await)?;
    let second = offer("claimed", None).await?;
    accepted(repository.archive_file(&cx, second.id).await)?;
    let third = offer("archived", None).await?;
    accepted(repository.delete_file(&cx, third.id, None).await)?;
    let fourth = offer("deleted", None).await?;
    offer("eligible", Some(&fourth)).await?;
    // A released record is eligible again; the oldest eligible record is returned.
    let released = accepted(repository.release_claim(&cx, first.id, &holder).await)?;
    offer("released", Some(&released)).await?;
    // The same person, named by id.
    let mut by_id = dedup_draft(world, &cx).await?;
    by_id.person = released
        .person
        .as_ref()
        .map(|person| PersonRef::Id(person.id));
    let committed = world.commit(&cx, by_id).await?;
    ensure!(
        committed.deduplicated,
        "a person named by id is taken for another"
    );
    Ok(())
}
