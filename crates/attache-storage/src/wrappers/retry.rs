//! Another attempt at calls that may succeed the next time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::Entropy;

use crate::{
    BlobError, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange, Capabilities, KeyPage,
    PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth, StoredBlob,
};

/// How often and after what waits a call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many attempts in all; 0 counts as 1.
    pub max_attempts: u32,
    /// The longest wait before the second attempt; it doubles with each that follows.
    pub base_delay: Duration,
    /// The longest wait of all.
    pub max_delay: Duration,
}

impl Default for RetryPolicy {
    /// 3 attempts, up to 100 ms and 200 ms apart.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// The wait after the attempt of this number, counted from 1: between half and all of the
    /// exponential one, so that callers who failed together do not return together.
    fn delay_after(&self, attempt: u32, entropy: &dyn Entropy) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let full = self.base_delay.saturating_mul(factor).min(self.max_delay);
        let mut random = [0; 4];
        entropy.fill(&mut random);
        let fraction = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        full.mul_f64(0.5 + fraction / 2.0)
    }
}

/// Repeats calls that fail with an error that [`is_retryable`](BlobError::is_retryable).
///
/// A put is not repeated, because its body is gone with the first attempt: only who made the body
/// can make it again. Neither is reading from an open blob; opening it is.
pub struct RetryBlobStore<S> {
    inner: S,
    policy: RetryPolicy,
    entropy: Arc<dyn Entropy>,
}

impl<S: BlobStore> RetryBlobStore<S> {
    /// Wraps a store. The entropy spreads the waits.
    pub fn new(inner: S, policy: RetryPolicy, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            inner,
            policy,
            entropy,
        }
    }

    async fn retry<T, F>(&self, mut call: impl FnMut() -> F + Send) -> Result<T, BlobError>
    where
        F: Future<Output = Result<T, BlobError>> + Send,
    {
        let mut attempt = 1;
        loop {
            match call().await {
                Err(error) if error.is_retryable() && attempt < self.policy.max_attempts => {
                    let delay = self.policy.delay_after(attempt, self.entropy.as_ref());
                    tokio::time::sleep(delay).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for RetryBlobStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBlobStore")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for RetryBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        self.inner.put(key, body, options).await
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        self.retry(|| self.inner.get(key, range)).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.retry(|| self.inner.head(key)).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.retry(|| self.inner.delete(key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        self.retry(|| self.inner.list(prefix, after, limit)).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        self.retry(|| self.inner.presign(operation)).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.retry(|| self.inner.health()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn waits_double_within_their_bounds() {
        let policy = RetryPolicy {
            max_attempts: 9,
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_millis(350),
        };
        let waits = |byte: u8| {
            let entropy = Constant(byte);
            [1, 2, 3, 80].map(|attempt| policy.delay_after(attempt, &entropy).as_millis())
        };
        assert_eq!(waits(0xff), [100, 200, 350, 350]);
        assert_eq!(waits(0), [50, 100, 175, 175]);
    }
}
