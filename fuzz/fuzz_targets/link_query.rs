//! Parses the queries of links: an accepted one has one spelling only, which the parser prints.

#![no_main]

use attache_signing::{LinkQuery, UploadLinkQuery};
use libfuzzer_sys::fuzz_target;

/// Pieces of queries. In the input, a control character stands for one of them.
const PIECES: [&str; 14] = [
    "Tenant=7",
    "Action=view",
    "Action=download",
    "Expires=1800000000",
    "KeyId=k1",
    "Signature=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "&",
    "Tenant=",
    "Action=",
    "Expires=",
    "KeyId=",
    "Signature=",
    "9223372036854775807",
];

fuzz_target!(|text: &str| {
    let text = expand(text);
    let mut pairs: Vec<(&str, &str)> = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let download = LinkQuery::parse(pairs.iter().copied());
    let upload = UploadLinkQuery::parse(pairs.iter().copied());
    pairs.sort_unstable();
    if let Ok(query) = download {
        assert_eq!(sorted(&query.pairs()), pairs);
        assert_eq!(query.to_query_string().len(), text.len());
    }
    if let Ok(query) = upload {
        assert_eq!(sorted(&query.pairs()), pairs);
        assert_eq!(query.to_query_string().len(), text.len());
    }
});

fn expand(text: &str) -> String {
    let mut query = String::new();
    for character in text.chars() {
        match PIECES.get((character as usize).wrapping_sub(1)) {
            Some(piece) => query.push_str(piece),
            None => query.push(character),
        }
    }
    query
}

fn sorted<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs
}
