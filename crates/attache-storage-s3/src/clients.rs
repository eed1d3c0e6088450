//! The SDK's client, configured once: timeouts, retries, checksums, and nothing from files.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, IdentityCache, ProvideCredentials, Region,
    RequestChecksumCalculation, ResponseChecksumValidation, SharedCredentialsProvider,
    SharedHttpClient,
};

use crate::credential_cache::CredentialCache;
use crate::credentials::S3Credentials;
use crate::options::S3Options;
use crate::tls::https_client;

/// Attempts of one request, the first included.
pub(crate) const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// One connection pool under several settings.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For requests without a body.
    pub(crate) calls: Client,
    /// For requests with a body, which take longer.
    pub(crate) bytes: Client,
    /// Like `calls`, with a single attempt, for requests that must not be repeated.
    pub(crate) once: Client,
    /// Signs for the public endpoint, and never sends.
    pub(crate) presigner: Client,
    /// The credentials that all of them sign with.
    pub(crate) credentials: Arc<CredentialCache>,
}

impl Clients {
    pub(crate) fn new(options: &S3Options, credentials: &S3Credentials) -> Self {
        let credentials = Arc::new(CredentialCache::new(credentials));
        let config = common(options, &credentials);
        let timeout = options.attempt_timeout;
        let bytes = config.to_builder().timeout_config(timeouts(timeout * 3));
        let once = config.to_builder().retry_config(RetryConfig::disabled());
        let mut presigner = config.to_builder();
        if let Some(public) = &options.public_endpoint {
            presigner.set_endpoint_url(Some(endpoint_text(public)));
        }
        Self {
            calls: Client::from_conf(config),
            bytes: Client::from_conf(bytes.build()),
            once: Client::from_conf(once.build()),
            presigner: Client::from_conf(presigner.build()),
            credentials,
        }
    }
}

fn common(options: &S3Options, credentials: &Arc<CredentialCache>) -> Config {
    let region = options.region.clone();
    let provider: Arc<dyn ProvideCredentials> = Arc::clone(credentials) as _;
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client(options))
        .credentials_provider(SharedCredentialsProvider::from(provider))
        // The provider is itself a cache.
        .identity_cache(IdentityCache::no_cache())
        .region(Region::new(
            region.unwrap_or_else(|| "us-east-1".to_owned()),
        ))
        .force_path_style(options.path_style)
        // The SDK's own checksums are sent as trailers, which many compatible stores do not read.
        // Bytes are protected all the same: their SHA-256 is part of the signature.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts(options.attempt_timeout))
        // The SDK also keeps a quota of retries per region and process, which successes refill: a
        // store that is down does not get three times the requests.
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(FIRST_BACKOFF)
                .with_max_backoff(LONGEST_BACKOFF),
        );
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint_text(endpoint));
    }
    config.build()
}

/// Returns the pause before the next attempt, for retries that the SDK does not make.
pub(crate) fn backoff(attempts_made: u32) -> Duration {
    (FIRST_BACKOFF * 2_u32.saturating_pow(attempts_made)).min(LONGEST_BACKOFF)
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * 2)
        .build()
}

/// Plain HTTP needs no TLS, and so no certificates on the machine.
fn http_client(options: &S3Options) -> SharedHttpClient {
    match &options.endpoint {
        Some(endpoint) if endpoint.scheme() == "http" => {
            aws_smithy_http_client::Builder::new().build_http()
        }
        _ => https_client(),
    }
}

fn endpoint_text(endpoint: &url::Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}
