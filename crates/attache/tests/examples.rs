//! The examples run to their end, as their own checks want it.

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../examples/embedded.rs"]
mod embedded;

#[cfg(feature = "http")]
#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../examples/axum.rs"]
mod axum_application;

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../examples/jwt.rs"]
mod jwt;

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../examples/object_store.rs"]
mod object_store_backend;

#[tokio::test]
async fn people_sign_in_with_tokens_of_another() {
    let directory = tempfile::tempdir().unwrap();
    jwt::run(&directory.path().join("data")).await.unwrap();
}

#[tokio::test]
async fn a_backend_of_ones_own_conforms() {
    object_store_backend::run().await.unwrap();
}

#[tokio::test]
async fn files_are_kept_without_http() {
    let directory = tempfile::tempdir().unwrap();
    embedded::run(&directory.path().join("data")).await.unwrap();
}

#[cfg(feature = "http")]
#[tokio::test]
async fn files_are_served_inside_an_axum_application() {
    let directory = tempfile::tempdir().unwrap();
    axum_application::run(&directory.path().join("data"))
        .await
        .unwrap();
}
