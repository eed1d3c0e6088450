//! The patterns and limits, held against the parsers that requests meet.

use std::collections::HashMap;
use std::sync::LazyLock;

use attache_model as model;
use fancy_regex::Regex;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::wire::base64;

/// Returns `true` if a parser accepts a text.
type Accepts = fn(&str) -> bool;

/// The texts of requests, each with the parser that accepts or refuses it.
const PARSERS: [(&str, Accepts); 11] = [
    ("SentFilename", |text| model::Filename::parse(text).is_ok()),
    ("Name", |text| model::DisplayName::parse(text).is_ok()),
    ("Description", |text| {
        model::Description::parse(text).is_ok()
    }),
    ("Category", |text| model::Category::parse(text).is_ok()),
    ("Person", |text| {
        model::PersonIdentifier::parse(text).is_ok()
    }),
    ("Holder", |text| model::Holder::parse(text).is_ok()),
    ("SentSha256", |text| {
        text.parse::<model::Sha256Digest>().is_ok()
    }),
    ("MediaType", |text| model::MediaType::parse(text).is_ok()),
    ("MediaTypes", |text| {
        text.split(',')
            .all(|it| model::MediaType::parse(it).is_ok())
    }),
    ("Base64", |text| base64::decode(text).is_ok()),
    ("LooseBase64", |text| {
        base64::decode_with_spare_bits(text).is_ok()
    }),
];

/// A text's limits, ready to be asked.
struct Described {
    pattern: Regex,
    lengths: std::ops::RangeInclusive<usize>,
}

impl Described {
    fn allows(&self, text: &str) -> bool {
        self.lengths.contains(&text.chars().count()) && self.pattern.is_match(text).unwrap()
    }
}

static DESCRIBED: LazyLock<HashMap<&str, Described>> = LazyLock::new(|| {
    let read = |(name, object): (&'static str, Object)| {
        let described = Described {
            pattern: Regex::new(object.pattern.as_deref().unwrap()).unwrap(),
            lengths: object.min_length.unwrap()..=object.max_length.unwrap_or(UNLIMITED),
        };
        (name, described)
    };
    texts().into_iter().map(read).collect()
});

fn assert_agreement(text: &str) {
    for (name, parses) in PARSERS {
        assert_eq!(
            DESCRIBED[name].allows(text),
            parses(text),
            "{name}: {text:?}"
        );
    }
}

#[test]
fn limits_are_those_of_the_parsers() {
    let long = |letter: &str, count: usize| letter.repeat(count);
    for text in [
        "",
        ".",
        "..",
        "...",
        "a/..",
        "a/b.txt",
        "C:\\scans\\a.pdf",
        "a/",
        "a\n",
        "a\tb",
        "\r\n",
        "a\u{0}/b",
        "\u{85}",
        "a\u{202e}fdp.exe",
        "\u{61c}",
        "é中",
        "application/pdf",
        "text/plain; charset=utf-8",
        "\n text/plain\t; charset=utf-8\r\n",
        "text/plain\n; charset=utf-8",
        "image/*",
        "a/b,c/d",
        "a/b,",
        "Zg==",
        "Zh==",
        "Zg=",
        "Zm8=",
        "Zm9v",
        "Zm9v\r\nYg=\n=\n",
        "\t",
        "Z m",
        &long("a", 64),
        &long("a", 65),
        &long("f", 255),
        &long("f", 256),
        &long("f", 257),
        &long("g", 64),
        &long("x", 4096),
        &long("x", 4097),
        &format!("{}/a.txt", long("x", 300)),
    ] {
        assert_agreement(text);
    }
}

proptest! {
    #[test]
    fn generated_texts_meet_the_same_fate(text in r"[ab/\\.,;=+ *\n\t\x00\x1f\x7f\u{9f}\u{200f}Zg48]{0,8}") {
        assert_agreement(&text);
    }
}

#[test]
fn examples_are_allowed() {
    for (name, text) in texts() {
        let [Value::String(example)] = &*text.examples else {
            panic!("{name} has no example");
        };
        assert!(DESCRIBED[name].allows(example), "{name}: {example}");
    }
}

fn values_of<T: ToSchema>() -> Vec<String> {
    let RefOr::T(Schema::Object(object)) = T::schema() else {
        panic!("an enumeration");
    };
    let values = object.enum_values.unwrap().into_iter();
    values.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn enumerations_have_the_values_of_the_model() {
    use model::{FileState, UploadState};

    let states = [FileState::Active, FileState::Archived];
    assert_eq!(
        values_of::<super::FileState>(),
        states.map(FileState::as_str)
    );
    let states = [
        UploadState::Pending,
        UploadState::Completed,
        UploadState::Expired,
    ];
    assert_eq!(
        values_of::<super::UploadState>(),
        states.map(UploadState::as_str)
    );
    for value in values_of::<super::Visibility>() {
        assert_eq!(value.parse::<model::Visibility>().unwrap().as_str(), value);
    }
}
