//! The examples run and pass their own checks.

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../../examples/embedded.rs"]
mod embedded;

#[cfg(feature = "http")]
#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../../examples/axum.rs"]
mod axum_application;

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../../examples/jwt.rs"]
mod jwt;

#[expect(
    dead_code,
    reason = "the example's `main` is for `cargo run --example`"
)]
#[path = "../../examples/object_store.rs"]
mod object_store_backend;

#[tokio::test]
async fn jwt_example_passes() {
    let directory = tempfile::tempdir().unwrap();
    jwt::run(&directory.path().join("data")).await.unwrap();
}

#[tokio::test]
async fn object_store_example_passes() {
    object_store_backend::run().await.unwrap();
}

#[tokio::test]
async fn embedded_example_passes() {
    let directory = tempfile::tempdir().unwrap();
    embedded::run(&directory.path().join("data")).await.unwrap();
}

#[cfg(feature = "http")]
#[tokio::test]
async fn axum_example_passes() {
    let directory = tempfile::tempdir().unwrap();
    axum_application::run(&directory.path().join("data"))
        .await
        .unwrap();
}
