//! The SDK's client, configured once: time-outs, retries, checksums, and nothing from files.

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
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::doubt::Doubt;
use crate::session::Session;
use crate::{S3Credentials, S3Options};

/// Tries of one request, the first included.
pub(crate) const TRIES: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// One connection pool under several settings.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For requests that carry no bytes.
    pub(crate) calls: Client,
    /// For requests that carry bytes and so take longer.
    pub(crate) bytes: Client,
    /// As `calls`, with one try: for what must not happen twice.
    pub(crate) once: Client,
    /// Signs for where clients reach the store, and never sends.
    pub(crate) presigner: Client,
    /// What all of them sign with.
    pub(crate) session: Arc<Session>,
}

impl Clients {
    pub(crate) fn new(options: &S3Options, credentials: &S3Credentials) -> Self {
        let session = Arc::new(Session::new(credentials));
        let config = common(options, &session);
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
            session,
        }
    }
}

fn common(options: &S3Options, session: &Arc<Session>) -> Config {
    let region = options.region.clone();
    let provider: Arc<dyn ProvideCredentials> = Arc::clone(session) as _;
    let mut config = Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http_client(options))
        .credentials_provider(SharedCredentialsProvider::from(provider))
        // The session holds the key: the SDK would drop it ten seconds before its end, also where
        // there is no other yet.
        .identity_cache(IdentityCache::no_cache())
        .interceptor(Doubt::new(session))
        .region(Region::new(
            region.unwrap_or_else(|| "us-east-1".to_owned()),
        ))
        .force_path_style(options.path_style)
        // The SDK's own checksums come as trailers, which many compatibles do not read. Bytes are
        // protected all the same: their SHA-256 is part of what is signed.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .timeout_config(timeouts(options.attempt_timeout))
        // The SDK also keeps a quota of retries, per region and process, which successes fill again:
        // a store that is down is not sent three times as much.
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(TRIES)
                .with_initial_backoff(FIRST_BACKOFF)
                .with_max_backoff(LONGEST_BACKOFF),
        );
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint_text(endpoint));
    }
    config.build()
}

/// How long to wait before a try, where the SDK does not do it.
pub(crate) fn backoff(tries_made: u32) -> Duration {
    (FIRST_BACKOFF * 2_u32.saturating_pow(tries_made)).min(LONGEST_BACKOFF)
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(attempt * 2)
        .build()
}

/// Plain HTTP needs no TLS, and then no certificates on the machine.
fn http_client(options: &S3Options) -> SharedHttpClient {
    match &options.endpoint {
        Some(endpoint) if endpoint.scheme() == "http" => {
            aws_smithy_http_client::Builder::new().build_http()
        }
        _ => https_client(),
    }
}

/// Speaks plain HTTP, too.
pub(crate) fn https_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn endpoint_text(endpoint: &url::Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}
