//! `Debug` never shows a secret.

use std::fmt::Debug;

use attache_model::{Entropy, FileId, Filename, OsEntropy, TenantId, Timestamp};
use attache_signing::{ApiKey, KeyRing, LinkAction, LinkFields, Purpose, Secret, sign_link};

/// Counts, so that every secret has bytes that are easy to recognise.
#[derive(Debug)]
struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, value) in bytes.iter_mut().zip(100..) {
            *byte = value;
        }
    }
}

/// Asserts that neither form of `Debug` shows the bytes in any usual encoding.
fn assert_hidden(shown: &dyn Debug, secret: &[u8]) {
    let text = String::from_utf8_lossy(secret);
    let decimals = |separator: &str| {
        secret
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(separator)
    };
    for printed in [format!("{shown:?}"), format!("{shown:#?}")] {
        let squeezed: String = printed.split_whitespace().collect();
        for form in [
            hex::encode(secret),
            hex::encode_upper(secret),
            text.to_string(),
            decimals(","),
        ] {
            // Leaking a part is a leak.
            let part: String = form.chars().take(8).collect();
            assert!(!squeezed.contains(&part), "{printed} shows {part}");
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let ring = KeyRing::generate(now, &Counting);
    let key = ring.signing_key();
    let mut master = [0; 32];
    Counting.fill(&mut master);
    for secret in [
        master.as_slice(),
        key.derived(Purpose::Links).expose(),
        key.derived(Purpose::Cursors).expose(),
    ] {
        assert_hidden(&Secret::new(secret.to_vec()), secret);
        assert_hidden(key.derived(Purpose::Links), secret);
        assert_hidden(key, secret);
        assert_hidden(&ring, secret);
    }
    assert!(format!("{ring:?}").contains(key.id().as_str()));

    let api_key = ApiKey::generate(&OsEntropy);
    assert_hidden(&api_key, &api_key.reveal().as_bytes()[17..]);
    assert_hidden(&api_key, &api_key.reveal().as_bytes()[60..]);
    assert_hidden(&api_key.hash(), api_key.hash().as_bytes());
    assert!(format!("{api_key:?}").contains(api_key.key_id().as_str()));

    let fields = LinkFields {
        action: LinkAction::View,
        tenant: TenantId::new(7),
        file: FileId::generate(now, &Counting),
        filename: Filename::parse("a.pdf").unwrap(),
        expires_at: 1_800_000_900,
    };
    let query = sign_link(&ring, &fields);
    let signature = query.pairs()[4].1.clone();
    assert_hidden(&query, signature.as_bytes());
}
