//! Direct uploads through the service: promised, sent by whoever has the link, and a record after that.

use std::sync::Arc;
use std::time::Duration;

use attache_model::{
    Context, FileId, FileRecord, Filename, MediaType, PersonIdentifier, PersonRef, RequestId,
    Scope, Sha256Digest, UploadState, Visibility,
};
use attache_service::{Body, PendingUpload, ServiceError, UploadRequest, UploadTarget};
use attache_testkit::{Fixture, FixtureOptions};

use super::support::{ByContent, assert_nothing_left, body, broken_body, read};

/// The SHA-256 of `hello`.
pub(crate) const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

pub(crate) fn request(content_type: &str) -> UploadRequest {
    UploadRequest::new(
        Filename::parse("a.txt").unwrap(),
        MediaType::parse(content_type).unwrap(),
    )
}

/// `hello`, promised down to the digest.
pub(crate) fn hello() -> UploadRequest {
    UploadRequest {
        size_bytes: Some(5),
        sha256: Some(HELLO.parse::<Sha256Digest>().unwrap()),
        ..request("text/plain")
    }
}

pub(crate) fn pairs(promised: &PendingUpload) -> Vec<(String, String)> {
    let UploadTarget::Service(query) = &promised.target else {
        panic!("the store signs nothing here")
    };
    let pairs = query.pairs();
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

pub(crate) async fn send_as(
    fixture: &Fixture,
    promised: &PendingUpload,
    content_type: Option<&str>,
    body: Body,
) -> Result<FileRecord, ServiceError> {
    let pairs = pairs(promised);
    let declared = content_type.map(|text| MediaType::parse(text).unwrap());
    let request = RequestId::parse("bearer").unwrap();
    fixture
        .service
        .receive_upload(promised.upload.id, &pairs, declared.as_ref(), body, request)
        .await
}

pub(crate) async fn send(
    fixture: &Fixture,
    promised: &PendingUpload,
    bytes: &[u8],
) -> Result<FileRecord, ServiceError> {
    send_as(fixture, promised, Some("text/plain"), body(bytes)).await
}

pub(crate) async fn begin(
    fixture: &Fixture,
    cx: &Context,
    request: UploadRequest,
) -> PendingUpload {
    fixture.service.begin_upload(cx, request).await.unwrap()
}

pub(crate) async fn state(fixture: &Fixture, cx: &Context, id: FileId) -> UploadState {
    fixture.service.find_upload(cx, id).await.unwrap().state
}

#[tokio::test]
async fn what_was_promised_and_sent_is_a_record_under_the_same_id() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = PersonIdentifier::parse("PT-1").unwrap();
    let asked = UploadRequest {
        person: Some(PersonRef::Identifier(person.clone())),
        category: Some("images".parse().unwrap()),
        name: Some("A greeting".parse().unwrap()),
        description: Some("short".parse().unwrap()),
        visibility: Visibility::Public,
        ..hello()
    };
    let promised = begin(&fixture, &cx, asked).await;
    let id = promised.upload.id;
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Pending);
    let before = fixture.service.get_file(&cx, id).await;
    assert!(matches!(before, Err(ServiceError::NotFound)), "{before:?}");

    fixture.clock.advance(Duration::from_secs(40));
    let record = send(&fixture, &promised, b"hello").await.unwrap();
    assert_eq!(record.id, id);
    assert_eq!(record.uploaded_by, cx.principal_seq(), "who began");
    assert_eq!(record.created_at, fixture.now(), "as old as its commit");
    assert_eq!(record.person.as_ref().unwrap().identifier, person);
    assert_eq!(record.category.as_ref().unwrap().as_str(), "images");
    assert_eq!(record.name.as_str(), "A greeting");
    assert_eq!(record.description.as_ref().unwrap().as_str(), "short");
    assert_eq!(record.visibility, Visibility::Public);
    assert_eq!(record.content_type.as_str(), "text/plain");

    let status = fixture.service.find_upload(&cx, id).await.unwrap();
    assert_eq!(status.state, UploadState::Completed);
    assert_eq!(status.file.as_ref(), Some(&record));
    let download = fixture.service.open_download(&cx, id, false).await.unwrap();
    assert_eq!(read(&download).await.unwrap(), b"hello");
    let again = fixture.service.complete_upload(&cx, id).await.unwrap();
    assert_eq!(again, record, "completing it says so again");

    fixture.service.delete_file(&cx, id, None).await.unwrap();
    let gone = fixture.service.complete_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    let gone = fixture.service.find_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    let late = send(&fixture, &promised, b"hello").await;
    assert!(matches!(late, Err(ServiceError::NotFound)), "{late:?}");
}

#[tokio::test]
async fn a_refused_attempt_stores_nothing_and_consumes_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, hello()).await;
    let unknown_size = |bytes: &'static [u8]| {
        let chunk = Ok(bytes::Bytes::from_static(bytes));
        Body::from_stream(futures_util::stream::iter([chunk]))
    };
    for (expected, content_type, body) in [
        ("DigestMismatch", Some("text/plain"), body(b"hellO")),
        ("LengthMismatch", Some("text/plain"), body(b"hello!")),
        ("LengthMismatch", Some("text/plain"), body(b"hell")),
        (
            "LengthMismatch",
            Some("text/plain"),
            unknown_size(b"hello, world"),
        ),
        ("LengthMismatch", Some("text/plain"), unknown_size(b"he")),
        ("BodyAborted", Some("text/plain"), broken_body(b"hel")),
        ("TypeNotAccepted", Some("text/html"), body(b"hello")),
        ("Invalid", None, body(b"hello")),
    ] {
        let outcome = send_as(&fixture, &promised, content_type, body).await;
        let error = format!("{:?}", outcome.unwrap_err());
        assert!(error.starts_with(expected), "{expected}: {error}");
        assert_nothing_left(&fixture, &cx).await;
        let status = fixture.service.find_upload(&cx, promised.upload.id).await;
        assert_eq!(status.unwrap().upload, promised.upload);
    }
    let charset = Some("Text/Plain; charset=utf-8");
    let sent = send_as(&fixture, &promised, charset, body(b"hello")).await;
    assert_eq!(sent.unwrap().id, promised.upload.id);
}

#[tokio::test]
async fn a_type_is_promised_unless_it_says_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (promise, bytes, stored) in [
        (
            "application/pdf",
            &b"%PDF-1.7 x"[..],
            Some("application/pdf"),
        ),
        ("application/pdf", b"no pdf", None),
        ("text/plain", b"%PDF-1.7 x", None),
        (
            "application/octet-stream",
            b"%PDF-1.7 x",
            Some("application/pdf"),
        ),
    ] {
        let promised = begin(&fixture, &cx, request(promise)).await;
        let sent = send_as(&fixture, &promised, Some(promise), body(bytes)).await;
        match (sent, stored) {
            (Ok(record), Some(stored)) => assert_eq!(record.content_type.as_str(), stored),
            (Err(error @ ServiceError::TypeNotAccepted { .. }), None) => {
                let detail = error.to_string();
                let wanted = format!("where only {promise} is accepted");
                assert!(detail.ends_with(&wanted), "{detail}");
            }
            (outcome, _) => panic!("{promise}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_cancelled_upload_takes_nothing_even_what_is_on_its_way() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, hello()).await;
    let id = promised.upload.id;
    let service = fixture.service.clone();
    let cancel_cx = cx.clone();
    // Cancelled when all but the end of the body has been read.
    let chunks = async_stream_of([&b"hel"[..], b"lo"], async move {
        service.cancel_upload(&cancel_cx, id).await.unwrap();
    });
    let sent = send_as(&fixture, &promised, Some("text/plain"), chunks).await;
    assert!(matches!(sent, Err(ServiceError::NotFound)), "{sent:?}");
    let later = send(&fixture, &promised, b"hello").await;
    assert!(matches!(later, Err(ServiceError::NotFound)), "{later:?}");
    let again = fixture.service.cancel_upload(&cx, id).await;
    assert!(matches!(again, Err(ServiceError::NotFound)), "{again:?}");
    assert_nothing_left(&fixture, &cx).await;

    let promised = begin(&fixture, &cx, hello()).await;
    send(&fixture, &promised, b"hello").await.unwrap();
    let late = fixture.service.cancel_upload(&cx, promised.upload.id).await;
    assert!(
        matches!(late, Err(ServiceError::UploadCompleted)),
        "{late:?}"
    );
}

/// Two chunks, between which something happens.
pub(crate) fn async_stream_of(
    chunks: [&'static [u8]; 2],
    between: impl Future<Output = ()> + Send + 'static,
) -> Body {
    let [first, second] = chunks.map(|chunk| Ok(bytes::Bytes::from_static(chunk)));
    let second = async {
        between.await;
        second
    };
    let first = futures_util::stream::iter([first]);
    Body::from_stream(futures_util::StreamExt::chain(
        first,
        futures_util::stream::once(Box::pin(second)),
    ))
}

#[tokio::test]
async fn an_upload_expires_and_is_forgotten_a_day_later() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let asked = UploadRequest {
        expires_in: Some(Duration::from_mins(1)),
        ..hello()
    };
    let promised = begin(&fixture, &cx, asked).await;
    let id = promised.upload.id;
    let early = fixture.service.complete_upload(&cx, id).await;
    assert!(
        matches!(early, Err(ServiceError::UploadIncomplete)),
        "{early:?}"
    );
    fixture.clock.advance(Duration::from_secs(59));
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Pending);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Expired);
    let sent = send(&fixture, &promised, b"hello").await;
    assert!(matches!(sent, Err(ServiceError::LinkExpired)), "{sent:?}");
    let late = fixture.service.complete_upload(&cx, id).await;
    assert!(matches!(late, Err(ServiceError::UploadExpired)), "{late:?}");

    fixture.clock.advance(Duration::from_hours(23));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().forgotten_uploads,
        0
    );
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Expired);
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().forgotten_uploads,
        1
    );
    let gone = fixture.service.find_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn the_record_of_a_forgotten_upload_stays() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, hello()).await;
    let record = send(&fixture, &promised, b"hello").await.unwrap();
    fixture.clock.advance(Duration::from_hours(26));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().forgotten_uploads,
        1
    );
    let kept = fixture.service.get_file(&cx, record.id).await.unwrap();
    assert_eq!(kept, record);
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn a_promise_is_within_bounds() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let lasting = |seconds| UploadRequest {
        expires_in: Some(Duration::from_secs(seconds)),
        ..hello()
    };
    for (refused, expected) in [
        (lasting(0), "Invalid"),
        (lasting(86_401), "Invalid"),
        (
            UploadRequest {
                size_bytes: Some((5 << 30) + 1),
                ..hello()
            },
            "TooLarge",
        ),
        (
            UploadRequest {
                person: Some(PersonRef::Id(
                    "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
                )),
                ..hello()
            },
            "UnknownPerson",
        ),
    ] {
        let error = fixture
            .service
            .begin_upload(&cx, refused)
            .await
            .unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
    for seconds in [1, 86_400] {
        let promised = begin(&fixture, &cx, lasting(seconds)).await;
        let expected = fixture.now().plus(Duration::from_secs(seconds));
        assert_eq!(promised.upload.expires_at, expected);
        assert!(send(&fixture, &promised, b"hello").await.is_ok());
    }
}

#[tokio::test]
async fn who_may_promise_and_for_whom() {
    let fixture = Fixture::new().await;
    let writer = fixture
        .token("a", [Scope::FilesWrite].into_iter().collect())
        .await;
    let request_id = RequestId::parse("r").unwrap();
    let cx = fixture
        .service
        .authenticate(&writer, request_id)
        .await
        .unwrap();
    let public = UploadRequest {
        visibility: Visibility::Public,
        ..hello()
    };
    let refused = fixture.service.begin_upload(&cx, public).await;
    assert!(matches!(
        refused,
        Err(ServiceError::MissingScope(Scope::LinksCreate))
    ));

    let promised = begin(&fixture, &cx, hello()).await;
    let id = promised.upload.id;
    let foreign = fixture.context("b").await;
    let service = &fixture.service;
    assert!(matches!(
        service.find_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    assert!(matches!(
        service.complete_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    assert!(matches!(
        service.cancel_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    let other = begin(&fixture, &foreign, hello()).await;
    let stolen = PendingUpload {
        target: other.target,
        ..promised
    };
    let sent = send_as(&fixture, &stolen, Some("text/plain"), body(b"hello")).await;
    assert!(matches!(sent, Err(ServiceError::InvalidLink)), "{sent:?}");

    let reader = fixture
        .token("a", [Scope::FilesRead].into_iter().collect())
        .await;
    let request_id = RequestId::parse("r").unwrap();
    let reader = service.authenticate(&reader, request_id).await.unwrap();
    for refused in [
        service.begin_upload(&reader, hello()).await.map(|_| ()),
        service.find_upload(&reader, id).await.map(|_| ()),
        service.complete_upload(&reader, id).await.map(|_| ()),
        service.cancel_upload(&reader, id).await,
    ] {
        assert!(matches!(
            refused,
            Err(ServiceError::MissingScope(Scope::FilesWrite))
        ));
    }
}

#[tokio::test]
async fn an_inspector_sees_what_was_sent_by_link() {
    let fixture = Fixture::with(FixtureOptions {
        inspector: Some(Arc::new(ByContent)),
        ..FixtureOptions::default()
    })
    .await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, request("text/plain")).await;
    let refused = send(&fixture, &promised, b"bad").await;
    assert!(
        matches!(refused, Err(ServiceError::Refused { .. })),
        "{refused:?}"
    );
    let unclear = send(&fixture, &promised, b"unclear").await;
    assert!(
        matches!(unclear, Err(ServiceError::Unavailable(_))),
        "{unclear:?}"
    );
    assert_nothing_left(&fixture, &cx).await;

    let held = send(&fixture, &promised, b"odd").await.unwrap();
    let withheld = fixture.service.open_download(&cx, held.id, false).await;
    assert!(matches!(withheld, Err(ServiceError::Held)), "{withheld:?}");
}
