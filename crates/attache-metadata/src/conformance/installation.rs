//! The identity that the database shares with its store, and what a restored copy forgets.

use attache_model::InstallationId;

use super::uploads::{begin, new_staged_upload, staging_of};
use super::world::{CheckResult, Problem, World, accepted, ensure, ensure_eq, is_deleted};

fn new_id(world: &World) -> InstallationId {
    InstallationId::generate(world.now(), &world.random)
}

pub(super) async fn id_is_registered_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let found = repository.find_installation().await?;
    ensure_eq!(found, None, "the installation of a new database");
    let id = new_id(world);
    let first = repository.register_installation(id, world.now()).await?;
    ensure_eq!(
        (first.id, first.generation, &first.signing_key),
        (id, 0, &None),
        "a new installation"
    );
    let other = new_id(world);
    let again = repository.register_installation(other, world.now()).await?;
    ensure_eq!(again, first, "an installation registered twice");
    let found = repository.find_installation().await?;
    ensure_eq!(found, Some(first), "the registered installation");
    Ok(())
}

pub(super) async fn generations_rise(world: &World) -> CheckResult {
    let repository = world.repository();
    let none = repository.advance_generation().await?;
    ensure_eq!(none, None, "the generation of no installation");
    repository
        .register_installation(new_id(world), world.now())
        .await?;
    for expected in 1..4 {
        let advanced = repository.advance_generation().await?;
        ensure_eq!(advanced, Some(expected), "the next generation");
    }
    let row = repository.find_installation().await?;
    let generation = row.map(|row| row.generation);
    ensure_eq!(generation, Some(3), "the generation that is found");
    Ok(())
}

pub(super) async fn signing_key_is_noted(world: &World) -> CheckResult {
    let repository = world.repository();
    repository
        .register_installation(new_id(world), world.now())
        .await?;
    for (next, before) in [
        ("a:1", None),
        ("a:1", Some("a:1".to_owned())),
        ("b:2", Some("a:1".to_owned())),
    ] {
        let noted = repository.note_signing_key(next).await?;
        ensure_eq!(noted, before, "the key noted before {next}");
        let row = repository.find_installation().await?;
        let found = row.and_then(|row| row.signing_key);
        ensure_eq!(found.as_deref(), Some(next), "the noted key");
    }
    Ok(())
}

pub(super) async fn restored_database_forgets_doubtful_blobs(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let record = world.file(&cx, "kept").await?;
    let kept = world.stored(&cx, record.id).await?.blob;
    let deleted = world.file(&cx, "deleted").await?;
    let condemned = world.stored(&cx, deleted.id).await?.blob;
    accepted(repository.delete_file(&cx, deleted.id, None).await)?;
    let abandoned = world.draft(&cx, "abandoned").await?;
    repository
        .abandon_blob(&cx, abandoned.blob, abandoned.lease)
        .await?;
    let leased = world
        .draft_leased(&cx, "leased", world.short_duration)
        .await?;
    let staged = new_staged_upload(world, &cx, world.short_duration)?;
    let staging = staging_of(&staged)?.id;
    begin(world, &cx, staged).await?;

    let id = new_id(world);
    let forgotten = repository.accept_restored(id, 41, world.now()).await?;
    ensure_eq!(
        (forgotten.staging, forgotten.condemned),
        (1, 1),
        "the forgotten blobs"
    );
    let row = repository.find_installation().await?;
    let row = row.ok_or_else(|| Problem::new("no installation is registered by a restore"))?;
    ensure_eq!((row.id, row.generation), (id, 41), "the restored half");
    world.advance_past_short().await;
    let tasks = world.reapable().await?;
    for blob in [leased.blob, condemned.id, kept.id] {
        ensure!(!is_deleted(&tasks, blob), "a doubtful blob is deleted");
    }
    ensure!(
        is_deleted(&tasks, abandoned.blob),
        "a blob whose deletion was final is not deleted"
    );
    ensure!(
        is_deleted(&tasks, staging),
        "the staging blob of an upload, which no record refers to, is not deleted"
    );
    ensure!(
        !repository.knows_storage_key(&condemned.storage_key).await?,
        "a forgotten blob is known"
    );
    world.stored(&cx, record.id).await?;
    Ok(())
}

pub(super) async fn sample_holds_live_blobs(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    world.draft(&cx, "staging").await?;
    let sample = repository.sample_storage_keys(2).await?;
    ensure!(sample.is_empty(), "a staging blob is sampled: {sample:?}");
    let mut keys = Vec::new();
    for content in ["a", "b", "c", "d", "e"] {
        let cx = cx.at(world.now());
        let record = world.file(&cx, content).await?;
        keys.push(world.stored(&cx, record.id).await?.blob.storage_key);
    }
    let mut sample = repository.sample_storage_keys(2).await?;
    sample.sort_unstable();
    let mut ends = [&keys[..2], &keys[3..]].concat();
    ends.sort_unstable();
    ensure_eq!(sample, ends, "the oldest and the newest blobs");
    let all = repository.sample_storage_keys(9).await?;
    ensure_eq!(all.len(), keys.len(), "each blob once");
    Ok(())
}
