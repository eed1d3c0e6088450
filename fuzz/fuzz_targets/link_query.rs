//! Parses the queries of links: an accepted one has one spelling only, which the parser prints.

#![no_main]

use attache_signing::{LinkQuery, UploadLinkQuery};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
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

fn sorted<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let mut pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    pairs.sort_unstable();
    pairs
}
