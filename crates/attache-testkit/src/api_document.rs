//! The OpenAPI document of a service in this process, fetched once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use attache_http::HttpService;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower::ServiceExt as _;

/// Returns the OpenAPI document of a service. It is large, and the same for all services with the same
/// endpoints: each is fetched and parsed once per process.
pub(crate) async fn describe_api(service: &HttpService) -> Arc<Value> {
    static DOCUMENTS: Mutex<Option<HashMap<Vec<&'static str>, Arc<Value>>>> = Mutex::new(None);

    let endpoints: Vec<_> = service.endpoints().map(|endpoint| endpoint.name).collect();
    let documents = || DOCUMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = documents().get_or_insert_default().get(&endpoints).cloned();
    if let Some(document) = known {
        return document;
    }
    let request = Request::get("/openapi.json").body(Full::<Bytes>::default());
    let Ok(response) = service.clone().oneshot(request.expect("a request")).await;
    let body = response.into_body().collect().await.expect("a whole body");
    let document: Value = serde_json::from_slice(&body.to_bytes()).expect("JSON");
    let document = Arc::new(document);
    documents()
        .get_or_insert_default()
        .insert(endpoints, document.clone());
    document
}
