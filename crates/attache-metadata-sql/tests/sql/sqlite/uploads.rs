//! Uploads that expire, to the millisecond.

use std::time::Duration;

use attache_model::Clock as _;

use crate::database::{BoxError, HOUR, Place, SqliteFile};

#[tokio::test]
async fn expired_upload_is_dropped_once_kept_long_enough() -> Result<(), BoxError> {
    let place = Place::<SqliteFile>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let new = place.new_upload(&cx)?;
    let upload = repository.begin_upload(&cx, &new).await??;
    let dropped = async || repository.drop_expired_uploads(2 * HOUR, 10).await;
    assert_eq!(dropped().await?, 0);
    let clock = &place.database.clock;
    let (millisecond, almost) = (Duration::from_millis(1), Duration::from_millis(7_199_999));
    let until_expiry = upload.expires_at.as_millis() - clock.now().as_millis();
    let until_expiry = Duration::from_millis(until_expiry.unsigned_abs());
    clock.advance(until_expiry + almost);
    assert_eq!(dropped().await?, 0);
    assert!(repository.find_upload(&cx, upload.id).await?.is_some());
    clock.advance(millisecond);
    assert_eq!(dropped().await?, 1);
    assert!(repository.find_upload(&cx, upload.id).await?.is_none());
    assert_eq!(dropped().await?, 0);
    // Its staging blob went by its own lease.
    assert_eq!(repository.take_reapable(10, HOUR).await?.len(), 1);
    Ok(())
}
