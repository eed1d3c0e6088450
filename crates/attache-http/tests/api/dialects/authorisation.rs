//! Who may ask for what in the dialects: every row of their tables, with keys that have one scope too
//! few and keys that have just those it needs.

use attache_http::{Access, Dialects, EndpointInfo};
use attache_model::{Scope, Scopes};
use attache_testkit::{HttpCall, HttpClient};
use http::StatusCode;
use serde_json::json;

use super::{biometricscloud, credentials_portal, dokstamp, flexportal, participant_files};
use crate::api::support::Tenant;

/// The smallest request for an operation that succeeds for whoever may ask, on a file of its own. A
/// new operation fails here before it has one.
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
        "flexportal_create_url" => flexportal::promise(client),
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
async fn without_a_key_of_ours_nothing_that_needs_one_is_done() {
    let tenant = Tenant::new().await;
    let strangers = [
        tenant.client.anonymous(),
        tenant.client.with_token("att_no"),
    ];
    for row in rows() {
        for client in &strangers {
            let answer = request(&tenant, &row, client).await.send().await;
            assert_eq!(answer.operation, Some(row.name));
            if row.access.needs_key() {
                let problem = answer.problem(StatusCode::UNAUTHORIZED);
                assert_eq!(problem.kind, "unauthenticated", "{}", row.name);
            } else {
                assert!(answer.status.is_success(), "{}: {answer:?}", row.name);
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_lacks_one_scope_is_refused_and_nothing_is_done() {
    // Where what is asked for decides, the dialect's own tests ask for each.
    let needs_all = |row: &EndpointInfo| !matches!(row.access, Access::KeyForSome(_));
    for row in rows().into_iter().filter(needs_all) {
        for scope in scopes(&row) {
            let tenant = Tenant::new().await;
            let others = Scope::ALL.into_iter().filter(|other| *other != scope);
            let client = tenant.client_with(others.collect()).await;
            let call = request(&tenant, &row, &client).await;
            let files = || async { tenant.client.get("/v1/files").send().await.json() };
            let before = files().await;
            let answer = call.send().await;
            let problem = answer.problem(StatusCode::FORBIDDEN);
            assert_eq!(problem.kind, "missing-scope", "{}", row.name);
            let challenge = answer.header("www-authenticate");
            assert!(challenge.contains(scope.as_str()), "{challenge}");
            assert_eq!(files().await, before, "{}", row.name);
        }
    }
}

#[tokio::test]
async fn a_key_with_only_the_scopes_may() {
    let tenant = Tenant::new().await;
    for row in rows() {
        let client = tenant.client_with(scopes(&row).into_iter().collect()).await;
        let answer = request(&tenant, &row, &client).await.send().await;
        assert!(answer.status.is_success(), "{}: {answer:?}", row.name);
        assert_eq!(answer.operation, Some(row.name));
    }
}

#[tokio::test]
async fn what_is_another_tenants_is_not_found() {
    let tenant = Tenant::new().await;
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = tenant.client.with_token(token);
    // Where a person is named, each tenant has people of its own.
    let names_a_person = ["credentials_portal_upload_for_person"];
    let of_one_file = |row: &EndpointInfo| {
        let has_id = row.template.contains('{') && row.access.needs_key();
        has_id && !names_a_person.contains(&row.name)
    };
    for row in rows().iter().filter(|row| of_one_file(row)) {
        let answer = request(&tenant, row, &stranger).await.send().await;
        let names_the_tenant = ["{slug}", "{district}"];
        let (status, kind) = if names_the_tenant.iter().any(|it| row.template.contains(it)) {
            (StatusCode::FORBIDDEN, "other-tenant")
        } else {
            (StatusCode::NOT_FOUND, "not-found")
        };
        assert_eq!(answer.problem(status).kind, kind, "{}", row.name);
    }
}
