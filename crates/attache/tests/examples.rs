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
