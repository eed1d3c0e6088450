//! Diagnosis of a bucket for its operator.

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

use crate::failure::S3Failure;
use crate::store::S3BlobStore;

/// The content of the probe.
const PROBE: &[u8] = b"attached check";

/// The folder of the probes.
const PROBE_FOLDER: &str = "check";

impl S3BlobStore {
    /// Diagnoses the bucket: puts, reads and deletes a small object, looks for a rule that aborts
    /// orphaned multipart uploads, for CORS rules and for versioning, and compares the store's clock
    /// with `clock`. Leaves nothing behind.
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
        let key = BlobKey::parse(format!("{PROBE_FOLDER}/{number:016x}"))?;
        let probed = self.put_and_read(&key).await;
        // Even after a failed put, which may have been applied.
        self.delete(&key).await?;
        probed
    }

    async fn put_and_read(&self, key: &BlobKey) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.put_bytes(key, Bytes::from_static(PROBE)).await?;
        let read = self.read_to_end(key, PROBE.len()).await?;
        if read != PROBE {
            return Err("the bucket returns other bytes than were put".into());
        }
        Ok(())
    }

    async fn diagnose_lifecycle(&self) -> Finding {
        let request = self
            .bucket
            .clients
            .calls
            .get_bucket_lifecycle_configuration();
        let response = request.bucket(&self.bucket.name).send().await;
        match response.map_err(|error| self.bucket.failure(error)) {
            Ok(rules) => lifecycle_finding(rules.rules()),
            Err(failure) if failure.has_code("NoSuchLifecycleConfiguration") => {
                lifecycle_finding(&[])
            }
            Err(failure) => unreadable("the lifecycle rules for multipart uploads", &failure),
        }
    }

    async fn diagnose_cors(&self) -> Finding {
        let request = self.bucket.clients.calls.get_bucket_cors();
        let response = request.bucket(&self.bucket.name).send().await;
        match response.map_err(|error| self.bucket.failure(error)) {
            Ok(cors) => Finding::fine(format!("CORS rules: {}", cors.cors_rules().len())),
            Err(failure) if failure.has_code("NoSuchCORSConfiguration") => {
                Finding::fine("no CORS rules: web pages cannot use presigned URLs of the bucket")
            }
            Err(failure) => unreadable("the CORS rules", &failure),
        }
    }

    async fn diagnose_versioning(&self) -> Option<Finding> {
        let request = self.bucket.clients.calls.get_bucket_versioning();
        let response = request.bucket(&self.bucket.name).send().await;
        match response.map_err(|error| self.bucket.failure(error)) {
            Ok(versioning) if versioning.status() == Some(&BucketVersioningStatus::Enabled) => {
                Some(Finding::warning(
                    "versioning is on: deleted bytes stay in the bucket until a rule expires old versions",
                ))
            }
            Ok(_) => None,
            Err(failure) => Some(unreadable("the versioning", &failure)),
        }
    }

    async fn diagnose_clock(&self, clock: &dyn Clock) -> Option<Finding> {
        let date = SharedDate::default();
        let request = self.bucket.clients.once.head_bucket();
        let request = request.bucket(&self.bucket.name).customize();
        let before = clock.now().as_millis();
        // Errors have a date, too.
        let _ = request.interceptor(date.clone()).send().await;
        let between = i64::midpoint(before, clock.now().as_millis());
        let response_at = date.read()?;
        // The date has whole seconds: on average, half a second is truncated.
        let skew_ms = response_at.as_millis() + 500 - between;
        Some(Finding::of_clock_skew("the store", skew_ms))
    }
}

/// The finding for settings that cannot be read, such as for lack of a permission.
fn unreadable(settings: &str, failure: &S3Failure) -> Finding {
    let failure = with_causes(failure);
    Finding::warning(format!("{settings} cannot be read: {failure}"))
}

fn lifecycle_finding(rules: &[LifecycleRule]) -> Finding {
    let days = rules
        .iter()
        .filter(|rule| *rule.status() == ExpirationStatus::Enabled)
        .filter_map(|rule| {
            rule.abort_incomplete_multipart_upload()?
                .days_after_initiation()
        });
    match days.min() {
        Some(days) => Finding::fine(format!(
            "a lifecycle rule aborts orphaned multipart uploads after {days} days"
        )),
        None => Finding::warning(
            "no lifecycle rule aborts orphaned multipart uploads: those of a crash may stay",
        ),
    }
}

/// An interceptor that reads the date of a response, which the SDK does not return.
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
