//! The query of a signed link: five parameters in one canonical form, parsed strictly.

use std::fmt;
use std::str::FromStr;

use attache_model::{InvalidValue, TenantId};

use crate::error::LinkError;
use crate::key_ring::KeyId;
use crate::mac::MAC_BYTES;
use crate::parameters;

const NAMES: [&str; 5] = ["Tenant", "Action", "Expires", "KeyId", "Signature"];

/// The action that a link permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkAction {
    /// Downloads the content as an attachment.
    Download,
    /// Shows the content inline, if its type allows that.
    View,
}

impl LinkAction {
    /// Returns `download` or `view`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::View => "view",
        }
    }
}

impl fmt::Display for LinkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LinkAction {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "download" => Ok(Self::Download),
            "view" => Ok(Self::View),
            _ => Err(InvalidValue::new("action", "is neither download nor view")),
        }
    }
}

/// The query of a link. Parsing one verifies nothing: [`crate::verify_link`] does.
///
/// The signature grants the link's permission, so `Debug` omits it.
#[derive(Clone)]
pub struct LinkQuery {
    pub(crate) tenant: TenantId,
    pub(crate) action: LinkAction,
    pub(crate) expires_at: i64,
    pub(crate) key_id: KeyId,
    pub(crate) signature: [u8; MAC_BYTES],
}

impl LinkQuery {
    /// Parses decoded query pairs in any order: each of the five parameters exactly once, no others,
    /// and every value in the form that [`LinkQuery::pairs`] returns.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError::Invalid`] for everything else.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LinkError> {
        let [tenant, action, expires, key_id, signature] = parameters::each_once(NAMES, pairs)?;
        Ok(Self {
            tenant: TenantId::new(parameters::parse_integer(tenant.as_ref())?),
            action: action.as_ref().parse().map_err(|_| LinkError::Invalid)?,
            expires_at: parameters::parse_integer(expires.as_ref())?,
            key_id: KeyId::parse(key_id.as_ref()).map_err(|_| LinkError::Invalid)?,
            signature: parameters::parse_signature(signature.as_ref())?,
        })
    }

    /// Returns the parameters in order. No value needs percent-encoding.
    pub fn pairs(&self) -> [(&'static str, String); 5] {
        let values = [
            self.tenant.to_string(),
            self.action.as_str().to_owned(),
            self.expires_at.to_string(),
            self.key_id.to_string(),
            parameters::format_signature(&self.signature),
        ];
        parameters::named(NAMES, values)
    }

    /// Formats the query that follows the `?` of a URL.
    pub fn to_query_string(&self) -> String {
        parameters::query_string(&self.pairs())
    }
}

impl fmt::Debug for LinkQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkQuery")
            .field("tenant", &self.tenant)
            .field("action", &self.action)
            .field("expires_at", &self.expires_at)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs() -> [(&'static str, String); 5] {
        [
            ("Tenant", "7".to_owned()),
            ("Action", "view".to_owned()),
            ("Expires", "1800000000".to_owned()),
            ("KeyId", "k1".to_owned()),
            ("Signature", "A".repeat(43)),
        ]
    }

    #[test]
    fn query_round_trips_in_any_order() {
        let mut reversed = pairs();
        reversed.reverse();
        for order in [pairs(), reversed] {
            assert_eq!(LinkQuery::parse(order).unwrap().pairs(), pairs());
        }
        assert_eq!(
            LinkQuery::parse(pairs()).unwrap().to_query_string(),
            format!(
                "Tenant=7&Action=view&Expires=1800000000&KeyId=k1&Signature={}",
                "A".repeat(43)
            )
        );
    }

    #[test]
    fn missing_repeated_and_unknown_names_are_refused() {
        for index in 0..5 {
            let mut missing = pairs().to_vec();
            let removed = missing.remove(index);
            assert!(LinkQuery::parse(missing).is_err(), "without {}", removed.0);
            let mut twice = pairs().to_vec();
            twice.push(removed.clone());
            assert!(LinkQuery::parse(twice).is_err(), "twice {}", removed.0);
        }
        for unknown in ["tenant", "Size", ""] {
            let mut more = pairs().to_vec();
            more.push((unknown, "1".to_owned()));
            assert!(LinkQuery::parse(more).is_err(), "{unknown}");
        }
    }

    #[test]
    fn value_in_another_form_is_refused() {
        let padded = format!("{}=", "A".repeat(43));
        let trailing_bits = format!("{}B", "A".repeat(42));
        let long = "A".repeat(44);
        let short = "A".repeat(42);
        let standard = format!("{}+A", "A".repeat(41));
        let integers = [
            "",
            "+5",
            "05",
            "-1",
            " 5",
            "5 ",
            "5.0",
            "1e3",
            "0x5",
            "٥",
            "9223372036854775808",
        ];
        let wrong: [(usize, &[&str]); 5] = [
            (0, &integers),
            (1, &["", "Download", "upload", "view "]),
            (2, &integers),
            (3, &["", "K1", "k-1", "0123456789abcdef0"]),
            (4, &["", &padded, &trailing_bits, &long, &short, &standard]),
        ];
        for (index, values) in wrong {
            for value in values {
                let mut altered = pairs();
                altered[index].1 = (*value).to_owned();
                assert!(LinkQuery::parse(altered).is_err(), "{index} {value:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn accepted_query_is_canonical(
            tenant in "[+0-9-]{1,4}",
            expires in "[0-9 ]{1,20}",
            signature in "[A-Za-z0-9_=-]{42,44}",
        ) {
            let mut sent = pairs();
            sent[0].1 = tenant;
            sent[2].1 = expires;
            sent[4].1 = signature;
            if let Ok(query) = LinkQuery::parse(sent.clone()) {
                prop_assert_eq!(query.pairs(), sent);
            }
        }
    }
}
