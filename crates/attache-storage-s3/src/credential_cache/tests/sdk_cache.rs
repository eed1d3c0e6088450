//! The behaviour of the SDK's cache for which there is an own one.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{BehaviorVersion, IdentityCache, Region};
use aws_sdk_s3::presigning::PresigningConfig;

use super::*;

/// The source as a provider for the SDK's cache.
#[derive(Debug)]
struct SdkProvider(Arc<Source>);

impl ProvideCredentials for SdkProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let key = self.0.access_key().await;
            let key = key.map_err(CredentialsError::provider_error)?;
            Ok(key.to_sdk())
        })
    }
}

/// Each waiting request calls the source again, even with a long buffer, and so starts another
/// `credential_process`, which outlives its timeout.
#[tokio::test(start_paused = true)]
async fn sdk_cache_calls_silent_source_for_each_request() {
    let source = Arc::new(Source::default());
    *source.latency.lock().unwrap() = Duration::MAX;
    let cache = IdentityCache::lazy()
        .buffer_time(REFRESH_BEFORE_EXPIRY)
        .load_timeout(LOAD_TIMEOUT);
    let provider = SharedCredentialsProvider::new(SdkProvider(Arc::clone(&source)));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .http_client(crate::tls::https_client())
        .credentials_provider(provider)
        .identity_cache(cache.build());
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let requests = (0..9).map(|_| async {
        let lifetime = PresigningConfig::expires_in(MINUTE).unwrap();
        let request = client.get_object().bucket("bucket").key("key");
        request.presigned(lifetime).await
    });
    let results = join_all(requests).await;
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert_eq!(source.calls.load(Ordering::SeqCst), 9);
}
