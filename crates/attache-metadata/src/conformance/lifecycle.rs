//! Lifecycle: archive, restore, changes of fields, deletion.

use attache_model::{
    Category, Description, DisplayName, Filename, PersonId, PersonRef, Revision, Visibility,
};

use super::world::{
    CheckResult, Problem, World, accepted, category, ensure, ensure_eq, person, refused,
};
use crate::{Change, FileChange, Refusal};

pub(super) async fn archiving_and_restoring_are_idempotent(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let file = world.file(&world.context(&tenancy), "put away").await?;
    let cx = world.context(&tenancy);
    let restored = accepted(repository.restore_file(&cx, file.id).await)?;
    ensure_eq!(restored, file, "an active file after it was restored");
    let archived = accepted(repository.archive_file(&cx, file.id).await)?;
    ensure_eq!(
        archived.archived_at,
        Some(cx.now()),
        "the time of archiving"
    );
    ensure_eq!(archived.updated_at, cx.now(), "the update time");
    ensure!(
        archived.revision > file.revision,
        "archiving does not change the revision"
    );
    let later = world.context(&tenancy);
    let again = accepted(repository.archive_file(&later, file.id).await)?;
    ensure_eq!(again, archived, "a file archived twice");
    let found = world.stored(&later, file.id).await?.record;
    ensure_eq!(found, archived, "an archived file found");
    let restored = accepted(repository.restore_file(&later, file.id).await)?;
    ensure_eq!(
        restored.archived_at,
        None,
        "the archival after it was restored"
    );
    ensure!(
        restored.revision > archived.revision,
        "restoring does not change the revision"
    );
    let again = accepted(
        repository
            .restore_file(&world.context(&tenancy), file.id)
            .await,
    )?;
    ensure_eq!(again, restored, "a file restored twice");
    Ok(())
}

pub(super) async fn fields_change(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let file = world.file(&world.context(&tenancy), "draft").await?;
    let cx = world.context(&tenancy);
    let change = FileChange {
        name: Some(DisplayName::parse("Another name")?),
        filename: Some(Filename::parse("other.pdf")?),
        description: Change::Set(Description::parse("words")?),
        category: Change::Set(Category::parse("medical")?),
        person: Change::Keep,
        visibility: Some(Visibility::Public),
    };
    let changed = accepted(repository.change_file(&cx, file.id, &change, None).await)?;
    let mut expected = file.clone();
    expected.name = DisplayName::parse("Another name")?;
    expected.filename = Filename::parse("other.pdf")?;
    expected.description = Some(Description::parse("words")?);
    expected.category = category("medical")?;
    expected.visibility = Visibility::Public;
    expected.updated_at = cx.now();
    expected.revision = changed.revision;
    ensure_eq!(
        changed,
        expected,
        "the changed record; its key never changes"
    );
    ensure!(
        changed.revision > file.revision,
        "a change keeps the revision"
    );
    let found = world.stored(&cx, file.id).await?.record;
    ensure_eq!(found, changed, "the changed record found");

    let cx = world.context(&tenancy);
    let change = FileChange {
        description: Change::Clear,
        category: Change::Clear,
        ..FileChange::default()
    };
    let cleared = accepted(repository.change_file(&cx, file.id, &change, None).await)?;
    let texts = (cleared.description, cleared.category);
    ensure_eq!(
        texts,
        (None, None),
        "description and category after they were cleared"
    );
    ensure_eq!(cleared.name, changed.name, "a field that was not named");
    accepted(repository.archive_file(&cx, file.id).await)?;
    let change = FileChange {
        visibility: Some(Visibility::Private),
        ..FileChange::default()
    };
    let changed = accepted(repository.change_file(&cx, file.id, &change, None).await)?;
    ensure_eq!(
        changed.visibility,
        Visibility::Private,
        "an archived file's visibility"
    );
    Ok(())
}

pub(super) async fn empty_changes_keep_the_revision(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let mut draft = world.draft(&cx, "steady").await?;
    draft.person = Some(person("PT-1")?);
    let file = world.commit(&cx, draft).await?.record;
    let id = PersonId::generate(cx.now(), &world.random);
    let same = FileChange {
        name: Some(file.name.clone()),
        filename: Some(file.filename.clone()),
        description: Change::Clear,
        category: Change::Clear,
        person: Change::Set((person("PT-1")?, id)),
        visibility: Some(file.visibility),
    };
    for change in [FileChange::default(), same] {
        let later = world.context(&tenancy);
        let attempt = repository.change_file(&later, file.id, &change, Some(file.revision));
        ensure_eq!(
            accepted(attempt.await)?,
            file,
            "a record after an empty change"
        );
    }
    Ok(())
}

pub(super) async fn changes_respect_the_revision(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let file = world.file(&cx, "contended").await?;
    let rename = |name: &str| {
        Ok::<_, Problem>(FileChange {
            name: Some(DisplayName::parse(name)?),
            ..FileChange::default()
        })
    };
    let expected = Some(file.revision);
    let first = rename("first")?;
    let changed = accepted(repository.change_file(&cx, file.id, &first, expected).await)?;
    let mismatch = Refusal::RevisionMismatch {
        current: changed.revision,
    };
    for change in [rename("second")?, FileChange::default()] {
        let attempt = repository
            .change_file(&cx, file.id, &change, expected)
            .await;
        refused(attempt, &mismatch, "a change meant for an older revision")?;
    }
    let attempt = repository.delete_file(&cx, file.id, expected).await;
    refused(attempt, &mismatch, "a deletion meant for an older revision")?;
    let ahead = Some(Revision::new(changed.revision.get() + 1));
    let attempt = repository.delete_file(&cx, file.id, ahead).await;
    refused(attempt, &mismatch, "a deletion meant for a later revision")?;
    let found = world.stored(&cx, file.id).await?.record;
    ensure_eq!(found, changed, "the record after refused changes");
    let current = Some(changed.revision);
    let deleted = accepted(repository.delete_file(&cx, file.id, current).await)?;
    ensure_eq!(deleted, changed, "the record as it was deleted");
    Ok(())
}

pub(super) async fn changes_register_people(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let file = world.file(&cx, "about nobody").await?;
    let about = |person: PersonRef, new_id| FileChange {
        person: Change::Set((person, new_id)),
        ..FileChange::default()
    };
    let unknown = PersonId::generate(cx.now(), &world.random);
    let change = about(PersonRef::Id(unknown), unknown);
    let attempt = repository.change_file(&cx, file.id, &change, None).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a change to an unknown person",
    )?;

    let new_id = PersonId::generate(cx.now(), &world.random);
    let change = about(person("PT-1")?, new_id);
    let changed = accepted(repository.change_file(&cx, file.id, &change, None).await)?;
    let registered = repository.find_person(&cx, &person("PT-1")?).await?;
    ensure_eq!(
        registered.as_ref().map(|person| person.id),
        Some(new_id),
        "the new person"
    );
    ensure_eq!(
        changed.person,
        registered,
        "the person of the changed record"
    );
    ensure_eq!(changed.key, file.key, "the key of the changed record");
    let clear = FileChange {
        person: Change::Clear,
        ..FileChange::default()
    };
    let cleared = accepted(repository.change_file(&cx, file.id, &clear, None).await)?;
    ensure_eq!(cleared.person, None, "the person after it was cleared");
    let change = about(PersonRef::Id(new_id), unknown);
    let changed = accepted(repository.change_file(&cx, file.id, &change, None).await)?;
    ensure_eq!(changed.person, registered, "the person of a change by id");
    Ok(())
}

pub(super) async fn deletions_are_final(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let file = world.file(&cx, "gone").await?;
    let last = world.file(&cx, "stays").await?;
    let put_away = world.file(&cx, "put away").await?;
    accepted(repository.archive_file(&cx, put_away.id).await)?;
    let put_away = world.stored(&cx, put_away.id).await?.record;
    for file in [&file, &put_away] {
        let deleted = accepted(repository.delete_file(&cx, file.id, None).await)?;
        ensure_eq!(&deleted, file, "the record as it was deleted");
        let found = repository.find_file(&cx, file.id).await?;
        ensure_eq!(found, None, "a deleted file");
        let attempt = repository.delete_file(&cx, file.id, None).await;
        refused(attempt, &Refusal::NotFound, "deleting twice")?;
    }
    let next = world.file(&cx, "next").await?;
    let highest = put_away.seq.max(last.seq);
    ensure!(
        next.seq > highest,
        "the number of a deleted record is used again"
    );
    world.stored(&cx, last.id).await?;
    Ok(())
}
