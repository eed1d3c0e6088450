//! API keys: form, checksum and hash.

use attache_model::{Entropy, OsEntropy};
use attache_signing::{ApiKey, ApiKeyHash, ApiKeyId, MalformedApiKey};
use proptest::prelude::*;

/// Fills with one byte.
#[derive(Debug)]
struct Constant(u8);

impl Entropy for Constant {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

#[test]
fn generated_key_has_the_published_form() {
    let text = ApiKey::generate(&OsEntropy).reveal();
    assert_eq!(text.len(), 66);
    assert_eq!((&text[..4], &text[16..17]), ("att_", "_"));
    let digits = [&text[4..16], &text[17..]].concat();
    assert!(
        digits.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{digits}"
    );
}

#[test]
fn two_keys_differ_in_id_and_hash() {
    let (one, two) = (ApiKey::generate(&OsEntropy), ApiKey::generate(&OsEntropy));
    assert_ne!(one.key_id(), two.key_id());
    assert!(one.hash().matches(&one));
    assert!(!one.hash().matches(&two));
}

#[test]
fn key_depends_only_on_the_entropy() {
    let zeroes = ApiKey::generate(&Constant(0)).reveal();
    assert!(zeroes.starts_with(&format!("att_{}_{}", "0".repeat(12), "0".repeat(43))));
    assert_ne!(zeroes, ApiKey::generate(&Constant(1)).reveal());
}

#[test]
fn hash_depends_on_id_and_secret() {
    let parse = |id: &str, secret: &str, checksum| {
        let text = format!("att_{}_{}{checksum}", id.repeat(12), secret.repeat(43));
        ApiKey::parse(&text).unwrap()
    };
    let key = parse("0", "0", "2yrL9D");
    let stored = ApiKeyHash::from_bytes(*key.hash().as_bytes());
    assert!(stored.matches(&key));
    assert!(!stored.matches(&parse("1", "0", "3YW0Mv")));
    assert!(!stored.matches(&parse("0", "1", "27h5Hl")));
}

#[test]
fn other_text_is_malformed() {
    let key = ApiKey::generate(&OsEntropy).reveal();
    for text in [
        String::new(),
        "att_".to_owned(),
        key[..65].to_owned(),
        format!("{}0", *key),
        format!(" {}", *key),
        format!("{}\n", *key),
        key.to_uppercase(),
        key.replace("att_", "atx_"),
        key.replace('_', "-"),
        // The same length, but not ASCII.
        format!("att_{}_{}", "é".repeat(6), &key[17..]),
        format!("{}é", &key[..64]),
    ] {
        assert!(
            matches!(ApiKey::parse(&text), Err(MalformedApiKey)),
            "{text}"
        );
    }
}

#[test]
fn id_is_12_of_base62() {
    assert_eq!(
        ApiKeyId::parse("0123456789Az").unwrap().as_str(),
        "0123456789Az"
    );
    for wrong in [
        "",
        "0123456789A",
        "0123456789Azz",
        "0123456789A_",
        "é123456789A",
    ] {
        assert!(ApiKeyId::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn typing_error_is_detected(at in 0_usize..66, by in "[0-9A-Za-z_]") {
        let key = ApiKey::generate(&OsEntropy).reveal();
        prop_assume!(key[at..=at] != by);
        let mut typed = key.to_string();
        typed.replace_range(at..=at, &by);
        prop_assert!(ApiKey::parse(&typed).is_err());
    }

    #[test]
    fn parse_never_panics(text in "att_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}|att_\\PC{62}|\\PC{0,80}") {
        prop_assert!(ApiKey::parse(&text).is_err());
    }
}
