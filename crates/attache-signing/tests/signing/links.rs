//! Links: any alteration is refused, and rotation keeps them valid.

use attache_model::{FileId, Filename, TenantId, Timestamp};
use attache_signing::{
    KeyRing, LinkAction, LinkError, LinkFields, VerifiedLink, sign_link, verify_link,
};
use proptest::prelude::*;

use crate::{DAY, NOW_SECONDS, earlier_ring, now, ring, rotated};

fn fields() -> LinkFields {
    LinkFields {
        action: LinkAction::Download,
        tenant: TenantId::new(7),
        file: "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
        filename: Filename::parse("naïve 100%.pdf").unwrap(),
        expires_at: NOW_SECONDS + 900,
    }
}

fn signed(ring: &KeyRing, fields: &LinkFields) -> [(&'static str, String); 5] {
    sign_link(ring, fields).pairs()
}

fn verify(ring: &KeyRing, query: [(&'static str, String); 5]) -> Result<VerifiedLink, LinkError> {
    verify_link(
        ring,
        fields().file,
        fields().filename.as_str(),
        query,
        now(),
        DAY,
    )
}

#[test]
fn genuine_link_returns_all_fields() {
    let ring = ring();
    let link = verify(&ring, signed(&ring, &fields())).unwrap();
    assert_eq!(link.action(), LinkAction::Download);
    assert_eq!(link.tenant(), TenantId::new(7));
    assert_eq!(link.file(), fields().file);
    assert_eq!(link.filename().as_str(), "naïve 100%.pdf");
    assert_eq!(link.expires_at(), NOW_SECONDS + 900);
    assert_eq!(link.into_fields(), fields());
}

#[test]
fn first_key_signs_and_both_verify() {
    let (older, newer) = (earlier_ring(), ring());
    let both = rotated(&newer, &older);
    let by_older = signed(&older, &fields());
    let by_both = signed(&both, &fields());
    assert!(verify(&both, by_older.clone()).is_ok());
    assert!(verify(&both, by_both.clone()).is_ok());
    assert_eq!(by_both, signed(&newer, &fields()));
    assert_ne!(by_both, by_older);
    // Without the old key, its links are invalid.
    assert_eq!(
        verify(&newer, by_older.clone()).unwrap_err(),
        LinkError::Invalid
    );
    // The order of the ring decides which key signs, not which keys verify.
    assert!(verify(&rotated(&older, &newer), by_both).is_ok());
}

#[test]
fn another_secret_with_the_same_id_is_refused() {
    let own = KeyRing::parse("k:9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297");
    let other =
        KeyRing::parse("k:0f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297");
    let query = signed(&other.unwrap(), &fields());
    assert_eq!(
        verify(&own.unwrap(), query).unwrap_err(),
        LinkError::Invalid
    );
}

#[test]
fn lifetime_is_bounded_to_the_millisecond() {
    let ring = ring();
    let at = |expires_at, millis| {
        let query = signed(
            &ring,
            &LinkFields {
                expires_at,
                ..fields()
            },
        );
        let now = Timestamp::from_millis(millis);
        let name = fields().filename;
        verify_link(&ring, fields().file, name.as_str(), query, now, DAY).map(|_| ())
    };
    let now = NOW_SECONDS * 1000;
    let day = NOW_SECONDS + 24 * 60 * 60;
    assert_eq!(at(day, now), Ok(()));
    assert_eq!(at(day + 1, now), Err(LinkError::Invalid));
    assert_eq!(at(day + 1, now + 999), Err(LinkError::Invalid));
    assert_eq!(at(day + 1, now + 1000), Ok(()));
    assert_eq!(at(NOW_SECONDS + 1, now + 999), Ok(()));
    assert_eq!(at(NOW_SECONDS + 1, now + 1000), Err(LinkError::Expired));
    assert_eq!(at(0, now), Err(LinkError::Expired));
    assert_eq!(at(i64::MAX, now), Err(LinkError::Invalid));
    assert_eq!(at(-1, now), Err(LinkError::Invalid));
}

#[test]
fn altered_expired_link_is_invalid() {
    let ring = ring();
    let mut query = signed(
        &ring,
        &LinkFields {
            expires_at: NOW_SECONDS - 5,
            ..fields()
        },
    );
    assert_eq!(
        verify(&ring, query.clone()).unwrap_err(),
        LinkError::Expired
    );
    query[2].1 = (NOW_SECONDS - 4).to_string();
    assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
}

#[test]
fn filename_in_another_form_is_refused() {
    let ring = ring();
    let query = sign_link(&ring, &fields());
    for name in [
        "nai\u{308}ve 100%.pdf",
        "a/naïve 100%.pdf",
        "",
        "naïve%20100%.pdf",
    ] {
        let verified = verify_link(&ring, fields().file, name, query.pairs(), now(), DAY);
        assert_eq!(verified.unwrap_err(), LinkError::Invalid, "{name}");
    }
}

/// Replaces the character at `at` (modulo the length), or returns `None` if that changes nothing.
fn altered(text: &str, at: usize, by: char) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    let at = at % characters.len();
    let changed = std::mem::replace(&mut characters[at], by) != by;
    changed.then(|| characters.into_iter().collect())
}

fn any_character() -> impl Strategy<Value = char> {
    prop_oneof![
        prop::char::range('0', '9'),
        prop::char::range('a', 'z'),
        prop::char::range('A', 'Z'),
        prop::sample::select(vec!['-', '_', '=', '+', '/', ' ', '.', '\0']),
        any::<char>(),
    ]
}

proptest! {
    #[test]
    fn changed_query_character_is_refused(
        parameter in 0_usize..5,
        at in any::<usize>(),
        by in any_character(),
    ) {
        // With two live keys, a changed key id may name the other key.
        let ring = rotated(&ring(), &earlier_ring());
        let mut query = signed(&ring, &fields());
        let Some(value) = altered(&query[parameter].1, at, by) else { return Ok(()) };
        query[parameter].1 = value;
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn removed_or_added_character_is_refused(
        parameter in 0_usize..5,
        at in any::<usize>(),
        by in any_character(),
        remove in any::<bool>(),
    ) {
        let ring = ring();
        let mut query = signed(&ring, &fields());
        let mut characters: Vec<char> = query[parameter].1.chars().collect();
        let at = at % characters.len();
        if remove { characters.remove(at); } else { characters.insert(at, by); }
        query[parameter].1 = characters.into_iter().collect();
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn changed_filename_is_refused(at in any::<usize>(), by in any_character()) {
        let ring = ring();
        let query = sign_link(&ring, &fields());
        let Some(name) = altered(fields().filename.as_str(), at, by) else { return Ok(()) };
        let verified = verify_link(&ring, fields().file, &name, query.pairs(), now(), DAY);
        prop_assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn changed_file_id_is_refused(at in any::<usize>(), by in "[0-9a-f]") {
        let ring = ring();
        let query = sign_link(&ring, &fields());
        let by = by.chars().next().unwrap();
        let text = altered(&fields().file.to_string(), at, by);
        let Some(Ok(file)) = text.map(|text| text.parse::<FileId>()) else { return Ok(()) };
        let name = fields().filename;
        let verified = verify_link(&ring, file, name.as_str(), query.pairs(), now(), DAY);
        prop_assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn changed_expiry_is_refused(seconds in -2_000_000_000_i64..2_000_000_000) {
        prop_assume!(seconds != 0);
        let ring = ring();
        let mut query = signed(&ring, &fields());
        query[2].1 = (fields().expires_at + seconds).to_string();
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn link_verifies_only_with_its_own_ring(
        tenant in 0..=i64::MAX,
        view in any::<bool>(),
        id in any::<u128>(),
        name in "[^/\\\\]{1,60}",
        left in 1_i64..=86_400,
    ) {
        let Ok(filename) = Filename::parse(&name) else { return Ok(()) };
        let fields = LinkFields {
            action: if view { LinkAction::View } else { LinkAction::Download },
            tenant: TenantId::new(tenant),
            file: uuid_file(id),
            filename: filename.clone(),
            expires_at: NOW_SECONDS + left,
        };
        let own = ring();
        let query = sign_link(&own, &fields);
        let verify = |ring: &KeyRing| {
            verify_link(ring, fields.file, filename.as_str(), query.pairs(), now(), DAY)
        };
        prop_assert_eq!(verify(&own).unwrap().into_fields(), fields.clone());
        prop_assert_eq!(verify(&ring()).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn random_query_is_refused(
        pairs in prop::collection::vec(("Tenant|Action|Expires|KeyId|Signature|\\PC{0,5}", "\\PC{0,50}"), 0..8),
        name in "\\PC{0,20}",
    ) {
        let verified = verify_link(&ring(), fields().file, &name, pairs, now(), DAY);
        prop_assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    }
}

fn uuid_file(id: u128) -> FileId {
    let hex = format!("{id:032x}");
    let text = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-");
    text.parse().unwrap()
}
