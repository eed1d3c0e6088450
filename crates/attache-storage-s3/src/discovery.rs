//! The credentials that AWS has for the machine, the container or the user.

use std::error::Error;
use std::fmt;
use std::iter;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use attache_model::{Timestamp, with_causes};
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::imds;
use aws_config::imds::client::error::ImdsError;
use aws_config::meta::ProviderChainError;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};

use crate::credentials::{S3AccessKey, S3Credentials, S3CredentialsSource};
use crate::tls::https_client;

/// The time limit for the instance metadata service. It responds in milliseconds, and not at all
/// outside AWS.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
const METADATA_ATTEMPTS: u32 = 2;

/// For the token service. The credential cache waits for the end of a call, so there must be one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);

/// No provider of the chain has credentials.
#[derive(Debug, thiserror::Error)]
#[error(
    "none in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the profile (AWS_PROFILE, AWS_CONFIG_FILE, \
     AWS_SHARED_CREDENTIALS_FILE, else ~/.aws), from a web identity (AWS_WEB_IDENTITY_TOKEN_FILE and \
     AWS_ROLE_ARN), from the container (AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI) and in the \
     metadata of the instance; set the first two, or give the machine a role"
)]
struct NothingFound(#[source] Option<Detail>);

/// The failure of a provider that its operator should know.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Detail(String);

impl NothingFound {
    /// Returns `None` if a provider is configured and fails.
    fn of(error: &CredentialsError) -> Option<Self> {
        let mut causes = iter::successors(error.source(), |cause| (*cause).source());
        if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
            let chain: Option<&ProviderChainError<_>> =
                causes.next().and_then(<dyn Error>::downcast_ref);
            return Some(Self(chain.and_then(profile_detail)));
        }
        // The last provider. Outside AWS its address may be that of another service.
        let is_metadata = causes.any(<dyn Error>::is::<ImdsError>);
        is_metadata.then(|| Self(Some(Detail(with_causes(error)))))
    }
}

/// Returns the failure of the profile provider. The other providers are just not configured.
fn profile_detail(chain: &ProviderChainError<CredentialsError>) -> Option<Detail> {
    let mut attempts = chain.attempts().iter();
    let attempt = attempts.find(|attempt| attempt.name() == "Profile")?;
    Some(Detail(with_causes(attempt.error().source()?)))
}

/// The default chain of the SDKs. It is built for each call, so that changed files are read again.
#[derive(Default)]
pub(crate) struct AwsChain {
    /// Cached, because reading the machine's certificates takes a while.
    http_client: OnceLock<SharedHttpClient>,
}

impl S3Credentials {
    /// Uses the credentials that AWS has for the machine, the container or the user, in the default
    /// order of its SDKs: environment variables (`AWS_ACCESS_KEY_ID` and others), the profile in
    /// `~/.aws/config` and `~/.aws/credentials` or as set by `AWS_PROFILE`, `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE`, a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and
    /// `AWS_ROLE_ARN`), the container's endpoint (`AWS_CONTAINER_CREDENTIALS_FULL_URI` or
    /// `…_RELATIVE_URI`), and the metadata of the instance. Single sign-on is not included.
    ///
    /// Nothing is read before the first credentials are needed. Roles are assumed in the region of
    /// `AWS_REGION` or of the profile, else in `us-east-1`.
    pub fn discovered() -> Self {
        Self::from_source(Arc::new(AwsChain::default()))
    }
}

#[async_trait]
impl S3CredentialsSource for AwsChain {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>> {
        let http_client = self.http_client.get_or_init(https_client).clone();
        let config = ProviderConfig::without_region()
            .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
            .with_timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(TOKEN_TIMEOUT)
                    .operation_timeout(TOKEN_TIMEOUT * 3)
                    .build(),
            )
            .with_http_client(http_client);
        // Not the SDK's own order, which includes the instance metadata service: outside AWS that is
        // one more timeout.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(
                ProfileFileRegionProvider::builder()
                    .configure(&config)
                    .build(),
            )
            .or_else(Region::from_static("us-east-1"));
        let metadata = imds::Client::builder()
            .configure(&config)
            .max_attempts(METADATA_ATTEMPTS)
            .connect_timeout(METADATA_TIMEOUT)
            .read_timeout(METADATA_TIMEOUT)
            .operation_attempt_timeout(METADATA_TIMEOUT * 2)
            .operation_timeout(METADATA_TIMEOUT * 3)
            .build();
        let chain = DefaultCredentialsChain::builder()
            .configure(config)
            .region(region)
            .imds_client(metadata)
            .build()
            .await;
        match chain.provide_credentials().await {
            Ok(found) => Ok(from_sdk(&found)),
            Err(error) => match NothingFound::of(&error) {
                Some(nothing) => Err(nothing.into()),
                None => Err(error.into()),
            },
        }
    }
}

fn from_sdk(found: &Credentials) -> S3AccessKey {
    let mut key = S3AccessKey::new(found.access_key_id(), found.secret_access_key());
    if let Some(token) = found.session_token() {
        key = key.with_session_token(token);
    }
    let Some(end) = found.expiry() else {
        return key;
    };
    let since_1970 = end.duration_since(UNIX_EPOCH).unwrap_or_default();
    key.with_expires_at(Timestamp::from_millis(0).plus(since_1970))
}

impl fmt::Debug for AwsChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsChain")
    }
}
