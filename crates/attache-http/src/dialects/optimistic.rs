//! Optimistic concurrency: a file is read, checked, and changed only at the revision that was checked.

use attache_model::{Context, FileId, FileRecord};
use attache_service::{FileService, ServiceError};

use crate::problem::{Problem, ProblemKind};

/// The most attempts on a file that keeps changing between the check and the update.
const TRIES: u32 = 5;

/// Updates a file that satisfies `predicate`. `update` is given the record and must expect its revision; if
/// the file has changed in the meantime, it is checked again.
///
/// # Errors
///
/// `not-found` if the file does not satisfy the predicate. After any error nothing was updated.
pub(super) async fn update_if_unchanged<T, U>(
    service: &FileService,
    cx: &Context,
    id: FileId,
    predicate: impl Fn(&FileRecord) -> bool,
    update: impl Fn(FileRecord) -> U,
) -> Result<T, Problem>
where
    U: Future<Output = Result<T, ServiceError>>,
{
    for _ in 0..TRIES {
        let file = service.get_file(cx, id).await?;
        if !predicate(&file) {
            return Err(Problem::not_found());
        }
        match update(file).await {
            Err(ServiceError::RevisionMismatch { .. }) => {}
            outcome => return Ok(outcome?),
        }
    }
    let detail = "the file keeps changing";
    Err(Problem::new(ProblemKind::Unavailable, detail).retry_soon())
}

#[cfg(test)]
mod tests {
    use attache_model::{DisplayName, Filename, PersonIdentifier, PersonRef};
    use attache_service::{Body, Change, FilePatch, IncomingFile, UploadFields};
    use attache_testkit::Fixture;

    use super::*;

    async fn about_a_person(fixture: &Fixture, cx: &Context) -> FileRecord {
        let person = PersonIdentifier::parse("PT-1").unwrap();
        let fields = UploadFields {
            person: Some(PersonRef::Identifier(person)),
            ..UploadFields::default()
        };
        let file = IncomingFile::named(Filename::parse("a.txt").unwrap());
        let body = Body::from(bytes::Bytes::from_static(b"hello"));
        let committed = fixture.service.upload(cx, file, fields, body).await;
        committed.unwrap().record
    }

    fn named(text: &str) -> FilePatch {
        FilePatch {
            name: Some(DisplayName::parse(text).unwrap()),
            ..FilePatch::default()
        }
    }

    #[tokio::test]
    async fn file_that_fails_the_predicate_is_unchanged() {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let before = about_a_person(&fixture, &cx).await;
        let about = |file: &FileRecord| file.person.is_some();
        let service = &fixture.service;
        let outcome = update_if_unchanged(service, &cx, before.id, about, async |current| {
            let without_person = FilePatch {
                person: Change::Clear,
                ..FilePatch::default()
            };
            service
                .change_file(&cx, before.id, without_person, None)
                .await?;
            let (patch, expected) = (named("renamed"), Some(current.revision));
            service.change_file(&cx, before.id, patch, expected).await
        });
        assert!(outcome.await.is_err());
        let after = service.get_file(&cx, before.id).await.unwrap();
        assert_eq!((after.person, after.name), (None, before.name));
    }

    #[tokio::test]
    async fn changed_file_is_retried_a_few_times() {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let file = about_a_person(&fixture, &cx).await;
        let service = &fixture.service;
        for (interruptions, succeeds) in [(TRIES - 1, true), (TRIES, false)] {
            let tries = std::sync::atomic::AtomicU32::new(0);
            let outcome = update_if_unchanged(
                service,
                &cx,
                file.id,
                |_| true,
                async |current| {
                    let nth = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if nth < interruptions {
                        let patch = named(&format!("{interruptions} {nth}"));
                        service.change_file(&cx, file.id, patch, None).await?;
                    }
                    let (patch, expected) = (named("renamed"), Some(current.revision));
                    service.change_file(&cx, file.id, patch, expected).await
                },
            );
            assert_eq!(outcome.await.is_ok(), succeeds, "{interruptions}");
        }
    }
}
