//! Links: nothing about one can be changed, and rotation breaks none.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of these tests may panic as they may"
)]

use std::time::Duration;

use attache_model::{FileId, Filename, OsEntropy, TenantId, Timestamp};
use attache_signing::{
    KeyRing, LinkAction, LinkError, LinkFields, VerifiedLink, sign_link, verify_link,
};
use proptest::prelude::*;

const DAY: Duration = Duration::from_hours(24);
const NOW_SECONDS: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW_SECONDS * 1000)
}

fn ring() -> KeyRing {
    KeyRing::generate(now(), &OsEntropy)
}

/// A ring of the day before, so that its key surely has another id than today's.
fn ring_of_yesterday() -> KeyRing {
    KeyRing::generate(
        Timestamp::from_millis((NOW_SECONDS - 86_400) * 1000),
        &OsEntropy,
    )
}

/// A ring in which `newer` signs and both verify.
fn rotated(newer: &KeyRing, older: &KeyRing) -> KeyRing {
    newer
        .clone()
        .with_second(older.signing_key().clone())
        .unwrap()
}

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
fn a_genuine_link_answers_all_of_its_fields() {
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
fn both_live_keys_verify_and_only_the_first_signs() {
    let (older, newer) = (ring_of_yesterday(), ring());
    let both = rotated(&newer, &older);
    let by_older = signed(&older, &fields());
    let by_both = signed(&both, &fields());
    assert!(verify(&both, by_older.clone()).is_ok());
    assert!(verify(&both, by_both.clone()).is_ok());
    assert_eq!(by_both, signed(&newer, &fields()));
    assert_ne!(by_both, by_older);
    // After the rotation, the old key's links end.
    assert_eq!(
        verify(&newer, by_older.clone()).unwrap_err(),
        LinkError::Invalid
    );
    // The order of the ring decides who signs, not who verifies.
    assert!(verify(&rotated(&older, &newer), by_both).is_ok());
}

#[test]
fn a_key_of_another_ring_is_refused_even_under_the_same_id() {
    let mine = KeyRing::parse("k:9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297");
    let other =
        KeyRing::parse("k:0f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297");
    let query = signed(&other.unwrap(), &fields());
    assert_eq!(
        verify(&mine.unwrap(), query).unwrap_err(),
        LinkError::Invalid
    );
}

#[test]
fn a_lifetime_is_valid_to_the_cap_and_to_the_last_millisecond() {
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
fn an_altered_link_past_its_time_is_invalid_not_expired() {
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
fn a_name_in_another_normal_form_or_as_a_path_is_refused() {
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

/// The text with the character at `place` (taken round) replaced, or `None` where that changes nothing.
fn altered(text: &str, place: usize, by: char) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    let place = place % characters.len();
    let changed = std::mem::replace(&mut characters[place], by) != by;
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
    fn no_character_of_the_query_can_be_changed(
        parameter in 0_usize..5,
        place in any::<usize>(),
        by in any_character(),
    ) {
        // With both keys live, another key id may well name a key.
        let ring = rotated(&ring(), &ring_of_yesterday());
        let mut query = signed(&ring, &fields());
        let Some(value) = altered(&query[parameter].1, place, by) else { return Ok(()) };
        query[parameter].1 = value;
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn no_character_can_be_removed_or_added(
        parameter in 0_usize..5,
        place in any::<usize>(),
        by in any_character(),
        remove in any::<bool>(),
    ) {
        let ring = ring();
        let mut query = signed(&ring, &fields());
        let mut characters: Vec<char> = query[parameter].1.chars().collect();
        let place = place % characters.len();
        if remove { characters.remove(place); } else { characters.insert(place, by); }
        query[parameter].1 = characters.into_iter().collect();
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn no_character_of_the_filename_can_be_changed(place in any::<usize>(), by in any_character()) {
        let ring = ring();
        let query = sign_link(&ring, &fields());
        let Some(name) = altered(fields().filename.as_str(), place, by) else { return Ok(()) };
        let verified = verify_link(&ring, fields().file, &name, query.pairs(), now(), DAY);
        prop_assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn no_digit_of_the_file_id_can_be_changed(place in any::<usize>(), by in "[0-9a-f]") {
        let ring = ring();
        let query = sign_link(&ring, &fields());
        let by = by.chars().next().unwrap();
        let text = altered(&fields().file.to_string(), place, by);
        let Some(Ok(file)) = text.map(|text| text.parse::<FileId>()) else { return Ok(()) };
        let name = fields().filename;
        let verified = verify_link(&ring, file, name.as_str(), query.pairs(), now(), DAY);
        prop_assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn expiry_cannot_be_moved(seconds in -2_000_000_000_i64..2_000_000_000) {
        prop_assume!(seconds != 0);
        let ring = ring();
        let mut query = signed(&ring, &fields());
        query[2].1 = (fields().expires_at + seconds).to_string();
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn every_link_verifies_with_its_own_ring_and_no_other(
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
        let mine = ring();
        let query = sign_link(&mine, &fields);
        let verify = |ring: &KeyRing| {
            verify_link(ring, fields.file, filename.as_str(), query.pairs(), now(), DAY)
        };
        prop_assert_eq!(verify(&mine).unwrap().into_fields(), fields.clone());
        prop_assert_eq!(verify(&ring()).unwrap_err(), LinkError::Invalid);
    }

    #[test]
    fn any_query_is_answered(
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
