//! Well-formed and malformed bodies, whole and cut at every byte.

use super::*;
use crate::wire::multipart::error::Place;

fn well_formed_bodies() -> Vec<(String, Vec<SeenPart>)> {
    let a = raw("a", "1");
    let typed = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\n%PDF\r\n--XX--\r\n";
    let pdf = (
        "f".to_owned(),
        Some("x.pdf".to_owned()),
        Some("application/pdf".to_owned()),
        b"%PDF".to_vec(),
    );
    let nearly = "\r\n--X\r\n-XX\r--XX\n--XX\r\n--\r\n\r\n--Xx --XX--";
    vec![
        ("--XX--".into(), vec![]),
        ("\r\n--XX--\r\n".into(), vec![]),
        (format!("{a}--XX--"), vec![field("a", "1")]),
        (
            format!("{a}--XX-- \t\r\nepilogue --XX\r\n"),
            vec![field("a", "1")],
        ),
        (
            format!("preamble --XX\r\n--X\r\n{a}--XX--\r\n"),
            vec![field("a", "1")],
        ),
        (
            format!("{a}{}--XX--", raw("a", "2")),
            vec![field("a", "1"), field("a", "2")],
        ),
        (
            a.replace("--XX", "--XX \t ") + "--XX--",
            vec![field("a", "1")],
        ),
        (raw("a", "") + "--XX--", vec![field("a", "")]),
        (raw("a", "\r\n") + "--XX--", vec![field("a", "\r\n")]),
        (raw("a", nearly) + "--XX--", vec![field("a", nearly)]),
        (
            raw("a", "--X\r\n") + &raw("b", "-") + "--XX--",
            vec![field("a", "--X\r\n"), field("b", "-")],
        ),
        // A part without content, whose empty line the boundary line follows at once.
        (
            "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--".into(),
            vec![field("a", "")],
        ),
        (typed.into(), vec![pdf]),
    ]
}

/// Returns bodies that end before their closing boundary, each with the place where it ends.
fn truncated_bodies() -> Vec<(String, Place)> {
    let a = raw("a", "1");
    let head = "--XX\r\nContent-Disposition: form-data; name=a\r\n";
    vec![
        (String::new(), Place::Preamble),
        ("--X".into(), Place::Preamble),
        ("--XX".into(), Place::Preamble),
        ("--XX-".into(), Place::Preamble),
        ("--XX\r\n".into(), Place::Part(1)),
        (head.into(), Place::Part(1)),
        (format!("{head}\r\n12"), Place::Part(1)),
        (a.clone(), Place::Part(1)),
        (format!("{a}--XX"), Place::Part(1)),
        (format!("{a}--XX\r"), Place::Part(1)),
        (format!("{a}--XX-"), Place::Part(1)),
        (format!("{a}{a}--XX"), Place::Part(2)),
    ]
}

fn ill_formed_bodies() -> Vec<(String, &'static str)> {
    let a = raw("a", "1");
    let head = "--XX\r\nContent-Disposition: form-data; name=a\r\n";
    let line = "part 1: a boundary line does not end in CRLF after its boundary";
    let last_line =
        "after the closing boundary: a boundary line does not end in CRLF after its boundary";
    let header = "part 1: a header line does not end in CRLF";
    vec![
        (format!("{a}--XX\n"), line),
        (format!("{a}--XXY\r\n"), line),
        (format!("{a}--XX-\r\n"), line),
        (format!("{a}--XX\rx"), line),
        (format!("{a}--XX -- "), line),
        (format!("{a}--XX--x"), last_line),
        (format!("{a}--XX--\n"), last_line),
        (a.replace("\r\n\r\n", "\n\n"), header),
        (a.replace("\r\n\r\n", "\n\r\n"), header),
        (format!("{head}\n1\r\n--XX--"), header),
        (
            "--XX\r\n\r\n1\r\n--XX--".into(),
            "part 1: has no Content-Disposition",
        ),
    ]
}

fn oversized_bodies() -> Vec<(String, &'static str)> {
    let a = raw("a", "1");
    let head = "--XX\r\nContent-Disposition: form-data; name=a\r\n";
    let (long, blank) = ("x".repeat(8 << 10), " ".repeat(65));
    vec![
        (
            format!("{a}--XX{blank}\r\n"),
            "part 1: more than 64 spaces follow a boundary",
        ),
        (
            format!("{a}--XX--{blank}"),
            "after the closing boundary: more than 64 spaces follow a boundary",
        ),
        (
            format!("{head}{}\r\n", "X:\r\n".repeat(16)),
            "part 1: there are more than 16 headers",
        ),
        (
            format!("{a}{head}X: {long}\r\n\r\n"),
            "part 2: header is longer than 8192 bytes",
        ),
        (
            raw("a", "").repeat(65),
            "part 65: there are more than 64 parts",
        ),
        (
            format!("{}\r\n{a}--XX--", "p".repeat(1025)),
            "before the first boundary: there are more than 1024 bytes",
        ),
    ]
}

#[test]
fn well_formed_bodies_are_read() {
    for (body, expected) in well_formed_bodies() {
        assert_eq!(read(&*body), Ok(expected), "{body:?}");
    }
}

#[test]
fn malformed_body_is_refused_at_the_fault() {
    for (body, expected) in truncated_bodies() {
        let error = read_all(whole(&*body)).unwrap_err();
        let MultipartError::Truncated { place } = error else {
            panic!("{body:?}: {error}");
        };
        assert_eq!(place, expected, "{body:?}");
    }
    for (body, expected) in ill_formed_bodies() {
        let error = read_all(whole(&*body)).unwrap_err();
        assert!(
            matches!(error, MultipartError::Syntax { .. }),
            "{body:?}: {error:?}"
        );
        assert_eq!(error.to_string(), expected, "{body:?}");
    }
    for (body, expected) in oversized_bodies() {
        let error = read_all(whole(&*body)).unwrap_err();
        assert!(
            matches!(error, MultipartError::TooLarge { .. }),
            "{body:?}: {error:?}"
        );
        assert_eq!(error.to_string(), expected, "{body:?}");
    }
}

#[test]
fn split_of_a_body_changes_nothing() {
    let good = well_formed_bodies().into_iter().map(|(body, _)| body);
    let truncated = truncated_bodies().into_iter().map(|(body, _)| body);
    let ill_formed = ill_formed_bodies().into_iter().map(|(body, _)| body);
    let oversized = oversized_bodies().into_iter().map(|(body, _)| body);
    for body in good.chain(truncated).chain(ill_formed).chain(oversized) {
        let expected = read(&*body);
        let bytes = Bytes::from(body.clone());
        // The few long bodies are cut at every few bytes, to save time.
        for at in (0..=bytes.len()).step_by(bytes.len() / 2048 + 1) {
            let parts = vec![bytes.slice(..at), bytes.slice(at..)];
            let found = read_all(reader(parts)).map_err(|error| error.to_string());
            assert_eq!(found, expected, "{body:?} split at {at}");
        }
        let single = bytes
            .iter()
            .map(|b| Bytes::copy_from_slice(&[*b]))
            .collect();
        let found = read_all(reader(single)).map_err(|error| error.to_string());
        assert_eq!(found, expected, "{body:?} byte by byte");
    }
}

#[test]
fn truncated_body_is_refused_at_every_length() {
    let body = raw("a", "1") + &raw("b", "\r\n--X") + "--XX--";
    for length in 0..body.len() {
        let error = read_all(whole(&body.as_bytes()[..length])).unwrap_err();
        assert!(
            matches!(error, MultipartError::Truncated { .. }),
            "{length}: {error}"
        );
    }
}
