//! The access keys that AWS has for the machine, the container or the user.

use std::error::Error;
use std::fmt;
use std::iter;
use std::sync::OnceLock;
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

use crate::clients::https_client;
use crate::{S3AccessKey, S3CredentialsSource};

/// The address of instance metadata leads nowhere outside of AWS, often without a word: so long is
/// waited for a connection to it. Within, it answers in milliseconds.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
const METADATA_TRIES: u32 = 2;

/// For the token service. The session waits until the end of what it asked, so there must be one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);

/// Nobody had a key.
#[derive(Debug, thiserror::Error)]
#[error(
    "none in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, in the profile (AWS_PROFILE, AWS_CONFIG_FILE, \
     AWS_SHARED_CREDENTIALS_FILE, else ~/.aws), from a web identity (AWS_WEB_IDENTITY_TOKEN_FILE and \
     AWS_ROLE_ARN), from the container (AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI) and in the \
     metadata of the instance; set the first two, or give the machine a role"
)]
struct NothingFound(#[source] Option<Detail>);

/// What is worth telling of those that were asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Detail(String);

impl NothingFound {
    /// `None` where somebody is to have a key, and fails.
    fn of(error: &CredentialsError) -> Option<Self> {
        let mut causes = iter::successors(error.source(), |cause| (*cause).source());
        if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
            let chain: Option<&ProviderChainError<_>> =
                causes.next().and_then(<dyn Error>::downcast_ref);
            return Some(Self(chain.and_then(of_profile)));
        }
        // The last that is asked. Machines of others have something else at its address.
        let is_metadata = causes.any(<dyn Error>::is::<ImdsError>);
        is_metadata.then(|| Self(Some(Detail(with_causes(error)))))
    }
}

/// What is wrong with the profile, where there are any; of the others it is known.
fn of_profile(chain: &ProviderChainError<CredentialsError>) -> Option<Detail> {
    let mut attempts = chain.attempts().iter();
    let attempt = attempts.find(|attempt| attempt.name() == "Profile")?;
    Some(Detail(with_causes(attempt.error().source()?)))
}

/// The default chain of the SDKs. Made anew each time, so that files which were changed are read.
#[derive(Default)]
pub(crate) struct AwsChain {
    /// Reading the certificates of the machine takes a while.
    http_client: OnceLock<SharedHttpClient>,
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
        // Not the SDK's own order, which asks the instance for its region: outside of AWS one more
        // answer to wait for in vain.
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(
                ProfileFileRegionProvider::builder()
                    .configure(&config)
                    .build(),
            )
            .or_else(Region::from_static("us-east-1"));
        let metadata = imds::Client::builder()
            .configure(&config)
            .max_attempts(METADATA_TRIES)
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
            Ok(found) => Ok(of_sdk(&found)),
            Err(error) => match NothingFound::of(&error) {
                Some(nothing) => Err(nothing.into()),
                None => Err(error.into()),
            },
        }
    }
}

fn of_sdk(found: &Credentials) -> S3AccessKey {
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
