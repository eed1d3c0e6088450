//! Access: API keys, scopes and tenants.

use std::time::Duration;

use attache_model::{
    PersonIdentifier, PersonRef, RequestId, Scope, Scopes, TenantSlug, Visibility,
};
use attache_service::{
    Action, ApiKeyRequest, FilePatch, LinkAction, LinkRequest, ListRequest, ServiceError,
    UploadFields,
};
use attache_testkit::Fixture;

use super::support::store;

fn request() -> RequestId {
    RequestId::parse("test").unwrap()
}

#[tokio::test]
async fn api_key_changes_take_effect_at_once() {
    let fixture = Fixture::new().await;
    let slug = TenantSlug::parse("a").unwrap();
    fixture.administration.create_tenant(&slug).await.unwrap();
    let request_for_key = ApiKeyRequest {
        tenant: slug,
        name: Some("laptop".to_owned()),
        scopes: Scopes::all(),
        lifetime: Some(Duration::from_hours(1)),
    };
    let issued = fixture
        .administration
        .create_api_key(request_for_key.clone())
        .await
        .unwrap()
        .unwrap();
    let token = issued.key.reveal();
    assert!(
        fixture
            .service
            .authenticate(&token, request())
            .await
            .is_ok()
    );
    fixture
        .administration
        .revoke_api_key(issued.key.key_id().as_str())
        .await
        .unwrap()
        .unwrap();
    let revoked = fixture.service.authenticate(&token, request()).await;
    assert!(
        matches!(revoked, Err(ServiceError::Unauthenticated)),
        "{revoked:?}"
    );

    let issued = fixture
        .administration
        .create_api_key(request_for_key)
        .await
        .unwrap()
        .unwrap();
    let token = issued.key.reveal();
    fixture.clock.advance(Duration::from_mins(59));
    assert!(
        fixture
            .service
            .authenticate(&token, request())
            .await
            .is_ok()
    );
    fixture.clock.advance(Duration::from_mins(1));
    assert!(
        fixture
            .service
            .authenticate(&token, request())
            .await
            .is_err(),
        "it has expired"
    );
}

#[tokio::test]
async fn wrong_secret_for_known_key_is_refused() {
    let fixture = Fixture::new().await;
    let token = fixture.token("a", Scopes::all()).await;
    let other = fixture.token("a", Scopes::all()).await;
    let id_of = |token: &str| token.split('_').nth(1).unwrap().to_owned();
    let crossed = token.replace(&id_of(&token), &id_of(&other));
    for wrong in [
        crossed.as_str(),
        "",
        "att_",
        "Bearer",
        &token[1..],
        &format!("{token}x"),
    ] {
        let outcome = fixture.service.authenticate(wrong, request()).await;
        assert!(
            matches!(outcome, Err(ServiceError::Unauthenticated)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn missing_scope_is_refused_before_lookup() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a", b"x").await;
    let service = &fixture.service;
    let only = |scope: Scope| fixture.token("a", [scope].into_iter().collect());
    let reader = service
        .authenticate(&only(Scope::FilesRead).await, request())
        .await
        .unwrap();
    let writer = service
        .authenticate(&only(Scope::FilesWrite).await, request())
        .await
        .unwrap();
    let link = LinkRequest {
        action: LinkAction::Download,
        expires_in: None,
    };
    let holder = attache_model::Holder::parse("h").unwrap();
    let somebody = PersonRef::Identifier(PersonIdentifier::parse("PT-1").unwrap());
    let unknown = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();

    for id in [file.id, unknown] {
        let refusals = [
            service.open_session(&reader, None).await.err(),
            service
                .list_files(&writer, ListRequest::default())
                .await
                .err(),
            service.get_file(&writer, id).await.err(),
            service.get_file_by_seq(&writer, file.seq).await.err(),
            service.get_file_by_key(&writer, &file.key).await.err(),
            service.find_person(&writer, &somebody).await.err(),
            service.authorise(&writer, Action::List).err(),
            service.open_download(&reader, id, false).await.err(),
            service
                .change_file(&reader, id, FilePatch::default(), None)
                .await
                .err(),
            service.claim_file(&reader, id, &holder).await.err(),
            service.release_claim(&reader, id, &holder).await.err(),
            service.archive_file(&reader, id).await.err(),
            service.restore_file(&reader, id).await.err(),
            service.release_hold(&reader, id).await.err(),
            service.delete_file(&writer, id, None).await.err(),
            service.create_link(&writer, id, link).await.err(),
        ];
        for (n, refusal) in refusals.into_iter().enumerate() {
            assert!(
                matches!(refusal, Some(ServiceError::MissingScope(_))),
                "operation {n}: {refusal:?}"
            );
        }
    }
}

#[tokio::test]
async fn publishing_requires_links_create() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let file = store(&fixture.service, &cx, "a", b"x").await;
    let scopes = |names: &str| names.parse::<Scopes>().unwrap();
    let patch = |visibility| FilePatch {
        visibility: Some(visibility),
        ..FilePatch::default()
    };
    for (names, may) in [
        ("files:write", false),
        ("files:write,content:read", false),
        ("files:write,links:create", true),
    ] {
        let token = fixture.token("a", scopes(names)).await;
        let writer = fixture
            .service
            .authenticate(&token, request())
            .await
            .unwrap();
        let changing =
            fixture
                .service
                .change_file(&writer, file.id, patch(Visibility::Public), None);
        assert_eq!(changing.await.is_ok(), may, "change with {names}");
        let fields = UploadFields {
            visibility: Visibility::Public,
            ..UploadFields::default()
        };
        let new = super::support::file("b");
        let uploading = fixture
            .service
            .upload(&writer, new, fields, super::support::body(b"y"));
        assert_eq!(uploading.await.is_ok(), may, "upload with {names}");
        // Making it private again is an ordinary change.
        let changing =
            fixture
                .service
                .change_file(&writer, file.id, patch(Visibility::Private), None);
        assert!(changing.await.is_ok(), "{names}");
    }
}

#[tokio::test]
async fn foreign_file_is_not_found() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let other = fixture.context("b").await;
    let file = store(&fixture.service, &cx, "a", b"x").await;
    let service = &fixture.service;
    let link = LinkRequest {
        action: LinkAction::Download,
        expires_in: None,
    };
    let holder = attache_model::Holder::parse("h").unwrap();
    let refusals = [
        service.get_file(&other, file.id).await.err(),
        service.get_file_by_seq(&other, file.seq).await.err(),
        service.get_file_by_key(&other, &file.key).await.err(),
        service.open_download(&other, file.id, false).await.err(),
        service
            .change_file(&other, file.id, FilePatch::default(), None)
            .await
            .err(),
        service.claim_file(&other, file.id, &holder).await.err(),
        service.release_claim(&other, file.id, &holder).await.err(),
        service.archive_file(&other, file.id).await.err(),
        service.restore_file(&other, file.id).await.err(),
        service.release_hold(&other, file.id).await.err(),
        service.delete_file(&other, file.id, None).await.err(),
        service.create_link(&other, file.id, link).await.err(),
    ];
    for (n, refusal) in refusals.into_iter().enumerate() {
        assert!(
            matches!(refusal, Some(ServiceError::NotFound)),
            "operation {n}: {refusal:?}"
        );
    }
    assert!(
        service
            .list_files(&other, ListRequest::default())
            .await
            .unwrap()
            .files
            .is_empty()
    );
}
