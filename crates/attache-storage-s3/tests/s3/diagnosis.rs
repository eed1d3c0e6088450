//! Findings about a bucket.

use attache_model::{Clock, FindingLevel, OsEntropy, SystemClock, Timestamp};

use crate::support::{BUCKET, Fault, Operation, TestS3};

/// A clock that is one hour slow.
#[derive(Debug)]
struct SlowClock;

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() - 3_600_000)
    }
}

async fn diagnose(s3: &TestS3, clock: &dyn Clock) -> Vec<(FindingLevel, String)> {
    let findings = s3.store().diagnose(clock, &OsEntropy).await;
    let findings = findings.into_iter().map(|it| (it.level, it.text));
    findings.collect()
}

#[track_caller]
fn assert_has(found: &[(FindingLevel, String)], level: FindingLevel, words: &str) {
    let mut matching = found
        .iter()
        .filter(|(found, text)| *found == level && text.contains(words));
    assert!(matching.next().is_some(), "{found:?}");
}

#[tokio::test]
async fn probe_of_healthy_bucket_leaves_nothing() {
    let s3 = TestS3::start();
    let found = diagnose(&s3, &SystemClock).await;
    assert_has(&found, FindingLevel::Fine, "put, read and deleted");
    // The server has no lifecycle rules, and does not know the request.
    assert_has(&found, FindingLevel::Warning, "multipart uploads");
    assert_has(&found, FindingLevel::Fine, "agrees");
    assert_eq!(s3.server.objects(BUCKET), []);
    let found = diagnose(&s3, &SlowClock).await;
    assert_has(&found, FindingLevel::Warning, "ahead of this machine");
}

#[tokio::test]
async fn refusing_or_missing_bucket_is_a_failure() {
    let s3 = TestS3::start();
    let denied = Fault::Refused(403, "AccessDenied");
    s3.server.fail_next(Operation::Put, denied, usize::MAX);
    let found = diagnose(&s3, &SystemClock).await;
    assert_has(&found, FindingLevel::Failure, "AccessDenied");
    let missing = Fault::Refused(404, "NoSuchBucket");
    s3.server.fail_next(Operation::Bucket, missing, usize::MAX);
    let found = diagnose(&s3, &SystemClock).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_has(&found, FindingLevel::Failure, "no such bucket");
}
