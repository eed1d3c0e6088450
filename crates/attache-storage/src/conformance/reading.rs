//! Checks of reads and deletes.

use std::time::Duration;

use futures_util::TryStreamExt;

use super::bodies::pattern;
use super::sandbox::{Outcome, Sandbox, ensure, expect_kind, sha256_of};
use crate::{BlobErrorKind, ByteRange, PresignOperation};

/// More than any backend reads at once, and no round number.
const SIZE: usize = 600 * 1024 + 7;

pub(super) async fn missing(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("missing")?;
    sandbox.ensure_absent(&key).await?;
    // The parent of a blob's key is not a blob.
    sandbox
        .put(&sandbox.key("folder/blob")?, &pattern(1, 1))
        .await?;
    let folder = sandbox.key("folder")?;
    let (get, head) = (
        sandbox.store().get(&folder, None),
        sandbox.store().head(&folder),
    );
    expect_kind(get.await, BlobErrorKind::NotFound, "a get of a folder")?;
    expect_kind(head.await, BlobErrorKind::NotFound, "a head of a folder")
}

pub(super) async fn ranges(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("ranges")?;
    let bytes = pattern(SIZE, 1);
    sandbox.put(&key, &bytes).await?;
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
        sandbox
            .ensure_reads(&key, Some(range), SIZE, &wanted)
            .await?;
    }
    Ok(())
}

pub(super) async fn ranges_outside(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("ranges-outside")?;
    sandbox.put(&key, &pattern(10, 1)).await?;
    for (offset_bytes, length_bytes) in [(0, 11), (10, 1), (11, 0), (5, u64::MAX), (u64::MAX, 1)] {
        let range = ByteRange {
            offset_bytes,
            length_bytes,
        };
        let result = sandbox.store().get(&key, Some(range)).await;
        let call = format!("a get of {length_bytes} bytes at {offset_bytes} of 10 bytes");
        expect_kind(result, BlobErrorKind::InvalidRange, &call)?;
    }
    Ok(())
}

pub(super) async fn delete(sandbox: &Sandbox<'_>) -> Outcome {
    let (key, neighbour) = (sandbox.key("delete/a")?, sandbox.key("delete/b")?);
    let bytes = pattern(10, 1);
    sandbox.put(&key, &bytes).await?;
    sandbox.put(&neighbour, &bytes).await?;
    sandbox.store().delete(&key).await?;
    sandbox.ensure_absent(&key).await?;
    sandbox.ensure_holds(&neighbour, &bytes).await
}

pub(super) async fn delete_again(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("delete-again/a")?;
    sandbox.store().delete(&key).await?;
    sandbox.put(&key, &pattern(10, 1)).await?;
    sandbox.store().delete(&key).await?;
    sandbox.store().delete(&key).await?;
    sandbox.ensure_absent(&key).await
}

pub(super) async fn delete_under_reader(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("delete-under-reader")?;
    let bytes = pattern(SIZE, 1);
    sandbox.put(&key, &bytes).await?;
    let mut stream = sandbox.store().get(&key, None).await?.stream;
    let mut read = Vec::new();
    if let Some(chunk) = stream.try_next().await? {
        read.extend_from_slice(&chunk);
    }
    sandbox.store().delete(&key).await?;
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => {
                ensure!(
                    read == bytes,
                    "a reader opened before a delete succeeded with other bytes"
                );
                return Ok(());
            }
            Err(_) => {
                ensure!(
                    bytes.starts_with(&read),
                    "a reader opened before a delete returned wrong bytes and then failed"
                );
                return Ok(());
            }
        }
    }
}

pub(super) async fn presign(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("presign")?;
    let capabilities = sandbox.store().capabilities();
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
        let result = sandbox.store().presign(&operation).await;
        if !works {
            let call = format!("presigning a {method}");
            expect_kind(result, BlobErrorKind::Unsupported, &call)?;
            continue;
        }
        let request = result?;
        ensure!(
            request.method == method && !request.url.is_empty(),
            "a presigned {method} has the method {} and a URL of {} bytes",
            request.method,
            request.url.len()
        );
    }
    Ok(())
}
