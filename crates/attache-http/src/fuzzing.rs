//! The private parsers, for the targets in `fuzz/`. Compiled with `--cfg fuzzing` only.

use std::convert::Infallible;

use attache_model::{Revision, Timestamp};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Method};

use crate::wire::conditional::{self, Precondition};
use crate::wire::entity_tag::StrongEntityTag;
use crate::wire::multipart::{Boundary, Multipart, MultipartError};
use crate::wire::percent;
use crate::wire::query;
use crate::wire::range::{self, RangeOutcome};

#[derive(Debug, PartialEq, Eq)]
pub struct FormPart {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub content: Vec<u8>,
}

/// Reads a form with the boundary `XX`.
pub fn read_form(chunks: Vec<Bytes>) -> Result<Vec<FormPart>, String> {
    let content_type = HeaderValue::from_static("multipart/form-data; boundary=XX");
    let input = stream::iter(chunks).map(Ok::<_, Infallible>);
    let reading = async {
        let boundary = Boundary::from_content_type(&content_type)?;
        let mut form = Multipart::new(&boundary, input);
        let mut parts = Vec::new();
        while let Some(part) = form.next_part().await? {
            let mut read = FormPart {
                name: part.name().to_owned(),
                filename: part.filename().map(str::to_owned),
                content_type: part.content_type().map(str::to_owned),
                content: Vec::new(),
            };
            let mut content = part.into_stream();
            while let Some(chunk) = content.next().await {
                read.content.extend_from_slice(&chunk?);
            }
            parts.push(read);
        }
        Ok(parts)
    };
    let outcome = reading.now_or_never().expect("the input is complete");
    outcome.map_err(|error: MultipartError| error.to_string())
}

pub fn percent_decode(text: &[u8]) -> Option<String> {
    percent::decode(text).ok()
}

pub fn query_pairs(text: &str) -> Option<Vec<(String, String)>> {
    query::pairs(Some(text)).ok()
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Full,
    Partial { first: u64, last: u64 },
    Unsatisfiable,
    NotModified,
    Failed,
}

/// Evaluates a GET of a file with the tag `"5"`, last modified on 6 November 1994 at 08:49:37.
pub fn evaluate(headers: &HeaderMap, size_bytes: u64) -> Outcome {
    let tag = StrongEntityTag::of_revision(Revision::new(5));
    let modified = Some(Timestamp::from_millis(784_111_777_000));
    match conditional::evaluate(&Method::GET, headers, &tag, modified) {
        Precondition::NotModified => return Outcome::NotModified,
        Precondition::Failed => return Outcome::Failed,
        Precondition::Proceed => {}
    }
    match range::evaluate(&Method::GET, headers, size_bytes, &tag, modified) {
        RangeOutcome::Full => Outcome::Full,
        RangeOutcome::Partial { first, last } => Outcome::Partial { first, last },
        RangeOutcome::Unsatisfiable => Outcome::Unsatisfiable,
    }
}
