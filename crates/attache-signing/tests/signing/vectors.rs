//! The published vectors: the independent implementation, the document and this code agree.

use std::path::Path;
use std::time::Duration;

use attache_model::{Filename, TenantId, Timestamp};
use attache_signing::{
    ApiKey, CanonicalForm, KeyId, KeyProblem, KeyRing, KeyRingError, LinkError, LinkFields,
    Purpose, SigningKey, UploadLinkFields, canonical_cursor, canonical_link, canonical_upload_link,
    open_cursor, seal_cursor, sign_link, sign_upload_link, verify_link, verify_upload_link,
};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn each<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    let list = vectors[name].as_array().unwrap();
    assert!(!list.is_empty(), "{name}");
    list
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

fn key(vectors: &Value, id: &str) -> SigningKey {
    let found = each(vectors, "keys")
        .iter()
        .find(|key| text(key, "id") == id)
        .unwrap();
    let master: [u8; 32] = bytes(found, "master_hex").try_into().unwrap();
    SigningKey::new(KeyId::parse(id).unwrap(), &master)
}

fn ring(vectors: &Value) -> KeyRing {
    KeyRing::new(key(vectors, "k1"))
        .with_second(key(vectors, "k2"))
        .unwrap()
}

fn fields(link: &Value) -> LinkFields {
    LinkFields {
        action: text(link, "action").parse().unwrap(),
        tenant: TenantId::new(link["tenant"].as_i64().unwrap()),
        file: text(link, "file").parse().unwrap(),
        filename: Filename::parse(text(link, "filename")).unwrap(),
        expires_at: link["expires"].as_i64().unwrap(),
    }
}

fn split_query(query: &str) -> Vec<(&str, &str)> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .collect()
}

#[test]
fn document_shows_these_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SIGNING.md");
    let document = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<_> = document.split("```json\n").skip(1).collect();
    assert_eq!(blocks.len(), 1, "exactly one JSON block");
    let shown: Value = serde_json::from_str(blocks[0].split("```").next().unwrap()).unwrap();
    assert_eq!(shown, vectors());
}

#[test]
fn derived_keys_match_the_vectors() {
    let vectors = vectors();
    for vector in each(&vectors, "keys") {
        let (prk, _) = hkdf::Hkdf::<sha2::Sha256>::extract(None, &bytes(vector, "master_hex"));
        assert_eq!(prk.as_slice(), bytes(vector, "prk_hex"));
        let key = key(&vectors, text(vector, "id"));
        assert_eq!(
            key.derived(Purpose::Links).expose(),
            bytes(vector, "links_hex")
        );
        assert_eq!(
            key.derived(Purpose::Cursors).expose(),
            bytes(vector, "cursors_hex")
        );
        let file = KeyRing::new(key).to_file_text();
        assert_eq!(file.lines().last(), Some(text(vector, "line")));
    }
}

#[test]
fn published_keys_are_refused_in_a_key_file() {
    for vector in each(&vectors(), "keys") {
        let problem = KeyProblem::PredictableSecret;
        let refused = KeyRing::parse(text(vector, "line")).unwrap_err();
        assert_eq!(refused, KeyRingError::Key { line: 1, problem });
    }
}

#[test]
fn canonical_forms_match_the_vectors() {
    for vector in each(&vectors(), "canonical_forms") {
        let mut form = CanonicalForm::new(text(vector, "label"));
        for field in vector["fields"].as_array().unwrap() {
            form = form.field(field[0].as_str().unwrap(), field[1].as_str().unwrap());
        }
        assert_eq!(form.into_bytes(), bytes(vector, "canonical_hex"));
    }
}

#[test]
fn signed_links_match_the_vectors() {
    let vectors = vectors();
    for vector in each(&vectors, "links") {
        let fields = fields(vector);
        assert_eq!(canonical_link(&fields), bytes(vector, "canonical_hex"));
        let query = sign_link(&KeyRing::new(key(&vectors, text(vector, "key"))), &fields);
        assert_eq!(query.to_query_string(), text(vector, "query"));
    }
}

#[test]
fn link_verification_matches_the_vectors() {
    let vectors = vectors();
    let max_lifetime = Duration::from_secs(vectors["max_lifetime_seconds"].as_u64().unwrap());
    for vector in each(&vectors, "verifications") {
        let verified = verify_link(
            &ring(&vectors),
            text(vector, "file").parse().unwrap(),
            text(vector, "filename"),
            split_query(text(vector, "query")),
            Timestamp::from_millis(vector["now_millis"].as_i64().unwrap()),
            max_lifetime,
        );
        let outcome = match verified {
            Ok(_) => "valid",
            Err(LinkError::Expired) => "expired",
            Err(LinkError::Invalid) => "invalid",
        };
        assert_eq!(outcome, text(vector, "outcome"), "{}", text(vector, "case"));
    }
}

#[test]
fn signed_upload_links_match_the_vectors() {
    let vectors = vectors();
    for vector in each(&vectors, "upload_links") {
        let fields = UploadLinkFields {
            tenant: TenantId::new(vector["tenant"].as_i64().unwrap()),
            upload: text(vector, "upload").parse().unwrap(),
            expires_at: vector["expires"].as_i64().unwrap(),
        };
        let canonical = canonical_upload_link(&fields);
        assert_eq!(canonical, bytes(vector, "canonical_hex"));
        let ring = KeyRing::new(key(&vectors, text(vector, "key")));
        let query = sign_upload_link(&ring, &fields);
        assert_eq!(query.to_query_string(), text(vector, "query"));
    }
}

#[test]
fn upload_link_verification_matches_the_vectors() {
    let vectors = vectors();
    let max_lifetime = Duration::from_secs(vectors["max_lifetime_seconds"].as_u64().unwrap());
    for vector in each(&vectors, "upload_verifications") {
        let verified = verify_upload_link(
            &ring(&vectors),
            text(vector, "upload").parse().unwrap(),
            split_query(text(vector, "query")),
            Timestamp::from_millis(vector["now_millis"].as_i64().unwrap()),
            max_lifetime,
        );
        let outcome = match verified {
            Ok(_) => "valid",
            Err(LinkError::Expired) => "expired",
            Err(LinkError::Invalid) => "invalid",
        };
        assert_eq!(outcome, text(vector, "outcome"), "{}", text(vector, "case"));
    }
}

#[test]
fn sealed_cursors_match_the_vectors() {
    let vectors = vectors();
    for vector in each(&vectors, "cursors") {
        let (binding, payload) = (bytes(vector, "binding_hex"), bytes(vector, "payload_hex"));
        assert_eq!(
            canonical_cursor(&binding, &payload),
            bytes(vector, "canonical_hex")
        );
        let alone = KeyRing::new(key(&vectors, text(vector, "key")));
        assert_eq!(
            seal_cursor(&alone, &binding, &payload),
            text(vector, "text")
        );
        assert_eq!(
            open_cursor(&ring(&vectors), &binding, text(vector, "text")),
            Ok(payload)
        );
    }
}

#[test]
fn api_keys_match_the_vectors() {
    for vector in each(&vectors(), "api_keys") {
        let key = ApiKey::parse(text(vector, "text")).unwrap();
        assert_eq!(key.key_id().as_str(), text(vector, "id"));
        assert_eq!(key.reveal().as_str(), text(vector, "text"));
        assert_eq!(key.hash().as_bytes().as_slice(), bytes(vector, "hash_hex"));
    }
}
