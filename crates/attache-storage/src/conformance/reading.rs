//! Checks of what is read, and of what is no longer there to be read.

use std::time::Duration;

use futures_util::TryStreamExt;

use super::bodies::pattern;
use super::space::{Outcome, Space, ensure, expect_kind, sha256_of};
use crate::{BlobErrorKind, ByteRange, PresignOperation};

/// More than any backend reads at once, and no round number.
const SIZE: usize = 600 * 1024 + 7;

pub(super) async fn missing(space: &Space<'_>) -> Outcome {
    let key = space.key("missing")?;
    space.ensure_absent(&key).await?;
    // Nor is the folder of a blob one.
    space
        .put(&space.key("folder/blob")?, &pattern(1, 1))
        .await?;
    let folder = space.key("folder")?;
    let (get, head) = (
        space.store().get(&folder, None),
        space.store().head(&folder),
    );
    expect_kind(get.await, BlobErrorKind::NotFound, "a get of a folder")?;
    expect_kind(head.await, BlobErrorKind::NotFound, "a head of a folder")
}

pub(super) async fn ranges(space: &Space<'_>) -> Outcome {
    let key = space.key("ranges")?;
    let bytes = pattern(SIZE, 1);
    space.put(&key, &bytes).await?;
    let parts = [
        (0, 1),
        (SIZE - 1, 1),
        (256 * 1024 - 1, 2),
        (1000, 300_000),
        (0, 0),
        (7, 0),
        (SIZE, 0),
        (0, SIZE),
        (1, SIZE - 1),
    ];
    for (offset, length) in parts {
        let range = ByteRange {
            offset_bytes: offset as u64,
            length_bytes: length as u64,
        };
        let wanted = bytes.slice(offset..offset + length);
        space.ensure_reads(&key, Some(range), SIZE, &wanted).await?;
    }
    Ok(())
}

pub(super) async fn ranges_outside(space: &Space<'_>) -> Outcome {
    let key = space.key("ranges-outside")?;
    space.put(&key, &pattern(10, 1)).await?;
    for (offset_bytes, length_bytes) in [(0, 11), (10, 1), (11, 0), (5, u64::MAX), (u64::MAX, 1)] {
        let range = ByteRange {
            offset_bytes,
            length_bytes,
        };
        let answer = space.store().get(&key, Some(range)).await;
        let call = format!("getting {length_bytes} from {offset_bytes} on of 10 bytes");
        expect_kind(answer, BlobErrorKind::InvalidRange, &call)?;
    }
    Ok(())
}

pub(super) async fn delete(space: &Space<'_>) -> Outcome {
    let (key, neighbour) = (space.key("delete/a")?, space.key("delete/b")?);
    let bytes = pattern(10, 1);
    space.put(&key, &bytes).await?;
    space.put(&neighbour, &bytes).await?;
    space.store().delete(&key).await?;
    space.ensure_absent(&key).await?;
    space.ensure_holds(&neighbour, &bytes).await
}

pub(super) async fn delete_again(space: &Space<'_>) -> Outcome {
    let key = space.key("delete-again/a")?;
    space.store().delete(&key).await?;
    space.put(&key, &pattern(10, 1)).await?;
    space.store().delete(&key).await?;
    space.store().delete(&key).await?;
    space.ensure_absent(&key).await
}

pub(super) async fn delete_under_reader(space: &Space<'_>) -> Outcome {
    let key = space.key("delete-under-reader")?;
    let bytes = pattern(SIZE, 1);
    space.put(&key, &bytes).await?;
    let mut stream = space.store().get(&key, None).await?.stream;
    let mut read = Vec::new();
    if let Some(chunk) = stream.try_next().await? {
        read.extend_from_slice(&chunk);
    }
    space.store().delete(&key).await?;
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => {
                ensure!(
                    read == bytes,
                    "a reader opened before a delete ended well with other bytes"
                );
                return Ok(());
            }
            Err(_) => {
                ensure!(
                    bytes.starts_with(&read),
                    "a reader opened before a delete gave wrong bytes and then failed"
                );
                return Ok(());
            }
        }
    }
}

pub(super) async fn presign(space: &Space<'_>) -> Outcome {
    let key = space.key("presign")?;
    let capabilities = space.store().capabilities();
    let lifetime = Duration::from_mins(1);
    let content_type = "application/pdf".to_owned();
    let get = PresignOperation::Get {
        key: key.clone(),
        lifetime,
        content_type: content_type.clone(),
        content_disposition: "attachment".to_owned(),
    };
    let put = PresignOperation::Put {
        key,
        lifetime,
        size_bytes: 3,
        sha256: sha256_of(b"abc"),
        content_type,
    };
    for (operation, works, method) in [
        (get, capabilities.presigns_get, "GET"),
        (put, capabilities.presigns_put, "PUT"),
    ] {
        let answer = space.store().presign(&operation).await;
        if !works {
            let call = format!("presigning a {method}");
            expect_kind(answer, BlobErrorKind::Unsupported, &call)?;
            continue;
        }
        let request = answer?;
        ensure!(
            request.method == method && !request.url.is_empty(),
            "a presigned {method} has the method {} and a URL of {} bytes",
            request.method,
            request.url.len()
        );
    }
    Ok(())
}
