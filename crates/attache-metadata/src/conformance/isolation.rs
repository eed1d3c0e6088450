//! Isolation: a tenant sees nothing of another.

use attache_model::{Context, FileRecord, Holder, PersonId, PersonRef, Visibility};

use super::world::{
    CheckResult, HOUR, Problem, World, accepted, ensure, ensure_eq, is_deleted, person, refused,
};
use crate::{Attempt, Change, FileChange, FileQuery, Refusal, StateFilter};

/// Returns the contexts of two tenants, and a file of the first.
async fn two_tenants(world: &World) -> Result<(Context, Context, FileRecord), Problem> {
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let mut draft = world.draft(&north, "ours").await?;
    draft.person = Some(person("PT-1")?);
    draft.held = true;
    let ours = world.commit(&north, draft).await?.record;
    world.file(&south, "theirs").await?;
    Ok((north, south, ours))
}

pub(super) async fn foreign_records_are_not_found(world: &World) -> CheckResult {
    let repository = world.repository();
    let (north, south, ours) = two_tenants(world).await?;
    let id = ours.id;
    // The other tenant has fewer files, so none with this number.
    let second = world.file(&north, "second").await?;
    for (found, what) in [
        (repository.find_file(&south, id).await?, "id"),
        (
            repository.find_file_by_seq(&south, second.seq).await?,
            "number",
        ),
        (repository.find_file_by_key(&south, &ours.key).await?, "key"),
    ] {
        ensure_eq!(found, None, "a foreign file by its {what}");
    }
    accepted(repository.delete_file(&north, second.id, None).await)?;
    let holder = Holder::parse("a")?;
    let change = FileChange {
        visibility: Some(Visibility::Public),
        ..FileChange::default()
    };
    let revision = Some(ours.revision);
    let attempts: [(&str, Attempt<FileRecord>); 9] = [
        (
            "change",
            repository.change_file(&south, id, &change, None).await,
        ),
        (
            "empty change",
            repository
                .change_file(&south, id, &FileChange::default(), None)
                .await,
        ),
        ("claim", repository.claim_file(&south, id, &holder).await),
        (
            "release",
            repository.release_claim(&south, id, &holder).await,
        ),
        ("archive", repository.archive_file(&south, id).await),
        ("restore", repository.restore_file(&south, id).await),
        (
            "release of the hold",
            repository.release_hold(&south, id).await,
        ),
        ("deletion", repository.delete_file(&south, id, None).await),
        (
            "deletion at a revision",
            repository.delete_file(&south, id, revision).await,
        ),
    ];
    for (what, attempt) in attempts {
        refused(
            attempt,
            &Refusal::NotFound,
            &format!("the {what} of a foreign file"),
        )?;
    }
    let found = world.stored(&north, id).await?.record;
    ensure_eq!(found, ours, "a file after another tenant tried");
    let everything = FileQuery {
        state: StateFilter::Any,
        ..FileQuery::default()
    };
    for cx in [&north, &south] {
        let listed = world.list(cx, &everything, 10).await?;
        let own = listed.iter().all(|file| file.tenant == cx.tenant());
        ensure!(own && listed.len() == 1, "a list holds a foreign file");
    }
    Ok(())
}

pub(super) async fn foreign_blobs_are_not_touched(world: &World) -> CheckResult {
    let repository = world.repository();
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let ours = world.draft(&north, "ours").await?;
    let renewed = repository
        .renew_lease(&south, ours.blob, ours.lease, HOUR)
        .await?;
    ensure!(!renewed, "a foreign lease is renewed");
    repository
        .abandon_blob(&south, ours.blob, ours.lease)
        .await?;
    let tasks = world.reapable().await?;
    ensure!(
        !is_deleted(&tasks, ours.blob),
        "a foreign blob is abandoned"
    );
    let attempt = world.try_commit(&south, vec![ours.clone()]).await;
    refused(attempt, &Refusal::LeaseLost, "a commit of a foreign blob")?;
    world.commit(&north, ours.clone()).await?;
    // The same for a live blob, by its bytes or its id.
    let mut theirs = world.draft(&south, "ours").await?;
    theirs.blob = ours.blob;
    theirs.lease = ours.lease;
    let attempt = world.try_commit(&south, vec![theirs]).await;
    refused(
        attempt,
        &Refusal::LeaseLost,
        "a commit of a foreign live blob",
    )
}

pub(super) async fn foreign_people_are_unknown(world: &World) -> CheckResult {
    let repository = world.repository();
    let (north, south, ours) = two_tenants(world).await?;
    let about = ours.person.clone();
    let about = about.ok_or_else(|| Problem::new("the person is missing"))?;
    let by_id = PersonRef::Id(about.id);
    for reference in [&by_id, &person("PT-1")?] {
        let found = repository.find_person(&south, reference).await?;
        ensure_eq!(found, None, "a foreign person");
    }
    let mut draft = world.draft(&south, "about a foreign person").await?;
    draft.person = Some(by_id.clone());
    let attempt = world.try_commit(&south, vec![draft]).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a file about a foreign person",
    )?;
    let theirs = world.file(&south, "about nobody").await?;
    let new_id = PersonId::generate(south.now(), &world.random);
    let change = FileChange {
        person: Change::Set((by_id, new_id)),
        ..FileChange::default()
    };
    let attempt = repository
        .change_file(&south, theirs.id, &change, None)
        .await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a change to a foreign person",
    )?;
    let query = FileQuery {
        person: Some(about.id),
        ..FileQuery::default()
    };
    let listed = world.list(&south, &query, 10).await?;
    ensure!(listed.is_empty(), "files about a foreign person are listed");

    // The same identifier is another person in another tenant.
    let change = FileChange {
        person: Change::Set((person("PT-1")?, new_id)),
        ..FileChange::default()
    };
    accepted(
        repository
            .change_file(&south, theirs.id, &change, None)
            .await,
    )?;
    let ours_now = repository.find_person(&north, &person("PT-1")?).await?;
    ensure_eq!(ours_now.as_ref(), Some(&about), "our person");
    let theirs_now = repository.find_person(&south, &person("PT-1")?).await?;
    ensure_eq!(
        theirs_now.map(|person| person.id),
        Some(new_id),
        "their person"
    );
    Ok(())
}

pub(super) async fn public_files_are_located(world: &World) -> CheckResult {
    let repository = world.repository();
    let (north, _, private) = two_tenants(world).await?;
    let mut draft = world.draft(&north, "for all").await?;
    draft.visibility = Visibility::Public;
    let public = world.commit(&north, draft).await?.record;
    let located = repository.locate_public_file(public.id).await?;
    ensure_eq!(located, Some(north.tenant()), "the tenant of a public file");
    let located = repository.locate_public_file(private.id).await?;
    ensure_eq!(located, None, "the tenant of a private file");
    accepted(repository.delete_file(&north, public.id, None).await)?;
    let located = repository.locate_public_file(public.id).await?;
    ensure_eq!(located, None, "the tenant of a deleted file");
    Ok(())
}
