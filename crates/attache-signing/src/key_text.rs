//! The key ring as text: the form of the key file and of the environment variable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{KeyId, KeyProblem, KeyRing, SigningKey};

const HEADER: &str = "\
# Signing keys of attache: links and cursors are signed with them. Keep this file secret.
#
# One key a line, `keyid:secret`: an id of 1 to 16 of a-z 0-9, and 32 random bytes as 64 hex digits
# or 43 characters of base64url. The first key signs; every key here verifies; at most two are live.
#
# To rotate: make a new key,
#     printf '%s:%s\\n' \"k$(date +%Y%m%d)\" \"$(openssl rand -hex 32)\"
# put it on the first line, keep the old one as the second, and restart. Remove the old one when the
# last link made with it has expired (24 hours, unless you allow longer ones). Where several servers
# share the keys, first add the new key as the second line on all of them, and only then move it up.
# If a secret has leaked, remove it at once: its links and cursors end with it. API keys do not
# depend on this file.
";

/// Why a text is not a key ring. Says where and what, and never shows any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// Nothing but blank lines and comments.
    #[error("the key ring holds no key")]
    Empty,
    /// A key that cannot be taken.
    #[error("the key on line {line} {problem}")]
    Key {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: KeyProblem,
    },
}

impl KeyRing {
    /// Reads a ring: keys as `keyid:secret`, one a line or separated by commas, where the secret is 32
    /// bytes as 64 hex digits or as unpadded base64url. `#` begins a comment; blank lines are fine.
    ///
    /// # Errors
    ///
    /// Names the line and the [`KeyProblem`]; the message contains nothing of the text.
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

    /// The text of a key file: what [`KeyRing::parse`] reads, under a comment that explains rotation.
    pub fn to_file_text(&self) -> Zeroizing<String> {
        // Room for everything, so that growing leaves no copy of a secret behind.
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

/// Whether no random source can have made these bytes: few different ones (all zeroes, a repeated
/// word), equal steps (the published test vectors), or readable text (a passphrase, hex encoded
/// twice). 32 random bytes look like that less often than once in 2^45 times.
fn is_predictable(secret: &[u8; SigningKey::SECRET_BYTES]) -> bool {
    let mut sorted = Zeroizing::new(*secret);
    sorted.sort_unstable();
    let different = 1 + sorted.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let step = secret[1].wrapping_sub(secret[0]);
    let equal_steps = secret
        .windows(2)
        .all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    let readable = secret.iter().all(|byte| matches!(byte, b' '..=b'~'));
    different < 10 || equal_steps || readable
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
    fn reads_lines_commas_comments_and_both_encodings() {
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
    fn says_which_line_is_wrong_and_how() {
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
            // The same 32 bytes, but with a bit set that does not count.
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
    fn a_file_is_read_as_it_was_written() {
        let made_at = |millis| KeyRing::generate(Timestamp::from_millis(millis), &OsEntropy);
        let (newer, older) = (made_at(1_800_000_000_000), made_at(1_700_000_000_000));
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
        fn an_error_shows_nothing_of_the_text(secret in "[A-Za-z0-9_=+-]{20,50}", id in "[A-Z]{6}") {
            let (shown, text) = match KeyRing::parse(&format!("{id}:{secret}\n{secret}")) {
                Err(error) => (format!("{error} {error:?}"), secret),
                Ok(ring) => (format!("{ring:?}"), secret),
            };
            prop_assert!(!shown.contains(&text) && !shown.contains(&id));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[a-z0-9:,#\\n \\PC]{0,200}") {
            let _ = KeyRing::parse(&text);
        }
    }
}
