//! Doing something to a file only as it was looked at: what does not fit any more is left alone.

use attache_model::{Context, FileId, FileRecord};
use attache_service::{FileService, ServiceError};

use crate::problem::{Problem, ProblemKind};

/// How often a file is looked at again that changes between the look and the deed.
const TRIES: u32 = 5;

/// Does something to a file that fits, as it was seen: `deed` is given the record that fits, and minds
/// its revision. Where `not-found` or any other problem is answered, nothing was done.
pub(super) async fn as_seen<T, D>(
    service: &FileService,
    cx: &Context,
    id: FileId,
    fits: impl Fn(&FileRecord) -> bool,
    deed: impl Fn(FileRecord) -> D,
) -> Result<T, Problem>
where
    D: Future<Output = Result<T, ServiceError>>,
{
    for _ in 0..TRIES {
        let file = service.get_file(cx, id).await?;
        if !fits(&file) {
            return Err(Problem::not_found());
        }
        match deed(file).await {
            Err(ServiceError::RevisionMismatch { .. }) => {}
            done => return Ok(done?),
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

    async fn about_somebody(fixture: &Fixture, cx: &Context) -> FileRecord {
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
    async fn what_fits_no_longer_is_not_changed() {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let before = about_somebody(&fixture, &cx).await;
        let about = |file: &FileRecord| file.person.is_some();
        let service = &fixture.service;
        let outcome = as_seen(service, &cx, before.id, about, async |seen| {
            let taken_away = FilePatch {
                person: Change::Clear,
                ..FilePatch::default()
            };
            service
                .change_file(&cx, before.id, taken_away, None)
                .await?;
            let (patch, expected) = (named("renamed"), Some(seen.revision));
            service.change_file(&cx, before.id, patch, expected).await
        });
        assert!(outcome.await.is_err());
        let after = service.get_file(&cx, before.id).await.unwrap();
        assert_eq!((after.person, after.name), (None, before.name));
    }

    #[tokio::test]
    async fn what_changed_and_still_fits_is_tried_again_but_not_for_ever() {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let file = about_somebody(&fixture, &cx).await;
        let service = &fixture.service;
        for (interruptions, succeeds) in [(TRIES - 1, true), (TRIES, false)] {
            let tries = std::sync::atomic::AtomicU32::new(0);
            let outcome = as_seen(
                service,
                &cx,
                file.id,
                |_| true,
                async |seen| {
                    let nth = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if nth < interruptions {
                        let patch = named(&format!("{interruptions} {nth}"));
                        service.change_file(&cx, file.id, patch, None).await?;
                    }
                    let (patch, expected) = (named("renamed"), Some(seen.revision));
                    service.change_file(&cx, file.id, patch, expected).await
                },
            );
            assert_eq!(outcome.await.is_ok(), succeeds, "{interruptions}");
        }
    }
}
