//! Who we are to the store: an access key and its secret, which never show, or where to get one.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_model::Timestamp;
use zeroize::Zeroizing;

use crate::S3OptionsError;

/// An access key of the store's. Its `Debug` shows neither the secret nor the token.
#[derive(Clone)]
pub struct S3AccessKey {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires_at: Option<Timestamp>,
}

impl S3AccessKey {
    /// A key and its secret.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
            expires_at: None,
        }
    }

    /// Adds the token that goes with a temporary key.
    #[must_use]
    pub fn with_session_token(mut self, session_token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(session_token.into()));
        self
    }

    /// Says when the store takes it no more; without, nobody knows.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// When the store takes it no more; `None` where nobody knows.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    pub(crate) fn to_sdk(&self) -> aws_sdk_s3::config::Credentials {
        aws_sdk_s3::config::Credentials::new(
            self.access_key_id.clone(),
            self.secret_access_key.as_str(),
            self.session_token
                .as_ref()
                .map(|token| token.as_str().to_owned()),
            None,
            "attache",
        )
    }
}

impl fmt::Debug for S3AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3AccessKey")
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Gives out access keys, again and again as they expire: a vault, an identity service of one's own.
///
/// A store asks for the first key when it needs one, for the next five minutes before that expires,
/// or every fifteen minutes where it is not known when, or once it does not take the one it has. It goes
/// on with that one meanwhile, as long as it holds; where there is none, requests wait for eight seconds.
/// It asks once at a time, and a source that does not answer again after five minutes only: a source
/// should give up by itself.
///
/// `Debug` must not show secrets.
#[async_trait]
pub trait S3CredentialsSource: fmt::Debug + Send + Sync {
    /// A key that holds now. Runs in a task of its own; dropped half-way when the store is.
    ///
    /// # Errors
    ///
    /// Why there is none at present, without secrets. It is asked again.
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>>;
}

/// A fixed key is a source, too.
#[async_trait]
impl S3CredentialsSource for S3AccessKey {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>> {
        Ok(self.clone())
    }
}

/// Who we are to the store: a fixed access key, or whatever a source gives out. `Debug` shows no
/// secrets.
#[derive(Debug, Clone)]
pub struct S3Credentials(Arc<dyn S3CredentialsSource>);

impl S3Credentials {
    /// A fixed key and its secret.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        S3AccessKey::new(access_key_id, secret_access_key).into()
    }

    /// Keys from a source, which is asked for another before one expires.
    pub fn from_source(source: Arc<dyn S3CredentialsSource>) -> Self {
        Self(source)
    }

    /// What AWS has for the machine, the container or the user: the default order of its SDKs.
    /// Looks at environment variables (`AWS_ACCESS_KEY_ID` and its like), the profile in
    /// `~/.aws/config` and `~/.aws/credentials` or where `AWS_PROFILE`, `AWS_CONFIG_FILE` and
    /// `AWS_SHARED_CREDENTIALS_FILE` say, a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE` and
    /// `AWS_ROLE_ARN`), the container's endpoint (`AWS_CONTAINER_CREDENTIALS_FULL_URI` or
    /// `…_RELATIVE_URI`), and the metadata of the instance. Single sign-on is not built in.
    ///
    /// Nothing is looked at before a key is needed. Roles are assumed in the region of `AWS_REGION`
    /// or of the profile, else in `us-east-1`.
    #[cfg(feature = "aws-config")]
    pub fn discovered() -> Self {
        Self(Arc::new(crate::discovery::AwsChain::default()))
    }

    /// Takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where it is set, `AWS_SESSION_TOKEN`
    /// from the environment, and keeps them. Empty counts as not set.
    ///
    /// # Errors
    ///
    /// [`S3OptionsError::MissingVariable`].
    pub fn from_env() -> Result<Self, S3OptionsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// As [`from_env`](Self::from_env), from any map of variables.
    ///
    /// # Errors
    ///
    /// [`S3OptionsError::MissingVariable`].
    pub fn from_lookup(
        lookup: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Self, S3OptionsError> {
        let find = |name| lookup(name).filter(|value| !value.is_empty());
        let required = |name| find(name).ok_or(S3OptionsError::MissingVariable { name });
        let key = S3AccessKey::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
        );
        Ok(match find("AWS_SESSION_TOKEN") {
            Some(token) => key.with_session_token(token).into(),
            None => key.into(),
        })
    }

    pub(crate) fn source(&self) -> Arc<dyn S3CredentialsSource> {
        Arc::clone(&self.0)
    }
}

impl From<S3AccessKey> for S3Credentials {
    fn from(key: S3AccessKey) -> Self {
        Self(Arc::new(key))
    }
}

/// There is no access key to sign requests with, and why not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there are no credentials for the store")]
pub struct S3CredentialsError(#[source] Arc<dyn Error + Send + Sync>);

impl S3CredentialsError {
    pub(crate) fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "AWS_ACCESS_KEY_ID" => Some("AKID".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("canary-secret".to_owned()),
            "AWS_SESSION_TOKEN" => Some("canary-token".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let credentials = S3Credentials::from_lookup(environment).unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKID"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn what_is_missing_is_named() {
        for missing in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            for value in [None, Some(String::new())] {
                let lookup = |name: &'static str| {
                    if name == missing {
                        value.clone()
                    } else {
                        environment(name)
                    }
                };
                let refused = S3Credentials::from_lookup(lookup).unwrap_err();
                assert_eq!(refused, S3OptionsError::MissingVariable { name: missing });
            }
        }
    }
}
