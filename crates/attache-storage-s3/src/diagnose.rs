//! Looking a bucket over: what its operator should know.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use attache_model::{Clock, Entropy, Finding, Timestamp, with_causes};
use attache_storage::{BlobKey, BlobStore as _, BlobStoreExt as _};
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types::{BucketVersioningStatus, ExpirationStatus, LifecycleRule};
use bytes::Bytes;

use crate::S3BlobStore;
use crate::failure::S3Failure;

/// What the probe holds.
const PROBE: &[u8] = b"attached check";

/// Where probes are put, apart from everything else.
const PROBES: &str = "check";

impl S3BlobStore {
    /// Looks the bucket over: whether a small object can be put, read and deleted, whether something
    /// clears abandoned multipart uploads away, CORS, versioning, the clock of the store against
    /// `clock`. Leaves nothing behind.
    pub async fn diagnose(&self, clock: &dyn Clock, entropy: &dyn Entropy) -> Vec<Finding> {
        if let Err(error) = self.health().await {
            return vec![Finding::failure(&error)];
        }
        let name = &self.bucket.name;
        let mut findings = vec![match self.probe(entropy).await {
            Ok(()) => Finding::fine(format!(
                "objects can be put, read and deleted in the bucket {name}"
            )),
            Err(error) => Finding::failure(error.as_ref()),
        }];
        findings.push(self.diagnose_lifecycle().await);
        findings.push(self.diagnose_cors().await);
        findings.extend(self.diagnose_versioning().await);
        findings.extend(self.diagnose_clock(clock).await);
        findings
    }

    async fn probe(&self, entropy: &dyn Entropy) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let number = u64::from_be_bytes(random);
        let key = BlobKey::parse(format!("{PROBES}/{number:016x}"))?;
        let tried = self.put_and_read(&key).await;
        // Also after a put that failed: it may have been done.
        self.delete(&key).await?;
        tried
    }

    async fn put_and_read(&self, key: &BlobKey) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.put_bytes(key, Bytes::from_static(PROBE)).await?;
        let read = self.read_to_end(key, PROBE.len()).await?;
        if read != PROBE {
            return Err("the bucket gives other bytes than it took".into());
        }
        Ok(())
    }

    async fn diagnose_lifecycle(&self) -> Finding {
        let request = self
            .bucket
            .clients
            .calls
            .get_bucket_lifecycle_configuration();
        let answer = request.bucket(&self.bucket.name).send().await;
        match answer.map_err(S3Failure::from) {
            Ok(rules) => of_rules(rules.rules()),
            Err(failure) if failure.has_code("NoSuchLifecycleConfiguration") => of_rules(&[]),
            Err(failure) => unseen(
                "whether a lifecycle rule aborts abandoned multipart uploads",
                &failure,
            ),
        }
    }

    async fn diagnose_cors(&self) -> Finding {
        let request = self.bucket.clients.calls.get_bucket_cors();
        let answer = request.bucket(&self.bucket.name).send().await;
        match answer.map_err(S3Failure::from) {
            Ok(cors) => Finding::fine(format!("CORS rules: {}", cors.cors_rules().len())),
            Err(failure) if failure.has_code("NoSuchCORSConfiguration") => {
                Finding::fine("no CORS rules: web pages cannot use presigned URLs of the bucket")
            }
            Err(failure) => unseen("whether there are CORS rules", &failure),
        }
    }

    async fn diagnose_versioning(&self) -> Option<Finding> {
        let request = self.bucket.clients.calls.get_bucket_versioning();
        let answer = request.bucket(&self.bucket.name).send().await;
        match answer.map_err(S3Failure::from) {
            Ok(versioning) if versioning.status() == Some(&BucketVersioningStatus::Enabled) => {
                Some(Finding::warning(
                    "versioning is on: deleted bytes stay in the bucket until a rule expires old versions",
                ))
            }
            Ok(_) => None,
            Err(failure) => Some(unseen("whether versioning is on", &failure)),
        }
    }

    async fn diagnose_clock(&self, clock: &dyn Clock) -> Option<Finding> {
        let date = SharedDate::default();
        let request = self.bucket.clients.once.head_bucket();
        let request = request.bucket(&self.bucket.name).customize();
        let before = clock.now().as_millis();
        // Whatever the answer is: it has a date.
        let _ = request.interceptor(date.clone()).send().await;
        let between = i64::midpoint(before, clock.now().as_millis());
        let told = date.read()?;
        // A date has whole seconds: on the average, half of one is cut off.
        let skew_ms = told.as_millis() + 500 - between;
        Some(Finding::of_clock_skew("the store", skew_ms))
    }
}

/// What the bucket does not tell, such as for want of a permission, its operator has to see to.
fn unseen(what: &str, failure: &S3Failure) -> Finding {
    Finding::warning(format!("{what} cannot be seen: {}", with_causes(failure)))
}

fn of_rules(rules: &[LifecycleRule]) -> Finding {
    let days = rules
        .iter()
        .filter(|rule| *rule.status() == ExpirationStatus::Enabled)
        .filter_map(|rule| {
            rule.abort_incomplete_multipart_upload()?
                .days_after_initiation()
        });
    match days.min() {
        Some(days) => Finding::fine(format!(
            "a lifecycle rule aborts abandoned multipart uploads after {days} days"
        )),
        None => Finding::warning(
            "no lifecycle rule aborts abandoned multipart uploads: what a crash leaves of them may stay",
        ),
    }
}

/// Takes the date out of an answer's head, which the SDK does not hand out.
#[derive(Debug, Clone, Default)]
struct SharedDate(Arc<Mutex<Option<String>>>);

impl SharedDate {
    fn read(&self) -> Option<Timestamp> {
        let text = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let date = DateTime::from_str(&text, DateTimeFormat::HttpDate).ok()?;
        date.to_millis().ok().map(Timestamp::from_millis)
    }
}

impl Intercept for SharedDate {
    fn name(&self) -> &'static str {
        "SharedDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}
