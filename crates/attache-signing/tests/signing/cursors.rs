//! Cursors open only unaltered, and only for the request that they were sealed for.

use attache_signing::{
    CursorError, KeyRing, MAX_CURSOR_CHARS, MAX_CURSOR_PAYLOAD_BYTES, open_cursor, seal_cursor,
};
use proptest::prelude::*;

use crate::{earlier_ring, ring, rotated};

#[test]
fn cursor_opens_only_with_its_binding() {
    let ring = ring();
    let cursor = seal_cursor(&ring, b"tenant 7, active", b"position");
    assert_eq!(
        open_cursor(&ring, b"tenant 7, active", &cursor),
        Ok(b"position".to_vec())
    );
    for binding in [b"tenant 8, active".as_slice(), b"tenant 7, activ", b""] {
        assert_eq!(
            open_cursor(&ring, binding, &cursor),
            Err(CursorError::Mismatch)
        );
    }
}

#[test]
fn binding_and_payload_are_kept_apart() {
    let ring = ring();
    // The same concatenation, split at another place.
    let one = seal_cursor(&ring, b"ab", b"c");
    let two = seal_cursor(&ring, b"a", b"bc");
    assert_ne!(one[one.len() - 43..], two[two.len() - 43..]);
}

#[test]
fn cursor_survives_rotation_until_its_key_is_removed() {
    let (older, newer) = (earlier_ring(), ring());
    let cursor = seal_cursor(&older, b"b", b"p");
    let both = rotated(&newer, &older);
    assert_eq!(open_cursor(&both, b"b", &cursor), Ok(b"p".to_vec()));
    assert_eq!(
        open_cursor(&newer, b"b", &cursor),
        Err(CursorError::UnknownKey)
    );
    assert_eq!(
        seal_cursor(&both, b"b", b"p"),
        seal_cursor(&newer, b"b", b"p")
    );
}

#[test]
fn longest_payload_fits_with_the_longest_key_id() {
    let secret = "9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297";
    let ring = KeyRing::parse(&format!("0123456789abcdef:{secret}")).unwrap();
    let longest = vec![b'x'; MAX_CURSOR_PAYLOAD_BYTES];
    let cursor = seal_cursor(&ring, b"", &longest);
    assert_eq!(cursor.len(), MAX_CURSOR_CHARS);
    assert_eq!(open_cursor(&ring, b"", &cursor), Ok(longest));
    let longer = seal_cursor(&ring, b"", &[b'x'; MAX_CURSOR_PAYLOAD_BYTES + 1]);
    assert_eq!(
        open_cursor(&ring, b"", &longer),
        Err(CursorError::Malformed)
    );
}

#[test]
fn other_text_is_malformed() {
    let ring = ring();
    let cursor = seal_cursor(&ring, b"", b"p");
    for text in [
        String::new(),
        "A".to_owned(),
        "not a cursor".to_owned(),
        format!("{cursor}="),
        // Another version; a truncated MAC without a payload.
        format!("B{}", &cursor[1..]),
        cursor[..24].to_owned(),
        "A".repeat(MAX_CURSOR_CHARS + 4),
    ] {
        assert_eq!(
            open_cursor(&ring, b"", &text),
            Err(CursorError::Malformed),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn payload_round_trips(
        binding in prop::collection::vec(any::<u8>(), 0..100),
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let ring = ring();
        let cursor = seal_cursor(&ring, &binding, &payload);
        prop_assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(open_cursor(&ring, &binding, &cursor), Ok(payload));
    }

    #[test]
    fn changed_character_is_refused(at in any::<usize>(), by in "[A-Za-z0-9_-]") {
        let ring = ring();
        let mut cursor = seal_cursor(&ring, b"binding", b"some position");
        let at = at % cursor.len();
        prop_assume!(cursor[at..=at] != by);
        cursor.replace_range(at..=at, &by);
        prop_assert!(open_cursor(&ring, b"binding", &cursor).is_err());
    }

    #[test]
    fn random_text_is_refused(text in "[A-Za-z0-9_-]{0,200}|\\PC{0,100}") {
        prop_assert!(open_cursor(&ring(), b"", &text).is_err());
    }
}
