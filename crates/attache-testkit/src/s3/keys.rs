//! The access keys that the S3 lets in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

/// Secrets by their keys' ids. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Keys(Arc<Mutex<HashMap<String, SecretKey>>>);

impl Keys {
    pub(super) fn allow_credentials(&self, access_key_id: &str, secret_access_key: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(access_key_id.to_owned(), secret_access_key.into());
    }

    pub(super) fn revoke_credentials(&self, access_key_id: &str) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(access_key_id);
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key_id: &str) -> S3Result<SecretKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = keys.get(access_key_id).cloned();
        secret.ok_or_else(|| s3_error!(InvalidAccessKeyId, "no such key is let in"))
    }
}
