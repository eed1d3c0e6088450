//! Downloads: by a scope, by a valid link, or of public files; never otherwise.

use std::sync::Arc;
use std::time::Duration;

use attache_model::{FileRecord, RequestId, Visibility};
use attache_service::{
    FilePatch, FileService, IssuedLink, LinkAction, LinkRequest, ServiceError, UploadRequest,
};
use attache_signing::KeyRing;
use attache_testkit::{Fixture, ManualClock, SeededEntropy};

use super::support::{self, body, read, store};

fn request() -> RequestId {
    RequestId::parse("test").unwrap()
}

async fn link(fixture: &Fixture, cx: &attache_model::Context, file: &FileRecord) -> IssuedLink {
    let wanted = LinkRequest {
        action: LinkAction::View,
        expires_in: Some(Duration::from_mins(1)),
    };
    fixture
        .service
        .create_link(cx, file.id, wanted)
        .await
        .unwrap()
}

fn pairs(link: &IssuedLink) -> Vec<(String, String)> {
    link.query
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[tokio::test]
async fn link_opens_one_file_until_it_expires() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a.txt", b"hello").await;
    let other = store(&fixture.service, &cx, "b.txt", b"other").await;
    let link = link(&fixture, &cx, &file).await;
    let open = |id, name: &'static str| {
        let pairs = pairs(&link);
        let service = fixture.service.clone();
        async move { service.open_link(id, name, &pairs, request()).await }
    };

    let download = open(file.id, "a.txt").await.unwrap();
    assert!(download.inline);
    assert_eq!(read(&download).await.unwrap(), b"hello");
    for (id, name) in [(other.id, "a.txt"), (file.id, "b.txt")] {
        let outcome = open(id, name).await;
        assert!(
            matches!(outcome, Err(ServiceError::InvalidLink)),
            "{outcome:?}"
        );
    }
    fixture.clock.advance(Duration::from_secs(61));
    let late = open(file.id, "a.txt").await;
    assert!(matches!(late, Err(ServiceError::LinkExpired)), "{late:?}");
}

#[tokio::test]
async fn link_survives_change_not_archive_or_delete() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a.txt", b"hello").await;
    let link = link(&fixture, &cx, &file).await;
    let open = || {
        let pairs = pairs(&link);
        let service = fixture.service.clone();
        async move { service.open_link(file.id, "a.txt", &pairs, request()).await }
    };
    let filename = attache_model::Filename::parse("renamed.txt").unwrap();
    let patch = FilePatch {
        filename: Some(filename),
        ..FilePatch::default()
    };
    fixture
        .service
        .change_file(&cx, file.id, patch, None)
        .await
        .unwrap();
    assert_eq!(open().await.unwrap().served_name.as_str(), "a.txt");

    fixture.service.archive_file(&cx, file.id).await.unwrap();
    assert!(matches!(open().await, Err(ServiceError::NotFound)));
    let again = LinkRequest {
        action: LinkAction::View,
        expires_in: None,
    };
    let refused = fixture.service.create_link(&cx, file.id, again).await;
    assert!(
        matches!(refused, Err(ServiceError::Archived)),
        "{refused:?}"
    );
    fixture.service.restore_file(&cx, file.id).await.unwrap();
    assert!(open().await.is_ok());
    fixture
        .service
        .delete_file(&cx, file.id, None)
        .await
        .unwrap();
    assert!(matches!(open().await, Err(ServiceError::NotFound)));
}

#[tokio::test]
async fn link_lifetime_is_bounded() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a", b"x").await;
    for (seconds, fits) in [
        (0, false),
        (1, true),
        (86_400, true),
        (86_401, false),
        (u64::MAX, false),
    ] {
        let wanted = LinkRequest {
            action: LinkAction::Download,
            expires_in: Some(Duration::from_secs(seconds)),
        };
        let outcome = fixture.service.create_link(&cx, file.id, wanted).await;
        assert_eq!(outcome.is_ok(), fits, "{seconds}: {outcome:?}");
    }
}

/// A service on the fixture's parts, whose clock runs ahead of the fixture's.
fn service_ahead(fixture: &Fixture, ring: &KeyRing, by: Duration) -> FileService {
    let clock = Arc::new(ManualClock::at(fixture.now().plus(by)));
    FileService::builder(
        fixture.repository.clone(),
        fixture.store.clone(),
        ring.clone(),
    )
    .clock(clock)
    .build()
}

#[tokio::test]
async fn clock_skew_of_signer_is_tolerated_to_a_minute() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a.txt", b"hello").await;
    let ring = KeyRing::generate(fixture.now(), &SeededEntropy::new(7));
    let service = service_ahead(&fixture, &ring, Duration::ZERO);
    let day = Some(Duration::from_hours(24));
    for (ahead_seconds, holds) in [(0, true), (30, true), (60, true), (61, false)] {
        let signer = service_ahead(&fixture, &ring, Duration::from_secs(ahead_seconds));
        let wanted = LinkRequest {
            action: LinkAction::Download,
            expires_in: day,
        };
        let link = signer.create_link(&cx, file.id, wanted).await.unwrap();
        let opened = service
            .open_link(file.id, "a.txt", &pairs(&link), request())
            .await;
        assert_eq!(opened.is_ok(), holds, "{ahead_seconds}: {opened:?}");

        let wanted = UploadRequest {
            expires_in: day,
            ..support::request("text/plain")
        };
        let pending = signer.begin_upload(&cx, wanted).await.unwrap();
        let declared = pending.upload.content_type.clone();
        let pairs = support::pairs(&pending);
        let sent = service
            .receive_upload(
                pending.upload.id,
                &pairs,
                Some(&declared),
                body(b"hello"),
                request(),
            )
            .await;
        assert_eq!(sent.is_ok(), holds, "{ahead_seconds}: {sent:?}");
        if !holds {
            assert!(matches!(opened, Err(ServiceError::InvalidLink)));
            assert!(matches!(sent, Err(ServiceError::InvalidLink)));
        }
    }
}

#[tokio::test]
async fn only_public_active_files_open_without_principal() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a", b"x").await;
    let open = || fixture.service.open_public(file.id, false, request());
    assert!(matches!(open().await, Err(ServiceError::NotFound)));

    let patch = |visibility| FilePatch {
        visibility: Some(visibility),
        ..FilePatch::default()
    };
    fixture
        .service
        .change_file(&cx, file.id, patch(Visibility::Public), None)
        .await
        .unwrap();
    assert_eq!(read(&open().await.unwrap()).await.unwrap(), b"x");
    fixture.service.archive_file(&cx, file.id).await.unwrap();
    assert!(matches!(open().await, Err(ServiceError::NotFound)));
    fixture.service.restore_file(&cx, file.id).await.unwrap();
    fixture
        .service
        .change_file(&cx, file.id, patch(Visibility::Private), None)
        .await
        .unwrap();
    assert!(matches!(open().await, Err(ServiceError::NotFound)));
}

#[tokio::test]
async fn active_content_is_never_inline() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (name, bytes, inline) in [
        ("a.html", &b"<html><script>alert(1)</script>"[..], false),
        (
            "a.svg",
            b"<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>",
            false,
        ),
        ("a.pdf", b"%PDF-1.7", true),
        ("a.txt", b"text", true),
    ] {
        let file = store(&fixture.service, &cx, name, bytes).await;
        let download = fixture
            .service
            .open_download(&cx, file.id, true)
            .await
            .unwrap();
        assert_eq!(download.inline, inline, "{name} is {}", file.content_type);
    }
}
