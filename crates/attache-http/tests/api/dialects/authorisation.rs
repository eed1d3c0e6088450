//! Authorisation in the dialects: every row of their tables, with keys that lack one scope and with keys
//! that have just the scopes it needs.

use attache_http::{Access, Dialects, EndpointInfo};
use attache_model::{Scope, Scopes};
use attache_testkit::{HttpCall, HttpClient};
use http::StatusCode;
use serde_json::json;

use super::{biometricscloud, credentials_portal, dokstamp, flexportal, participant_files};
use crate::api::support::Tenant;

/// Returns the smallest request that succeeds for an authorised key, on a file of its own. A new
/// operation fails here until it has one.
async fn request(tenant: &Tenant, row: &EndpointInfo, client: &HttpClient) -> HttpCall {
    let target = |id: String| row.template.replace("{uuid}", &id).replace("{id}", &id);
    let call = |id| client.call(row.method.clone(), &target(id));
    let owner = &tenant.client;
    match row.name {
        "dokstamp_upload_files" => dokstamp::upload(client, &[("a.pdf", "%PDF-1.4 a")]),
        "dokstamp_list_files" | "biometricscloud_list_files" => call(String::new()),
        "dokstamp_get_file" | "dokstamp_delete_file" | "dokstamp_read_public" => {
            call(dokstamp::stored(owner, "%PDF-1.4 b").await)
        }
        "dokstamp_change_file" | "dokstamp_replace_file" => {
            let call = call(dokstamp::stored(owner, "%PDF-1.4 c").await);
            call.json(&json!({ "original_name": "another.pdf" }))
        }
        "biometricscloud_create_file" => biometricscloud::create(client, &json!({})),
        "biometricscloud_get_file" | "biometricscloud_archive_file" => {
            call(biometricscloud::stored(owner).await)
        }
        "biometricscloud_update_file" => {
            call(biometricscloud::stored(owner).await).json(&json!({ "type": 2 }))
        }
        "flexportal_create_url" => flexportal::pending_upload(client),
        name if name.starts_with("credentials_portal_") => {
            of_credentials_portal(owner, row, client).await
        }
        name if name.starts_with("participant_files_") => {
            let file = participant_files::stored(owner, "&person=abc12").await;
            let target = row.template.replace("{slug}", "school-7");
            client.get(&format!("{target}?key={}", file["key"].as_str().unwrap()))
        }
        other => panic!("{other} has no request here"),
    }
}

async fn of_credentials_portal(
    owner: &HttpClient,
    row: &EndpointInfo,
    client: &HttpClient,
) -> HttpCall {
    match row.name {
        "credentials_portal_list_files" => return client.get(row.template),
        "credentials_portal_upload_file" => {
            return credentials_portal::upload(client, "abc12", "%PDF-1.4 a");
        }
        "credentials_portal_upload_for_person" => {
            return credentials_portal::upload_for(client, "abc12", "%PDF-1.4 a");
        }
        _ => {}
    }
    let file = credentials_portal::stored(owner, "abc12", "%PDF-1.4 b").await;
    let field = |name: &str| file[name].as_str().unwrap();
    let target = row.template.replace("{id}", field("id"));
    match row.name {
        "credentials_portal_change_file" => {
            let call = client.call(row.method.clone(), &target);
            call.json(&json!({ "name": "another" }))
        }
        "credentials_portal_delete_file" => {
            client.call(row.method.clone(), &target.replace("{person}", "abc12"))
        }
        "credentials_portal_read_content" => client.get(field("url")),
        other => panic!("{other} has no request here"),
    }
}

fn rows() -> Vec<EndpointInfo> {
    let native = attache_http::endpoints(&Dialects::none()).count();
    let all = attache_http::endpoints(&Dialects::all());
    all.skip(native).collect()
}

fn scopes(row: &EndpointInfo) -> Vec<Scope> {
    let actions = row.access.actions().iter();
    actions.map(|action| action.required_scope()).collect()
}

#[tokio::test]
async fn missing_or_invalid_key_is_refused() {
    let tenant = Tenant::new().await;
    let strangers = [
        tenant.client.anonymous(),
        tenant.client.with_token("att_no"),
    ];
    for row in rows() {
        for client in &strangers {
            let response = request(&tenant, &row, client).await.send().await;
            assert_eq!(response.operation, Some(row.name));
            if row.access.needs_key() {
                let problem = response.problem(StatusCode::UNAUTHORIZED);
                assert_eq!(problem.kind, "unauthenticated", "{}", row.name);
            } else {
                assert!(response.status.is_success(), "{}: {response:?}", row.name);
            }
        }
    }
}

#[tokio::test]
async fn key_lacking_one_scope_is_refused() {
    // If the scopes depend on the request, the dialect's own tests cover each case.
    let needs_all = |row: &EndpointInfo| !matches!(row.access, Access::KeyForSome(_));
    for row in rows().into_iter().filter(needs_all) {
        for scope in scopes(&row) {
            let tenant = Tenant::new().await;
            let others = Scope::ALL.into_iter().filter(|other| *other != scope);
            let client = tenant.client_with(others.collect()).await;
            let call = request(&tenant, &row, &client).await;
            let files = || async { tenant.client.get("/v1/files").send().await.json() };
            let before = files().await;
            let response = call.send().await;
            let problem = response.problem(StatusCode::FORBIDDEN);
            assert_eq!(problem.kind, "missing-scope", "{}", row.name);
            let challenge = response.header("www-authenticate");
            assert!(challenge.contains(scope.as_str()), "{challenge}");
            assert_eq!(files().await, before, "{}", row.name);
        }
    }
}

#[tokio::test]
async fn key_with_just_the_scopes_is_accepted() {
    let tenant = Tenant::new().await;
    for row in rows() {
        let client = tenant.client_with(scopes(&row).into_iter().collect()).await;
        let response = request(&tenant, &row, &client).await.send().await;
        assert!(response.status.is_success(), "{}: {response:?}", row.name);
        assert_eq!(response.operation, Some(row.name));
    }
}

#[tokio::test]
async fn foreign_file_is_not_found() {
    let tenant = Tenant::new().await;
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = tenant.client.with_token(token);
    // If a person is named: each tenant has its own people.
    let names_a_person = ["credentials_portal_upload_for_person"];
    let of_one_file = |row: &EndpointInfo| {
        let has_id = row.template.contains('{') && row.access.needs_key();
        has_id && !names_a_person.contains(&row.name)
    };
    for row in rows().iter().filter(|row| of_one_file(row)) {
        let response = request(&tenant, row, &stranger).await.send().await;
        let names_the_tenant = ["{slug}", "{district}"];
        let (status, kind) = if names_the_tenant.iter().any(|it| row.template.contains(it)) {
            (StatusCode::FORBIDDEN, "other-tenant")
        } else {
            (StatusCode::NOT_FOUND, "not-found")
        };
        assert_eq!(response.problem(status).kind, kind, "{}", row.name);
    }
}
