//! API keys: their form, their checksum and the hash that recognises them.

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
fn a_new_key_has_the_published_form() {
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
fn two_keys_share_nothing() {
    let (one, two) = (ApiKey::generate(&OsEntropy), ApiKey::generate(&OsEntropy));
    assert_ne!(one.key_id(), two.key_id());
    assert!(one.hash().matches(&one));
    assert!(!one.hash().matches(&two));
}

#[test]
fn a_key_comes_from_the_entropy_it_is_given() {
    let zeroes = ApiKey::generate(&Constant(0)).reveal();
    assert!(zeroes.starts_with(&format!("att_{}_{}", "0".repeat(12), "0".repeat(43))));
    assert_ne!(zeroes, ApiKey::generate(&Constant(1)).reveal());
}

#[test]
fn the_hash_depends_on_id_and_secret() {
    let of = |id: &str, secret: &str, checksum| {
        let text = format!("att_{}_{}{checksum}", id.repeat(12), secret.repeat(43));
        ApiKey::parse(&text).unwrap()
    };
    let key = of("0", "0", "2yrL9D");
    let stored = ApiKeyHash::from_bytes(*key.hash().as_bytes());
    assert!(stored.matches(&key));
    assert!(!stored.matches(&of("1", "0", "3YW0Mv")));
    assert!(!stored.matches(&of("0", "1", "27h5Hl")));
}

#[test]
fn what_is_no_key_is_malformed() {
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
        // As long, but not ASCII.
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
fn ids_are_12_of_base62() {
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
    fn a_typing_error_is_found(place in 0_usize..66, by in "[0-9A-Za-z_]") {
        let key = ApiKey::generate(&OsEntropy).reveal();
        prop_assume!(key[place..=place] != by);
        let mut typed = key.to_string();
        typed.replace_range(place..=place, &by);
        prop_assert!(ApiKey::parse(&typed).is_err());
    }

    #[test]
    fn any_text_is_answered(text in "att_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}|att_\\PC{62}|\\PC{0,80}") {
        prop_assert!(ApiKey::parse(&text).is_err());
    }
}
