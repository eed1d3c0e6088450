//! Checks of bodies that must be refused completely and for the right reason.

use super::bodies::{EndWatch, aborted, chunked, pattern};
use super::sandbox::{Outcome, Sandbox, Violation, ensure, sha256_of};
use crate::{BlobKey, Body, BodyError, PutError, PutOptions};

/// More than a single chunk or write.
const SIZE: usize = 700 * 1024 + 3;

/// More than any backend gathers before it starts to store.
const LARGE_SIZE: usize = 9 * 1024 * 1024 + 3;

/// Puts a body that must be refused for a reason, and checks that nothing of it is left.
async fn expect_refusal(
    sandbox: &Sandbox<'_>,
    key: &BlobKey,
    body: Body,
    options: PutOptions,
    is_wanted: impl Fn(&BodyError) -> bool,
) -> Outcome {
    match sandbox.store().put(key, body, options).await {
        Ok(_) => return Err(Violation::new("an invalid body was stored")),
        Err(PutError::Store(error)) => {
            return Err(Violation::new(format!(
                "the store reports its own failure, {:?}, for an invalid body",
                error.kind()
            )));
        }
        Err(PutError::Body(error)) => {
            ensure!(
                is_wanted(&error),
                "a body is refused for the wrong reason: {error}"
            );
        }
    }
    sandbox.ensure_absent(key).await
}

pub(super) async fn short_body(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [0, 99, SIZE, LARGE_SIZE] {
        let key = sandbox.key(&format!("short/{size}"))?;
        let declared = size as u64 + 1;
        let body = chunked(&pattern(size, 1), 64 * 1024).with_exact_size(declared);
        expect_refusal(sandbox, &key, body, PutOptions::default(), |error| {
            matches!(error, BodyError::WrongLength { expected_bytes, actual_bytes }
                if *expected_bytes == declared && *actual_bytes == size as u64)
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn long_body(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [1, 100, SIZE] {
        let key = sandbox.key(&format!("long/{size}"))?;
        let declared = size as u64 - 1;
        let body = chunked(&pattern(size, 1), 64 * 1024).with_exact_size(declared);
        expect_refusal(sandbox, &key, body, PutOptions::default(), |error| {
            matches!(error, BodyError::WrongLength { expected_bytes, actual_bytes }
                if *expected_bytes == declared && *actual_bytes > declared)
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn size_limit(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [100, SIZE] {
        let bytes = pattern(size, 1);
        let options = PutOptions {
            max_size_bytes: Some(size as u64),
            ..PutOptions::default()
        };
        let key = sandbox.key(&format!("size-limit/exact-{size}"))?;
        let body = chunked(&bytes, 64 * 1024);
        sandbox.store().put(&key, body, options).await?;
        sandbox.ensure_holds(&key, &bytes).await?;

        let larger = pattern(size + 1, 1);
        let bodies = [chunked(&larger, 64 * 1024), Body::from(larger)];
        for (name, body) in ["unknown", "known"].into_iter().zip(bodies) {
            let key = sandbox.key(&format!("size-limit/{name}-{size}"))?;
            expect_refusal(sandbox, &key, body, options, |error| {
                matches!(error, BodyError::TooLarge { limit_bytes } if *limit_bytes == size as u64)
            })
            .await?;
        }
    }
    Ok(())
}

pub(super) async fn digest(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [0, 100, SIZE] {
        let bytes = pattern(size, 1);
        let (right, wrong) = (sha256_of(&bytes), sha256_of(b"something else"));
        let expecting = |digest| PutOptions {
            expected_sha256: Some(digest),
            ..PutOptions::default()
        };
        let key = sandbox.key(&format!("digest/right-{size}"))?;
        let body = Body::from(bytes.clone());
        sandbox.store().put(&key, body, expecting(right)).await?;
        sandbox.ensure_holds(&key, &bytes).await?;

        let key = sandbox.key(&format!("digest/wrong-{size}"))?;
        let body = Body::from(bytes.clone());
        expect_refusal(sandbox, &key, body, expecting(wrong), |error| {
            matches!(error, BodyError::WrongDigest { expected, actual }
                if *expected == wrong && *actual == right)
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn aborted_body(sandbox: &Sandbox<'_>) -> Outcome {
    let is_wanted = |error: &BodyError| matches!(error, BodyError::Aborted(_));
    for size in [0, 100, SIZE, LARGE_SIZE] {
        let bytes = pattern(size, 1);
        let key = sandbox.key(&format!("aborted/unknown-{size}"))?;
        let options = PutOptions::default();
        expect_refusal(sandbox, &key, aborted(&bytes), options, is_wanted).await?;
        // Even if all declared bytes have arrived.
        let key = sandbox.key(&format!("aborted/known-{size}"))?;
        let body = aborted(&bytes).with_exact_size(size as u64);
        expect_refusal(sandbox, &key, body, options, is_wanted).await?;
    }
    Ok(())
}

pub(super) async fn body_end(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [0, 100, SIZE] {
        let bytes = pattern(size, 1);
        let watch = EndWatch::default();
        let key = sandbox.key(&format!("body-end/whole-{size}"))?;
        let body = watch.watch(chunked(&bytes, 64 * 1024));
        sandbox
            .store()
            .put(&key, body, PutOptions::default())
            .await?;
        let key = sandbox.key(&format!("body-end/aborted-{size}"))?;
        let body = watch.watch(aborted(&bytes));
        let result = sandbox.store().put(&key, body, PutOptions::default()).await;
        ensure!(result.is_err(), "an aborted body was stored");
        ensure!(
            !watch.was_passed(),
            "a body of {size} bytes was read after its end"
        );
    }
    Ok(())
}
