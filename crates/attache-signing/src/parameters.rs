//! The parameters of a signed link's query: each written in one way and read strictly.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::LinkError;
use crate::mac::MAC_BYTES;

/// The values of these parameters, in the order of `names`: each must be there exactly once, in any
/// order, and no other.
pub(crate) fn each_once<N: AsRef<str>, V: AsRef<str>, const COUNT: usize>(
    names: [&str; COUNT],
    pairs: impl IntoIterator<Item = (N, V)>,
) -> Result<[V; COUNT], LinkError> {
    let mut values = [const { None }; COUNT];
    for (name, value) in pairs {
        let known = names.iter().position(|known| *known == name.as_ref());
        let place = &mut values[known.ok_or(LinkError::Invalid)?];
        if place.replace(value).is_some() {
            return Err(LinkError::Invalid);
        }
    }
    let values: Vec<V> = values.into_iter().flatten().collect();
    values.try_into().map_err(|_| LinkError::Invalid)
}

/// The values with their names.
pub(crate) fn named<const COUNT: usize>(
    names: [&'static str; COUNT],
    values: [String; COUNT],
) -> [(&'static str, String); COUNT] {
    let mut values = values.into_iter();
    names.map(|name| (name, values.next().unwrap_or_default()))
}

/// The query as it follows the `?` of a URL. No value of a link needs percent-encoding.
pub(crate) fn query_string(pairs: &[(&'static str, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        let separator = if query.is_empty() { "" } else { "&" };
        // Writing to a string cannot fail.
        let _ = write!(query, "{separator}{name}={value}");
    }
    query
}

/// Decimal digits without sign or leading zero: the one form of each number.
pub(crate) fn integer(text: &str) -> Result<i64, LinkError> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LinkError::Invalid);
    }
    text.parse().map_err(|_| LinkError::Invalid)
}

/// Exactly 32 bytes as unpadded base64url; the engine refuses padding and stray trailing bits.
pub(crate) fn signature(text: &str) -> Result<[u8; MAC_BYTES], LinkError> {
    let decoded = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| LinkError::Invalid)?;
    decoded.try_into().map_err(|_| LinkError::Invalid)
}

/// The one form of a signature.
pub(crate) fn write_signature(signature: &[u8; MAC_BYTES]) -> String {
    URL_SAFE_NO_PAD.encode(signature)
}
