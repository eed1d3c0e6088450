//! Whole bodies through the reader; this file has the helpers.

mod limits;
mod properties;
mod streams;
mod tables;

use std::convert::Infallible;

use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use http::HeaderValue;

use super::*;

/// Name, filename, type and content.
type SeenPart = (String, Option<String>, Option<String>, Vec<u8>);

fn boundary(text: &str) -> Boundary {
    let content_type = format!("multipart/form-data; boundary=\"{text}\"");
    Boundary::from_content_type(&HeaderValue::try_from(content_type).unwrap()).unwrap()
}

fn chunked(chunks: Vec<Bytes>) -> BoxStream<'static, Result<Bytes, Infallible>> {
    stream::iter(chunks).map(Ok).boxed()
}

fn reader(chunks: Vec<Bytes>) -> Multipart {
    Multipart::new(&boundary("XX"), chunked(chunks))
}

fn whole(body: impl Into<Vec<u8>>) -> Multipart {
    reader(vec![Bytes::from(body.into())])
}

/// Runs a future that never has to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the input is all there")
}

fn read_all(mut multipart: Multipart) -> Result<Vec<SeenPart>, MultipartError> {
    now(async {
        let mut seen = Vec::new();
        while let Some(part) = multipart.next_part().await? {
            let name = part.name().to_owned();
            let filename = part.filename().map(str::to_owned);
            let content_type = part.content_type().map(str::to_owned);
            let mut content = Vec::new();
            let mut chunks = part.into_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk?;
                assert!(!chunk.is_empty(), "an empty chunk was passed on");
                content.extend_from_slice(&chunk);
            }
            seen.push((name, filename, content_type, content));
        }
        assert!(
            multipart.next_part().await?.is_none(),
            "the end stays the end"
        );
        Ok(seen)
    })
}

fn read(body: impl Into<Vec<u8>>) -> Result<Vec<SeenPart>, String> {
    read_all(whole(body)).map_err(|error| error.to_string())
}

fn field(name: &str, content: &str) -> SeenPart {
    (name.to_owned(), None, None, content.as_bytes().to_vec())
}

/// Returns the text of a part from its boundary up to its content.
fn open(name: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n")
}

/// Returns the text of a part, with the line break that belongs to the next boundary.
fn raw(name: &str, content: &str) -> String {
    open(name) + content + "\r\n"
}
