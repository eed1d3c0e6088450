//! The decision on types, tried on small files of all kinds. `media/results.txt` is the table of results:
//! `ATTACHE_BLESS=1` writes it again, for a reader to judge.

#![expect(clippy::unwrap_used, reason = "a test ends at the first failure")]
#![expect(clippy::too_many_lines, reason = "the corpus is made of tables")]

#[path = "media/corpus/mod.rs"]
mod corpus;

use attache_model::MediaType;
use corpus::{Sample, samples};

/// Types that samples are wrongly declared as: one with a signature, containers, and a kind of text.
const WRONG: [&str; 4] = [
    "image/png",
    "application/msword",
    "application/vnd.oasis.opendocument.text",
    "application/octet-stream",
];

fn parse(text: &str) -> MediaType {
    MediaType::parse(text).unwrap()
}

fn declared(sample: &Sample) -> MediaType {
    MediaType::decide(
        Some(&parse(sample.declared)),
        sample.filename,
        &sample.bytes,
    )
}

#[test]
fn corpus_is_large_and_labelled_once() {
    let samples = samples();
    let labels: std::collections::BTreeSet<_> = samples.iter().map(|it| it.label).collect();
    assert_eq!(labels.len(), samples.len());
    assert!(samples.len() >= 120, "{}", samples.len());
}

#[test]
fn true_type_is_kept_and_accepted() {
    for sample in samples() {
        let pending = parse(sample.declared);
        let found = declared(&sample);
        assert!(found.is_same_type(&pending), "{}: {found}", sample.label);
        assert!(
            found.is_accepted(Some(&pending), std::slice::from_ref(&pending)),
            "{}",
            sample.label
        );
        // Without a helpful name, too.
        let found = MediaType::decide(Some(&pending), "a", &sample.bytes);
        assert!(
            found.is_same_type(&pending),
            "{} without a name: {found}",
            sample.label
        );
        assert_eq!(MediaType::parse(found.as_str()).unwrap(), found);
    }
}

#[test]
fn wrong_type_is_no_worse_than_none() {
    for sample in samples() {
        let undeclared = MediaType::decide(None, sample.filename, &sample.bytes);
        for wrong in WRONG.map(parse) {
            let found = MediaType::decide(Some(&wrong), sample.filename, &sample.bytes);
            // A generic container may be what was declared.
            if !found.is_same_type(&wrong) {
                assert_eq!(found, undeclared, "{} declared as {wrong}", sample.label);
            }
        }
    }
}

#[test]
fn declared_charset_is_kept() {
    for sample in samples() {
        let Some((_, charset)) = sample.declared.split_once("charset=") else {
            continue;
        };
        let found = declared(&sample).to_string();
        assert!(
            found.ends_with(&format!("; charset={charset}")),
            "{}: {found}",
            sample.label
        );
    }
}

#[test]
fn no_active_type_is_shown_in_place() {
    const ACTIVE: [&str; 9] = [
        "text/html",
        "image/svg+xml",
        "text/xml",
        "application/xhtml+xml",
        "application/xslt+xml",
        "text/javascript",
        "application/rss+xml",
        "text/css",
        "application/wasm",
    ];
    for sample in samples() {
        for active in ACTIVE.map(parse) {
            for name in [sample.filename, "a", "a.html", "a.svg"] {
                let found = MediaType::decide(Some(&active), name, &sample.bytes);
                let shown = found.may_be_inline();
                assert!(
                    !shown || !found.is_same_type(&active),
                    "{}: {found}",
                    sample.label
                );
            }
        }
    }
}

#[test]
fn results_are_those_of_the_table() {
    use std::fmt::Write;

    let mut table =
        String::from("# what the file is | declared | by the name | by the bytes alone\n");
    for sample in samples() {
        let named = MediaType::decide(None, sample.filename, &sample.bytes);
        let alone = MediaType::decide(None, "a", &sample.bytes);
        let kept = declared(&sample);
        writeln!(table, "{} | {kept} | {named} | {alone}", sample.label).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/media/results.txt");
    if std::env::var_os("ATTACHE_BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}
