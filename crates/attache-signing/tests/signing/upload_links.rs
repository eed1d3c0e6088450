//! Upload links: any alteration is refused, and no other kind of link is accepted.

use attache_model::{FileId, Filename, OsEntropy, TenantId, Timestamp};
use attache_signing::{
    KeyRing, LinkAction, LinkError, LinkFields, UploadLinkFields, UploadLinkQuery,
    VerifiedUploadLink, sign_link, sign_upload_link, verify_link, verify_upload_link,
};
use proptest::prelude::*;

use crate::{DAY, NOW_SECONDS, now, ring};

type Pairs = Vec<(&'static str, String)>;

fn upload() -> FileId {
    "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap()
}

fn fields() -> UploadLinkFields {
    UploadLinkFields {
        tenant: TenantId::new(7),
        upload: upload(),
        expires_at: NOW_SECONDS + 900,
    }
}

fn signed(ring: &KeyRing) -> Pairs {
    sign_upload_link(ring, &fields()).pairs().to_vec()
}

fn verify(ring: &KeyRing, query: Pairs) -> Result<VerifiedUploadLink, LinkError> {
    verify_upload_link(ring, upload(), query, now(), DAY)
}

#[test]
fn genuine_link_returns_all_fields() {
    let ring = ring();
    let link = verify(&ring, signed(&ring)).unwrap();
    assert_eq!(link.tenant(), TenantId::new(7));
    assert_eq!(link.upload(), upload());
    assert_eq!(link.expires_at(), NOW_SECONDS + 900);
    assert_eq!(link.into_fields(), fields());
}

#[test]
fn lifetime_is_bounded_to_the_millisecond() {
    let ring = ring();
    let at = |expires_at, millis| {
        let fields = UploadLinkFields {
            expires_at,
            ..fields()
        };
        let query = sign_upload_link(&ring, &fields).pairs();
        let now = Timestamp::from_millis(millis);
        verify_upload_link(&ring, upload(), query, now, DAY).map(drop)
    };
    let now = NOW_SECONDS * 1000;
    let day = NOW_SECONDS + 24 * 60 * 60;
    assert_eq!(at(day, now), Ok(()));
    assert_eq!(at(day + 1, now), Err(LinkError::Invalid));
    assert_eq!(at(NOW_SECONDS + 1, now + 999), Ok(()));
    assert_eq!(at(NOW_SECONDS + 1, now + 1000), Err(LinkError::Expired));
    assert_eq!(at(i64::MAX, now), Err(LinkError::Invalid));
}

#[test]
fn altered_expired_link_is_invalid() {
    let ring = ring();
    let past = UploadLinkFields {
        expires_at: NOW_SECONDS - 5,
        ..fields()
    };
    let mut query = sign_upload_link(&ring, &past).pairs().to_vec();
    assert_eq!(
        verify(&ring, query.clone()).unwrap_err(),
        LinkError::Expired
    );
    query[1].1 = (NOW_SECONDS - 4).to_string();
    assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
}

#[test]
fn read_and_upload_links_are_not_interchangeable() {
    let ring = ring();
    let read = LinkFields {
        action: LinkAction::Download,
        tenant: fields().tenant,
        file: upload(),
        filename: Filename::parse("report.pdf").unwrap(),
        expires_at: fields().expires_at,
    };
    let read_query = sign_link(&ring, &read).pairs().to_vec();
    let without_action: Pairs = read_query
        .iter()
        .filter(|(name, _)| *name != "Action")
        .cloned()
        .collect();
    for query in [read_query, without_action] {
        assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }
    for action in ["download", "view", "upload"] {
        let mut query = signed(&ring);
        query.push(("Action", action.to_owned()));
        let verified = verify_link(&ring, upload(), "report.pdf", query, now(), DAY);
        assert_eq!(verified.unwrap_err(), LinkError::Invalid, "{action}");
    }
}

#[test]
fn missing_repeated_and_unknown_names_are_refused() {
    let ring = ring();
    for index in 0..4 {
        let mut missing = signed(&ring);
        let removed = missing.remove(index);
        assert!(
            UploadLinkQuery::parse(missing).is_err(),
            "without {}",
            removed.0
        );
        let mut twice = signed(&ring);
        twice.push(removed.clone());
        assert!(
            UploadLinkQuery::parse(twice).is_err(),
            "twice {}",
            removed.0
        );
    }
    for unknown in ["tenant", "Action", "Size", ""] {
        let mut more = signed(&ring);
        more.push((unknown, "1".to_owned()));
        assert!(UploadLinkQuery::parse(more).is_err(), "{unknown}");
    }
}

#[test]
fn debug_shows_no_signature() {
    let query = sign_upload_link(&ring(), &fields());
    let shown = format!("{query:?}");
    let [.., (_, signature)] = query.pairs();
    assert!(!shown.contains(&signature), "{shown}");
    assert!(shown.contains("expires_at"), "{shown}");
}

proptest! {
    #[test]
    fn changed_query_character_is_refused(
        parameter in 0_usize..4,
        at in any::<usize>(),
        by in any::<char>(),
    ) {
        let ring = ring();
        let mut query = signed(&ring);
        let mut characters: Vec<char> = query[parameter].1.chars().collect();
        let at = at % characters.len();
        prop_assume!(characters[at] != by);
        characters[at] = by;
        query[parameter].1 = characters.into_iter().collect();
        prop_assert_eq!(verify(&ring, query).unwrap_err(), LinkError::Invalid);
    }
}

#[test]
fn link_is_bound_to_upload_and_ring() {
    let ring = ring();
    let other = FileId::generate(now(), &OsEntropy);
    let verified = verify_upload_link(&ring, other, signed(&ring), now(), DAY);
    assert_eq!(verified.unwrap_err(), LinkError::Invalid);
    let verified = verify(&crate::ring(), signed(&ring));
    assert_eq!(verified.unwrap_err(), LinkError::Invalid);
}
