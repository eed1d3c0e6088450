//! The key ring as text: the format of the key file and of the environment variable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{KeyId, KeyProblem, KeyRing, SigningKey};

const HEADER: &str = "\
# Signing keys of attache: they sign links and cursors. Keep this file secret.
#
# One key per line, `keyid:secret`: an id of 1 to 16 of a-z 0-9, and 32 random bytes as 64 hex
# digits or 43 characters of base64url. The first key signs; all keys verify; at most two are live.
#
# To rotate, generate a key:
#     printf '%s:%s\\n' \"k$(date +%Y%m%d)\" \"$(openssl rand -hex 32)\"
# Put it on the first line, keep the old key on the second, and restart. Remove the old key when
# its last link has expired (after 24 hours, unless you allow longer links). If several servers
# share the keys, first add the new key as the second line on all of them; only then move it up.
# If a secret has leaked, remove it at once: its links and cursors stop working. API keys do not
# depend on this file.
";

/// The error for text that is not a key ring. It names the line and the problem, never the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// Nothing but blank lines and comments.
    #[error("the key ring holds no key")]
    Empty,
    /// A refused key.
    #[error("the key on line {line} {problem}")]
    Key {
        /// The line, from 1.
        line: usize,
        /// The problem with the key.
        problem: KeyProblem,
    },
}

impl KeyRing {
    /// Parses a ring: keys as `keyid:secret`, one per line or separated by commas. A secret is 32
    /// bytes as 64 hex digits or as unpadded base64url. `#` starts a comment; blank lines are skipped.
    ///
    /// # Errors
    ///
    /// The error names the line and the [`KeyProblem`]. Its message contains nothing of the text.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut ring: Option<Self> = None;
        for (index, line) in text.lines().enumerate() {
            let keys = line.split('#').next().unwrap_or_default();
            for entry in keys
                .split(',')
                .map(str::trim)
                .filter(|entry| !entry.is_empty())
            {
                let added = parse_key(entry).and_then(|key| match ring.take() {
                    None => Ok(Self::new(key)),
                    Some(ring) => ring.with_second(key),
                });
                let at_line = |problem| KeyRingError::Key {
                    line: index + 1,
                    problem,
                };
                ring = Some(added.map_err(at_line)?);
            }
        }
        ring.ok_or(KeyRingError::Empty)
    }

    /// Returns the text of a key file: a comment that explains rotation, then what [`KeyRing::parse`]
    /// reads.
    pub fn to_file_text(&self) -> Zeroizing<String> {
        // Enough capacity for everything, so that growing leaves no copy of a secret behind.
        let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + 2 * 64));
        text.push_str(HEADER);
        for key in self.keys() {
            text.push_str(key.id().as_str());
            text.push(':');
            URL_SAFE_NO_PAD.encode_string(key.master().expose(), &mut text);
            text.push('\n');
        }
        text
    }
}

fn parse_key(entry: &str) -> Result<SigningKey, KeyProblem> {
    let (id, secret) = entry.split_once(':').ok_or(KeyProblem::NoColon)?;
    let id = KeyId::parse(id.trim()).map_err(|_| KeyProblem::IllFormedId)?;
    let secret = decode_secret(secret.trim())?;
    if is_predictable(&secret) {
        return Err(KeyProblem::PredictableSecret);
    }
    Ok(SigningKey::new(id, &secret))
}

type MasterBytes = Zeroizing<[u8; SigningKey::SECRET_BYTES]>;

fn decode_secret(text: &str) -> Result<MasterBytes, KeyProblem> {
    let mut secret = MasterBytes::default();
    if hex::decode_to_slice(text, secret.as_mut_slice()).is_ok() {
        return Ok(secret);
    }
    let decoded = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| KeyProblem::IllFormedSecret)?;
    let decoded = Zeroizing::new(decoded);
    if decoded.len() != secret.len() {
        return Err(KeyProblem::SecretLength);
    }
    secret.copy_from_slice(&decoded);
    Ok(secret)
}

/// Returns `true` if no random source can have produced these bytes: few distinct values (zeroes, a
/// repeated word), equal steps (the published test vectors), or readable text (a passphrase, hex
/// encoded twice). 32 random bytes match with a probability below 2^-45.
fn is_predictable(secret: &[u8; SigningKey::SECRET_BYTES]) -> bool {
    let mut sorted = Zeroizing::new(*secret);
    sorted.sort_unstable();
    let distinct = 1 + sorted.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let step = secret[1].wrapping_sub(secret[0]);
    let equal_steps = secret
        .windows(2)
        .all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    let readable = secret.iter().all(|byte| matches!(byte, b' '..=b'~'));
    distinct < 10 || equal_steps || readable
}

#[cfg(test)]
mod tests {
    use attache_model::{OsEntropy, Timestamp};
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297";
    const BASE64: &str = "0w3UGBEHwPYrGLYhNOPj8jlH-5zXn1TBYL_2SdiVDEE";

    fn problem(text: &str) -> (usize, KeyProblem) {
        match KeyRing::parse(text) {
            Err(KeyRingError::Key { line, problem }) => (line, problem),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parse_reads_lines_commas_and_both_encodings() {
        for text in [
            format!("new:{HEX}\nold:{BASE64}\n"),
            format!("new:{HEX},old:{BASE64}"),
            format!("# keys\r\n\r\n  new : {HEX} # the new one\r\n,old:{BASE64},\r\n"),
            format!("new:{},old:{BASE64}", HEX.to_uppercase()),
        ] {
            let ring = KeyRing::parse(&text).unwrap();
            assert_eq!(format!("{ring:?}"), r#"KeyRing["new", "old"]"#);
            assert_eq!(
                ring.signing_key().master().expose(),
                hex::decode(HEX).unwrap()
            );
        }
        assert_eq!(
            KeyRing::parse("\n# none\n , \n").unwrap_err(),
            KeyRingError::Empty
        );
    }

    #[test]
    fn parse_error_names_line_and_problem() {
        for (text, expected) in [
            (format!("\n{HEX}"), (2, KeyProblem::NoColon)),
            (format!("New:{HEX}"), (1, KeyProblem::IllFormedId)),
            (
                format!("a:{HEX}\n\nb:{BASE64}="),
                (3, KeyProblem::IllFormedSecret),
            ),
            (
                format!("a:{}", BASE64.replace('-', "+")),
                (1, KeyProblem::IllFormedSecret),
            ),
            // The same 32 bytes, but with an unused trailing bit set.
            (
                format!("a:{}F", &BASE64[..42]),
                (1, KeyProblem::IllFormedSecret),
            ),
            (format!("a:{}", &HEX[..32]), (1, KeyProblem::SecretLength)),
            (format!("a:{HEX}{HEX}"), (1, KeyProblem::SecretLength)),
            ("a:".to_owned(), (1, KeyProblem::SecretLength)),
            (format!("a:{HEX}\na:{BASE64}"), (2, KeyProblem::RepeatedId)),
            (format!("a:{HEX},b:{HEX}"), (1, KeyProblem::RepeatedSecret)),
            (
                format!("a:{HEX}\nb:{BASE64}\nc:{HEX}"),
                (3, KeyProblem::TooMany),
            ),
        ] {
            assert_eq!(problem(&text), expected, "{text}");
        }
    }

    #[test]
    fn predictable_secrets_are_refused() {
        let counting: Vec<u8> = (0..32).collect();
        for secret in [
            [0; 32].as_slice(),
            &[0xff; 32],
            &counting,
            b"changemechangemechangemechangeme",
            b"a passphrase of 32 letters, bad!",
            &[1, 2, 3, 4, 5, 6, 7, 8].repeat(4),
        ] {
            let text = format!("a:{}", hex::encode(secret));
            assert_eq!(problem(&text), (1, KeyProblem::PredictableSecret), "{text}");
        }
    }

    #[test]
    fn file_text_round_trips() {
        let generated_at = |millis| KeyRing::generate(Timestamp::from_millis(millis), &OsEntropy);
        let (newer, older) = (
            generated_at(1_800_000_000_000),
            generated_at(1_700_000_000_000),
        );
        let ring = newer.with_second(older.signing_key().clone()).unwrap();
        let text = ring.to_file_text();
        assert!(text.starts_with('#') && text.lines().all(|line| line.len() <= 100));
        let read = KeyRing::parse(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{ring:?}"));
        assert!(
            read.keys()
                .zip(ring.keys())
                .all(|(a, b)| a.master() == b.master())
        );
    }

    proptest! {
        #[test]
        fn parse_error_shows_nothing_of_the_text(secret in "[A-Za-z0-9_=+-]{20,50}", id in "[A-Z]{6}") {
            let (shown, text) = match KeyRing::parse(&format!("{id}:{secret}\n{secret}")) {
                Err(error) => (format!("{error} {error:?}"), secret),
                Ok(ring) => (format!("{ring:?}"), secret),
            };
            prop_assert!(!shown.contains(&text) && !shown.contains(&id));
        }

        #[test]
        fn parse_never_panics(text in "[a-z0-9:,#\\n \\PC]{0,200}") {
            let _ = KeyRing::parse(&text);
        }
    }
}
