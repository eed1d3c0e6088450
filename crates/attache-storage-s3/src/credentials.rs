//! The credentials for the store, fixed or from a source. Secrets are never shown.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_model::Timestamp;
use zeroize::Zeroizing;

use crate::options::S3OptionsError;

/// An access key for the store. Its `Debug` shows neither the secret nor the token.
#[derive(Clone)]
pub struct S3AccessKey {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expires_at: Option<Timestamp>,
}

impl S3AccessKey {
    /// Creates an access key from its id and its secret.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
            expires_at: None,
        }
    }

    /// Adds the session token of a temporary key.
    #[must_use]
    pub fn with_session_token(mut self, session_token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(session_token.into()));
        self
    }

    /// Adds the time at which the key expires. Without it, the expiry is unknown.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Returns the time at which the key expires, or `None` if that is unknown.
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

/// A source of access keys that expire, such as a vault or an identity service.
///
/// A store calls its source when it first needs a key, five minutes before that one expires (every
/// fifteen minutes if its expiry is unknown), and after S3 has rejected it. Requests continue with the
/// old key as long as it is valid. Without a valid key they wait for at most eight seconds. There is
/// one call at a time, and a call that does not return is only repeated after five minutes, so a
/// source should have a timeout of its own.
///
/// `Debug` must not show secrets.
#[async_trait]
pub trait S3CredentialsSource: fmt::Debug + Send + Sync {
    /// Returns a valid key. Runs in a task of its own, which is cancelled when the store is dropped.
    ///
    /// # Errors
    ///
    /// The reason that there is no key at present, without secrets. The call will be repeated.
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>>;
}

#[async_trait]
impl S3CredentialsSource for S3AccessKey {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn Error + Send + Sync>> {
        Ok(self.clone())
    }
}

/// The credentials for a store: a fixed access key, or a source of keys. `Debug` shows no secrets.
#[derive(Debug, Clone)]
pub struct S3Credentials(Arc<dyn S3CredentialsSource>);

impl S3Credentials {
    /// Uses a fixed access key.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        S3AccessKey::new(access_key_id, secret_access_key).into()
    }

    /// Uses a source of access keys, which is called again before a key expires.
    pub fn from_source(source: Arc<dyn S3CredentialsSource>) -> Self {
        Self(source)
    }

    /// Reads a fixed access key from the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and,
    /// if it is set, `AWS_SESSION_TOKEN`. Empty counts as not set.
    ///
    /// # Errors
    ///
    /// [`S3OptionsError::MissingVariable`].
    pub fn from_env() -> Result<Self, S3OptionsError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Like [`from_env`](Self::from_env), from any map of variables.
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

/// There are no credentials to sign requests with. The source is the reason.
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
    fn debug_output_has_no_secrets() {
        let credentials = S3Credentials::from_lookup(environment).unwrap();
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AKID"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn missing_variable_is_named() {
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
