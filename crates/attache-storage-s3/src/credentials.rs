//! Who we are to the store: an access key and its secret, which never show.

use std::fmt;

use zeroize::Zeroizing;

use crate::S3OptionsError;

/// An access key of the store's. Its `Debug` shows neither the secret nor the token.
#[derive(Clone)]
pub struct S3Credentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl S3Credentials {
    /// A key and its secret.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
        }
    }

    /// Adds the token that goes with temporary credentials. They are not renewed.
    #[must_use]
    pub fn with_session_token(mut self, session_token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(session_token.into()));
        self
    }

    /// Takes `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where it is set, `AWS_SESSION_TOKEN`
    /// from the environment. Empty counts as not set. Profiles, instance roles and web identities
    /// are not looked at.
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
        let credentials = Self::new(
            required("AWS_ACCESS_KEY_ID")?,
            required("AWS_SECRET_ACCESS_KEY")?,
        );
        Ok(match find("AWS_SESSION_TOKEN") {
            Some(token) => credentials.with_session_token(token),
            None => credentials,
        })
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

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
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
