//! Properties of random bodies, against an independent writer and an independent parser.

use proptest::prelude::*;

use super::*;

/// Encodes a body by the letter of RFC 7578 and WHATWG HTML.
fn encode(parts: &[SeenPart]) -> Vec<u8> {
    fn quote(text: &str) -> String {
        let escaped = text.replace('"', "%22");
        escaped.replace('\r', "%0D").replace('\n', "%0A")
    }
    let mut body = Vec::new();
    for (name, filename, content_type, content) in parts {
        body.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; name=\"");
        body.extend_from_slice(quote(name).as_bytes());
        body.push(b'"');
        if let Some(filename) = filename {
            body.extend_from_slice(format!("; filename=\"{}\"", quote(filename)).as_bytes());
        }
        if let Some(content_type) = content_type {
            body.extend_from_slice(format!("\r\nContent-Type: {content_type}").as_bytes());
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

/// Cuts a body into chunks of the given lengths, over and over.
fn cut(body: &[u8], lengths: &[usize]) -> Vec<Bytes> {
    let mut lengths = lengths.iter().copied().cycle();
    let mut rest = Bytes::copy_from_slice(body);
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = lengths.next().unwrap_or(usize::MAX).min(rest.len());
        chunks.push(rest.split_to(length));
    }
    chunks
}

fn name() -> impl Strategy<Value = String> {
    // No characters that are escaped in another way, and nothing that looks like an escape.
    "[ !\"#$&-\\[\\]-~à-ÿ中文\r\n;]{0,12}"
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::sample::select(vec![
            "\r", "\n", "\r\n", "--", "-", "X", "\r\n--X", "\r\n--"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    let content = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    content.prop_filter("holds a boundary", |content| {
        let full = [b"\r\n", content.as_slice()].concat();
        memchr::memmem::find(&full, b"\r\n--XX").is_none()
    })
}

fn part() -> impl Strategy<Value = SeenPart> {
    let content_type = prop::option::of("[a-z]{1,6}/[a-z]{1,6}");
    (name(), prop::option::of(name()), content_type, content())
}

/// Generates nearly well-formed bodies: an encoded one with pieces removed or inserted.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let simple = (
        "[a-z]{1,4}",
        prop::option::of("[a-z.]{1,6}"),
        Just(None),
        content(),
    );
    let pieces = prop::sample::select(vec![
        "\r\n",
        "\r",
        "\n",
        "--XX",
        "--XX--",
        "\r\n--XX\r\n",
        "--",
        "-",
        " ",
        "\t",
        "X: y\r\n",
        "\r\n\r\n",
        ":",
        "; ",
        "\"",
        "\\",
        "\0",
        "é",
        "name=",
        "; filename=\"z\"",
        "Content-Disposition: form-data; name=\"n\"\r\n",
        "Content-Type: a/b\r\n",
    ]);
    let change = (
        any::<prop::sample::Index>(),
        0..6_usize,
        prop::option::of(pieces),
    );
    let parts = prop::collection::vec(simple, 0..4);
    (parts, prop::collection::vec(change, 0..4)).prop_map(|(parts, changes)| {
        let mut body = encode(&parts);
        for (at, length, piece) in changes {
            let at = at.index(body.len() + 1);
            let end = (at + length).min(body.len());
            body.splice(at..end, piece.unwrap_or_default().bytes());
        }
        body
    })
}

fn read_with_multer(chunks: Vec<Bytes>) -> Result<Vec<SeenPart>, multer::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut multipart = multer::Multipart::new(chunked(chunks), "XX");
        let mut seen = Vec::new();
        while let Some(field) = multipart.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            let filename = field.file_name().map(str::to_owned);
            let content_type = field.headers().get("content-type");
            let content_type = content_type.map(|v| v.to_str().unwrap_or_default().to_owned());
            seen.push((name, filename, content_type, field.bytes().await?.to_vec()));
        }
        Ok(seen)
    })
}

/// Returns `true` if both parsers should see the same parts in a body that both accept. Known
/// differences, which have rows of their own in the tables: multer accepts a boundary inside a line of
/// the preamble, and treats one directly after a part's empty line as content; it reads backslashes in
/// names in another way, and finds a `filename=` inside a quoted name.
fn is_comparable(body: &[u8], ours: &[SeenPart]) -> bool {
    let first = memchr::memmem::find(body, b"--XX").unwrap_or(0);
    let at_line_start = first == 0 || body[..first].ends_with(b"\r\n");
    let mut no_content = memchr::memmem::find_iter(body, b"\r\n\r\n--XX");
    let odd = |text: &String| text.contains(['\\', '=']);
    at_line_start
        && !no_content.any(|at| !body[..at].ends_with(b"\r\n"))
        && !ours
            .iter()
            .any(|(name, filename, ..)| odd(name) || filename.iter().any(odd))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn encoded_body_is_read_in_any_chunks(
        parts in prop::collection::vec(part(), 0..6),
        lengths in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let body = encode(&parts);
        prop_assert_eq!(&read_all(whole(body.clone())).unwrap(), &parts);
        prop_assert_eq!(read_all(reader(cut(&body, &lengths))).unwrap(), parts);
    }

    #[test]
    fn outcome_is_the_same_in_any_chunks(
        body in mutated(), lengths in prop::collection::vec(1..20_usize, 1..8),
    ) {
        let read = |chunks| read_all(reader(chunks)).map_err(|error| error.to_string());
        prop_assert_eq!(read(cut(&body, &lengths)), read(vec![Bytes::from(body)]));
    }

    #[test]
    fn both_parsers_see_the_same_parts(
        body in mutated(), lengths in prop::collection::vec(1..40_usize, 1..8),
    ) {
        let ours = read_all(whole(body.clone()));
        let theirs = read_with_multer(cut(&body, &lengths));
        if let (Ok(ours), Ok(theirs)) = (ours, theirs)
            && is_comparable(&body, &ours)
        {
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..200), prefix in "(--XX(\r\n)?)?",
    ) {
        let body = [prefix.as_bytes(), &body].concat();
        let _ = read_all(whole(body));
    }
}
