//! What a look at the bucket finds.

use attache_model::{Clock, FindingLevel, OsEntropy, SystemClock, Timestamp};

use crate::support::{BUCKET, Fault, Operation, TestS3};

/// A clock that is an hour behind the world's.
#[derive(Debug)]
struct Behind;

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() - 3_600_000)
    }
}

async fn look(s3: &TestS3, clock: &dyn Clock) -> Vec<(FindingLevel, String)> {
    let findings = s3.store().diagnose(clock, &OsEntropy).await;
    let told = findings.into_iter().map(|it| (it.level, it.text));
    told.collect()
}

fn has(found: &[(FindingLevel, String)], level: FindingLevel, words: &str) -> bool {
    found
        .iter()
        .any(|(found, text)| *found == level && text.contains(words))
}

#[tokio::test]
async fn a_bucket_is_tried_and_nothing_stays() {
    let s3 = TestS3::start();
    let found = look(&s3, &SystemClock).await;
    assert!(
        has(&found, FindingLevel::Fine, "takes, gives and deletes"),
        "{found:?}"
    );
    // It has no lifecycle rules, and does not know them.
    assert!(
        has(&found, FindingLevel::Warning, "multipart uploads"),
        "{found:?}"
    );
    assert!(has(&found, FindingLevel::Fine, "agrees"), "{found:?}");
    assert_eq!(s3.server.objects(BUCKET), []);
    let found = look(&s3, &Behind).await;
    assert!(
        has(&found, FindingLevel::Warning, "ahead of this machine"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_bucket_that_takes_nothing_or_is_not_there_is_a_failure() {
    let s3 = TestS3::start();
    let denied = Fault::Refused(403, "AccessDenied");
    s3.server.fail_next(Operation::Put, denied, usize::MAX);
    let found = look(&s3, &SystemClock).await;
    assert!(
        has(&found, FindingLevel::Failure, "AccessDenied"),
        "{found:?}"
    );
    let missing = Fault::Refused(404, "NoSuchBucket");
    s3.server.fail_next(Operation::Bucket, missing, usize::MAX);
    let found = look(&s3, &SystemClock).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        has(&found, FindingLevel::Failure, "no such bucket"),
        "{found:?}"
    );
}
