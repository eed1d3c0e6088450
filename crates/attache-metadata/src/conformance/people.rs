//! People: registered by the first write that names them, never by a lookup.

use std::collections::HashSet;

use attache_model::{PersonId, PersonRef};
use futures_util::future::join_all;

use super::world::{CheckResult, World, accepted, ensure, ensure_eq, person, refused};
use crate::{FileQuery, Refusal};

pub(super) async fn people_are_registered_once(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let mut commits = Vec::new();
    for number in 0..32 {
        let cx = world.context(&tenancy);
        let mut draft = world.draft(&cx, &format!("page {number}")).await?;
        draft.person = Some(person("PT-1")?);
        commits.push(async move { world.try_commit(&cx, vec![draft]).await });
    }
    let mut ids = HashSet::new();
    for attempt in join_all(commits).await {
        for committed in accepted(attempt)? {
            ids.extend(committed.record.person.map(|person| person.id));
        }
    }
    ensure_eq!(ids.len(), 1, "people registered under one identifier");

    let cx = world.context(&tenancy);
    let repository = world.repository();
    let by_name = repository.find_person(&cx, &person("PT-1")?).await?;
    let found: Vec<_> = by_name.iter().map(|person| person.id).collect();
    ensure_eq!(
        found,
        ids.iter().copied().collect::<Vec<_>>(),
        "the person found"
    );
    let by_id = match &by_name {
        Some(person) => {
            repository
                .find_person(&cx, &PersonRef::Id(person.id))
                .await?
        }
        None => None,
    };
    ensure_eq!(by_id, by_name, "the person by id");
    let mut draft = world.draft(&cx, "last page").await?;
    draft.person = by_name.as_ref().map(|person| PersonRef::Id(person.id));
    let record = world.commit(&cx, draft).await?.record;
    ensure_eq!(
        record.person,
        by_name,
        "the person of a file about a known id"
    );
    Ok(())
}

pub(super) async fn lookups_never_register(world: &World) -> CheckResult {
    let cx = world.context(&world.tenant("north").await?);
    let repository = world.repository();
    for _ in 0..2 {
        let found = repository.find_person(&cx, &person("PT-1")?).await?;
        ensure_eq!(found, None, "a person that no write has named");
    }
    let id = PersonId::generate(cx.now(), &world.random);
    let found = repository.find_person(&cx, &PersonRef::Id(id)).await?;
    ensure_eq!(found, None, "a person with an unknown id");
    world.file(&cx, "about nobody").await?;
    let query = FileQuery {
        person: Some(id),
        ..FileQuery::default()
    };
    let listed = world.list(&cx, &query, 10).await?;
    ensure!(
        listed.is_empty(),
        "files about an unknown person are listed"
    );

    let mut draft = world.draft(&cx, "about an unknown id").await?;
    draft.person = Some(PersonRef::Id(id));
    let attempt = world.try_commit(&cx, vec![draft]).await;
    refused(attempt, &Refusal::UnknownPerson, "an unknown person")
}

pub(super) async fn identifiers_are_compared_by_bytes(world: &World) -> CheckResult {
    let cx = world.context(&world.tenant("north").await?);
    // The last two look alike, and are different letters.
    let identifiers = ["pt-1", "PT-1", "pt-1 ", "é", "\u{435}\u{301}"];
    let mut ids = HashSet::new();
    for identifier in identifiers {
        let mut draft = world.draft(&cx, identifier).await?;
        draft.person = Some(person(identifier)?);
        let about = world.commit(&cx, draft).await?.record.person;
        let kept = about.as_ref().map(|person| person.identifier.as_str());
        ensure_eq!(kept, Some(identifier), "the stored identifier");
        ids.extend(about.map(|person| person.id));
    }
    ensure_eq!(
        ids.len(),
        identifiers.len(),
        "people with different identifiers"
    );
    Ok(())
}
