//! Unknown query parameters, which dialects ignore.

use attache_testkit::HttpClient;
use http::StatusCode;

use super::participant_files;
use crate::api::support::Tenant;

/// Returns the routes that read a query, each with known parameters.
async fn targets(client: &HttpClient) -> Vec<String> {
    let projects = "/api/v1/administration/projects/school-7/files";
    let file = participant_files::stored(client, "&person=abc12").await;
    vec![
        "/files?where[used_at]=null".to_owned(),
        "/api/v1/files?limit=7".to_owned(),
        format!("{projects}?limit=7"),
        format!("{projects}/download?key={}", file["key"].as_str().unwrap()),
        "/api/files?".to_owned(),
    ]
}

#[tokio::test]
async fn unknown_parameters_are_ignored_in_any_form() {
    let tenant = Tenant::new().await;
    let many = "&p=".repeat(100);
    for target in targets(&tenant.client).await {
        let fetch = |more: &str| tenant.client.get(&format!("{target}{more}")).send();
        let expected = fetch("").await.expect(StatusCode::OK);
        for unknown in [
            "&include[]=a&include[]=b",
            "&page=%zz",
            "&%ff=1",
            "&%=",
            &many,
        ] {
            let response = fetch(unknown).await;
            assert_eq!(response.status, StatusCode::OK, "{target}{unknown}");
            assert_eq!(response.body, expected.body, "{target}{unknown}");
        }
        // A known parameter must be given once.
        if let Some((_, known)) = target
            .split_once('?')
            .filter(|(_, known)| !known.is_empty())
        {
            let problem = fetch(&format!("&{known}")).await;
            let problem = problem.problem(StatusCode::BAD_REQUEST);
            assert!(problem.detail.contains("more than once"), "{problem:?}");
        }
        if !target.starts_with("/api/files") {
            let long = format!("&unknown={}", "x".repeat(8 << 10));
            fetch(&long).await.problem(StatusCode::BAD_REQUEST);
        }
    }
}
