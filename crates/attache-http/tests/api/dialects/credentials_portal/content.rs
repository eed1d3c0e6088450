//! The content URLs of the portal's files.

use attache_model::{Scope, Scopes};
use http::{Method, StatusCode};

use super::{delete, form, read, stored, text};
use crate::api::support::Tenant;

#[tokio::test]
async fn files_of_one_name_have_distinct_urls() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let first = stored(client, "abc12", "%PDF-first").await;
    let bare = "/files/school-7/upload/abc12/a.pdf";
    let by_name = || client.get(bare).send();
    assert_eq!(by_name().await.expect(StatusCode::OK).body, "%PDF-first");

    let second = stored(client, "abc12", "%PDF-second").await;
    stored(client, "another", "%PDF-third").await;
    assert_ne!(first["url"], second["url"]);
    for (file, bytes) in [(&first, "%PDF-first"), (&second, "%PDF-second")] {
        assert_eq!(read(client, file).await.expect(StatusCode::OK).body, bytes);
    }
    by_name().await.problem(StatusCode::NOT_FOUND);

    delete(client, "abc12", &first).await.expect(StatusCode::OK);
    assert_eq!(by_name().await.expect(StatusCode::OK).body, "%PDF-second");
    // The old URL of a renamed file does not lead to another file of that name.
    let name = text(&first, "url").rsplit('/').next().unwrap();
    let call = client.post("/api/people/abc12/uploads");
    let copy = form(call, &[(name, "%PDF-copy")], &[]).send().await;
    let copy = copy.expect(StatusCode::CREATED).json();
    read(client, &first).await.problem(StatusCode::NOT_FOUND);
    assert_eq!(read(client, &copy).await.body, "%PDF-copy");
}

#[tokio::test]
async fn url_requires_its_district_and_person() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let file = stored(client, "abc12", "%PDF-1").await;
    let url = text(&file, "url");
    read(&client.anonymous(), &file)
        .await
        .problem(StatusCode::UNAUTHORIZED);
    let other = url.replace("/school-7/", "/school-8/");
    for district in [&other, &url.replace("/school-7/", "/unassigned/")] {
        let problem = client.get(district).send().await;
        let problem = problem.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "other-tenant");
    }
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = client.with_token(token);
    let problem = read(&stranger, &file).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "other-tenant");
    for missing in [
        other.clone(),
        other.replace(text(&file, "id"), "0190163d-8694-739b-aea5-966c26f8ad91"),
        "/files/school-8/upload/abc12/a.pdf".to_owned(),
    ] {
        let response = stranger.get(&missing).send().await;
        response.problem(StatusCode::NOT_FOUND);
    }
    for missing in [
        url.replace("/abc12/", "/another/"),
        url.replace("/abc12/", "/%20/"),
        url.replace("/abc12/", "/..%2F/"),
        url.replace("/upload/", "/scan/"),
        "/files/school-7/upload/abc12/b.pdf".to_owned(),
        "/files/school-7/upload/abc12/x%2Fa.pdf".to_owned(),
    ] {
        let response = client.get(&missing).send().await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn content_is_served_as_in_the_native_api() {
    let tenant = Tenant::new().await;
    let file = stored(&tenant.client, "abc12", "%PDF-1.4").await;
    let native = format!("/v1/files/{}/content", text(&file, "id"));
    for (name, value) in [
        ("accept", "*/*"),
        ("range", "bytes=1-3"),
        ("range", "bytes=100-"),
        ("if-none-match", "*"),
    ] {
        let fetch = |target: &str| tenant.client.get(target).header(name, value).send();
        let (here, there) = (fetch(text(&file, "url")).await, fetch(&native).await);
        assert_eq!(here.status, there.status, "{value}");
        if here.status.is_success() {
            assert_eq!(here.body, there.body, "{value}");
        }
        for header in [
            "content-type",
            "content-length",
            "content-range",
            "content-disposition",
            "etag",
            "repr-digest",
            "x-content-type-options",
            "content-security-policy",
            "cache-control",
        ] {
            let (here, there) = (here.headers.get(header), there.headers.get(header));
            let is_a_problem = header == "content-length" && value == "bytes=100-";
            assert!(here == there || is_a_problem, "{value}: {here:?} {there:?}");
        }
    }
    let head = tenant.client.call(Method::HEAD, text(&file, "url"));
    let head = head.send().await.expect(StatusCode::OK);
    assert_eq!(
        (head.header("content-length"), &head.body[..]),
        ("8", &b""[..])
    );
}

#[tokio::test]
async fn bare_filename_lookup_needs_the_scope_to_list() {
    let tenant = Tenant::new().await;
    let file = stored(&tenant.client, "abc12", "%PDF-1").await;
    let scope = [Scope::ContentRead];
    let reader = tenant.client_with(scope.into_iter().collect()).await;
    read(&reader, &file).await.expect(StatusCode::OK);
    let bare = reader.get("/files/school-7/upload/abc12/a.pdf").send();
    let problem = bare.await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "missing-scope");
}
