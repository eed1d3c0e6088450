//! Keys that are revoked or expire while a request of theirs runs.

use std::time::Duration;

use attache_model::{Context, RequestId, Scopes, TenantSlug};
use attache_service::{Action, ApiKeyRequest, ServiceError, UploadFields};
use attache_testkit::Fixture;

use super::support::{assert_nothing_left, body, file};

const LIFETIME: Duration = Duration::from_mins(1);

/// Returns a key that expires, and the context of a request with it.
async fn expiring(fixture: &Fixture) -> (String, Context) {
    let request = ApiKeyRequest {
        tenant: TenantSlug::parse("a").unwrap(),
        name: None,
        scopes: Scopes::all(),
        lifetime: Some(LIFETIME),
    };
    let issued = fixture.administration.create_api_key(request).await;
    let token = issued.unwrap().unwrap().key.reveal().to_string();
    let request = RequestId::parse("test").unwrap();
    let cx = fixture.service.authenticate(&token, request).await;
    (token, cx.unwrap())
}

fn is_refused<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::Unauthenticated))
}

#[tokio::test]
async fn upload_of_an_ended_key_is_not_committed() {
    for is_revoked in [true, false] {
        let fixture = Fixture::new().await;
        let other = fixture.context("a").await;
        let (token, cx) = expiring(&fixture).await;
        let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
        upload.add_file(file("1"), body(b"first")).await.unwrap();
        if is_revoked {
            fixture.revoke(&token).await;
        } else {
            fixture.clock.advance(LIFETIME);
        }
        upload.add_file(file("2"), body(b"second")).await.unwrap();
        let outcome = upload.commit(UploadFields::default()).await;
        assert!(is_refused(&outcome), "{outcome:?}");
        assert_nothing_left(&fixture, &other).await;
    }
}

#[tokio::test]
async fn ended_key_is_not_authorised_again() {
    let fixture = Fixture::new().await;
    fixture.context("a").await;
    let (token, cx) = expiring(&fixture).await;
    let again = async |cx: &Context| fixture.service.authorise_again(cx, Action::List).await;
    again(&cx).await.unwrap();
    // Made by an embedder, on its own authority.
    let principal = cx.principal().unwrap().clone();
    let own = Context::for_principal(principal, cx.request_id().clone(), cx.now());
    fixture.revoke(&token).await;
    assert!(is_refused(&again(&cx).await));
    again(&own).await.unwrap();
    assert!(!format!("{cx:?}").contains(&token));
}
