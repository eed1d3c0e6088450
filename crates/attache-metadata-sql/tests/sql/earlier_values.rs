//! Values that earlier versions stored, and that are read differently now.

use attache_model::{Holder, PersonIdentifier, PersonRef};

use crate::database::{BoxError, Database, Place, on_each_database, upload};

on_each_database!(
    decomposed_names_of_before_are_found,
    type_that_is_none_reads_as_octet_stream,
);

async fn decomposed_names_of_before_are_found<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let person = PersonRef::Identifier(PersonIdentifier::parse("Ren\u{e9}")?);
    let holder = Holder::parse("Akt\u{e9}")?;
    let mut draft = place.draft(&*repository, &cx, 1).await?;
    draft.person = Some(person.clone());
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    let record = &committed[0].record;
    repository.claim_file(&cx, record.id, &holder).await??;
    let person_of_before = record.person.as_ref().unwrap().id;
    place
        .database
        .execute("UPDATE people SET identifier = 'Rene\u{301}'")
        .await?;
    place
        .database
        .execute("UPDATE files SET used_by = 'Akte\u{301}'")
        .await?;

    let mut draft = place.draft(&*repository, &cx, 2).await?;
    draft.person = Some(person);
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    let found = committed[0].record.person.as_ref().unwrap();
    assert_eq!(found.id, person_of_before);
    assert_eq!(found.identifier.as_str(), "Ren\u{e9}");
    let released = repository.release_claim(&cx, record.id, &holder).await??;
    assert_eq!(released.claim, None);
    Ok(())
}

async fn type_that_is_none_reads_as_octet_stream<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    place
        .database
        .execute("UPDATE files SET content_type = 'text/'")
        .await?;
    let stored = repository.find_file(&cx, committed[0].record.id).await?;
    assert!(stored.unwrap().record.content_type.is_octet_stream());
    Ok(())
}
