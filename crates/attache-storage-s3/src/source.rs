//! A body in parts, verified as it is read.

use std::mem;

use attache_storage::{Body, BodyError, BodyVerifier, FairBudget, StoredBlob};
use bytes::{Buf, Bytes};
use futures_util::TryStreamExt;

use crate::failure::PutFailure;
use crate::memory::PartBuffer;

/// Reads a body part by part.
pub(crate) struct PartSource {
    body: Body,
    verifier: BodyVerifier,
    part_size_bytes: usize,
    /// The rest of the last chunk, which belongs to the next part.
    carried: Bytes,
    /// The largest size that the next part can have.
    most_bytes: usize,
    budget: FairBudget,
    /// The owner of the share of the budget.
    owner: String,
}

/// A part of a body, buffered so that it can be sent again.
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    /// True if the body ends here. All parts but the last are full.
    pub(crate) is_last: bool,
}

impl PartSource {
    pub(crate) fn new(
        body: Body,
        verifier: BodyVerifier,
        part_size_bytes: usize,
        budget: &FairBudget,
        owner: &str,
    ) -> Self {
        let declared = body.exact_size_bytes();
        let most_bytes = declared.map_or(part_size_bytes, |declared| {
            usize::try_from(declared).map_or(part_size_bytes, |size| size.min(part_size_bytes))
        });
        Self {
            body,
            verifier,
            part_size_bytes,
            carried: Bytes::new(),
            most_bytes,
            budget: budget.clone(),
            owner: owner.to_owned(),
        }
    }

    /// Reads a part, and beyond it until it is known whether it is the last. The body is not read
    /// after its end, nor after an error, nor while there is no memory for its bytes.
    pub(crate) async fn next_part(&mut self) -> Result<Part, PutFailure> {
        let mut part = PartBuffer::new(&self.budget, &self.owner);
        let most_bytes = mem::replace(&mut self.most_bytes, self.part_size_bytes);
        loop {
            if self.carried.is_empty() {
                let Some(chunk) = self.body.try_next().await? else {
                    return Ok(Part {
                        bytes: part.freeze(),
                        is_last: true,
                    });
                };
                self.verifier.update(&chunk)?;
                self.carried = chunk;
            }
            let missing = self.part_size_bytes - part.len();
            if missing == 0 && !self.carried.is_empty() {
                return Ok(Part {
                    bytes: part.freeze(),
                    is_last: false,
                });
            }
            let taken = missing.min(self.carried.len());
            part.extend(&self.carried[..taken], most_bytes).await?;
            self.carried.advance(taken);
        }
    }

    /// Returns the size and digest of the body, after its last part.
    pub(crate) fn finish(self) -> Result<StoredBlob, BodyError> {
        self.verifier.finish()
    }
}

#[cfg(test)]
mod tests {
    use attache_storage::PutOptions;
    use futures_util::stream;

    use super::*;

    async fn parts_of(chunks: &[&'static str]) -> Vec<(Bytes, bool)> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
            .collect();
        let body = Body::from_stream(stream::iter(chunks));
        let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
        let mut source = PartSource::new(body, verifier, 4, &FairBudget::new(4, 4), "a");
        let mut parts = Vec::new();
        loop {
            let part = source.next_part().await.unwrap();
            // A copy, because the part holds its memory.
            parts.push((Bytes::copy_from_slice(&part.bytes), part.is_last));
            if part.is_last {
                return parts;
            }
        }
    }

    #[tokio::test]
    async fn all_parts_but_last_are_full() {
        for chunks in [
            ["12345678", "9", ""],
            ["1", "2345", "6789"],
            ["", "123456789", ""],
        ] {
            let wanted = [("1234", false), ("5678", false), ("9", true)];
            let wanted = wanted.map(|(text, is_last)| (Bytes::from(text), is_last));
            assert_eq!(parts_of(&chunks).await, wanted, "{chunks:?}");
        }
    }

    #[tokio::test]
    async fn full_part_at_end_is_last() {
        let last = |text: &'static str| vec![(Bytes::from(text), true)];
        assert_eq!(parts_of(&["12", "34"]).await, last("1234"));
        assert_eq!(parts_of(&["1234", "", ""]).await, last("1234"));
        assert_eq!(parts_of(&[]).await, last(""));
    }
}
