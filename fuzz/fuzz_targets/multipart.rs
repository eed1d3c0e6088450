//! Reads a form in two ways of cutting it into chunks, and with an independent parser.

#![no_main]

use attache_http::fuzzing::{FormPart, read_form};
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use libfuzzer_sys::fuzz_target;

/// Pieces of forms. In the input, a byte from 0xe0 on stands for one of them.
const PIECES: [&str; 32] = [
    "\r\n",
    "\r",
    "\n",
    "--XX",
    "\r\n--XX",
    "--XX--",
    "\r\n--XX--\r\n",
    "\r\n--XX\r\n",
    "--",
    "\r\n--X",
    " ",
    "\t",
    "Content-Disposition: form-data; name=\"n\"\r\n",
    "Content-Disposition: form-data; name=\"",
    "; filename=\"",
    "; filename*=UTF-8''",
    "\"",
    "\\",
    "%22",
    "name=",
    "filename=",
    "Content-Type: text/plain; charset=",
    "Content-Type: a/b\r\n",
    "Content-Transfer-Encoding: ",
    "\r\n\r\n",
    "X: y\r\n",
    ":",
    ";",
    "=",
    "\0",
    "é",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (text, chunk_bytes) = input;
    let body = expand(&text);
    let whole = read_form(vec![Bytes::from(body.clone())]);
    let cut = read_form(chunks(&body, usize::from(chunk_bytes) + 1));
    assert_eq!(whole, cut, "chunks changed the outcome");
    if let (Ok(ours), Ok(theirs)) = (whole, read_with_multer(&body))
        && is_comparable(&body, &ours)
    {
        assert_eq!(ours, theirs, "multer reads other parts");
    }
});

fn expand(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for byte in text {
        match PIECES.get(usize::from(*byte).wrapping_sub(0xe0)) {
            Some(piece) => body.extend_from_slice(piece.as_bytes()),
            None => body.push(*byte),
        }
    }
    body
}

fn chunks(body: &[u8], chunk_bytes: usize) -> Vec<Bytes> {
    body.chunks(chunk_bytes)
        .map(Bytes::copy_from_slice)
        .collect()
}

fn read_with_multer(body: &[u8]) -> Result<Vec<FormPart>, multer::Error> {
    let input = stream::iter([Ok::<_, std::convert::Infallible>(body.to_vec())]);
    let mut form = multer::Multipart::new(input, "XX");
    let reading = async {
        let mut parts = Vec::new();
        while let Some(field) = form.next_field().await? {
            parts.push(FormPart {
                name: field.name().unwrap_or_default().to_owned(),
                filename: field.file_name().map(str::to_owned),
                content_type: field
                    .headers()
                    .get("content-type")
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
                content: field.bytes().await?.to_vec(),
            });
        }
        Ok(parts)
    };
    reading.now_or_never().expect("the input is complete")
}

/// Returns `true` unless the form has one of the known differences: multer accepts a boundary inside a
/// line of the preamble, treats one directly after a part's empty line as content, takes the last of
/// repeated headers, decodes no escapes in names and no `filename*`, finds a `filename=` inside a quoted
/// name, and ends a value without quotes at a space.
fn is_comparable(body: &[u8], ours: &[FormPart]) -> bool {
    let find = |needle: &[u8]| body.windows(needle.len()).position(|found| found == needle);
    let first = find(b"--XX").unwrap_or(0);
    let at_line_start = first == 0 || body[..first].ends_with(b"\r\n");
    let is_odd = |text: &str| text.contains(['\\', '=', '%', '"', '\r', '\n', ';']);
    at_line_start
        && find(b"\r\n\r\n--XX").is_none()
        && find(b"filename*").is_none()
        && !ours
            .iter()
            .any(|part| is_odd(&part.name) || part.filename.as_deref().is_some_and(is_odd))
}
