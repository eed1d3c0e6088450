//! Query parameters of signed links: one canonical form each, parsed strictly.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::LinkError;
use crate::mac::MAC_BYTES;

/// Returns the values of the named parameters, in the order of `names`. The pairs may come in any
/// order, but each name must occur exactly once and no other may.
pub(crate) fn each_once<N: AsRef<str>, V: AsRef<str>, const COUNT: usize>(
    names: [&str; COUNT],
    pairs: impl IntoIterator<Item = (N, V)>,
) -> Result<[V; COUNT], LinkError> {
    let mut values = [const { None }; COUNT];
    for (name, value) in pairs {
        let known = names.iter().position(|known| *known == name.as_ref());
        let slot = &mut values[known.ok_or(LinkError::Invalid)?];
        if slot.replace(value).is_some() {
            return Err(LinkError::Invalid);
        }
    }
    let values: Vec<V> = values.into_iter().flatten().collect();
    values.try_into().map_err(|_| LinkError::Invalid)
}

/// Pairs each value with its name.
pub(crate) fn named<const COUNT: usize>(
    names: [&'static str; COUNT],
    values: [String; COUNT],
) -> [(&'static str, String); COUNT] {
    let mut values = values.into_iter();
    names.map(|name| (name, values.next().unwrap_or_default()))
}

/// Formats the query that follows the `?` of a URL. No value of a link needs percent-encoding.
pub(crate) fn query_string(pairs: &[(&'static str, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        let separator = if query.is_empty() { "" } else { "&" };
        // Writing to a `String` cannot fail.
        let _ = write!(query, "{separator}{name}={value}");
    }
    query
}

/// Parses decimal digits without sign or leading zero, the only form of a number.
pub(crate) fn parse_integer(text: &str) -> Result<i64, LinkError> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LinkError::Invalid);
    }
    text.parse().map_err(|_| LinkError::Invalid)
}

/// Parses 32 bytes of unpadded base64url. The engine refuses padding and unused trailing bits.
pub(crate) fn parse_signature(text: &str) -> Result<[u8; MAC_BYTES], LinkError> {
    let decoded = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| LinkError::Invalid)?;
    decoded.try_into().map_err(|_| LinkError::Invalid)
}

/// Formats a signature.
pub(crate) fn format_signature(signature: &[u8; MAC_BYTES]) -> String {
    URL_SAFE_NO_PAD.encode(signature)
}
