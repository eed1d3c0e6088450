//! Typed identifiers, so that a tenant's id cannot be passed for a file's.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::{Entropy, InvalidValue, Timestamp};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Creates a UUIDv7 from a timestamp and 74 random bits.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0; 10];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Wraps an existing UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            /// Parses the hyphenated form only, in upper or lower case.
            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let refused = || InvalidValue::new($what, "is not a hyphenated UUID");
                if text.len() != 36 {
                    return Err(refused());
                }
                Uuid::try_parse(text).map(Self).map_err(|_| refused())
            }
        }
    };
}

uuid_id!(
    /// The id of a file record, and of the pending upload that becomes it.
    FileId, "file id"
);
uuid_id!(
    /// The id of stored bytes. Never exposed, and never derived from client input.
    BlobId, "blob id"
);
uuid_id!(
    /// The id of an installation: a database and a store that belong together.
    InstallationId, "installation id"
);
uuid_id!(
    /// The id of a person. Stable, even if the tenant renames the person.
    PersonId, "person id"
);

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that the database assigned.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// The id of a tenant, the isolation boundary. Assigned by the database, never reused.
    TenantId
);
integer_id!(
    /// The number of a file record, in the order of commits across tenants. Unique, never reused.
    FileSeq
);
integer_id!(
    /// The number of a principal, to which `uploaded_by` of a record refers.
    PrincipalSeq
);
integer_id!(
    /// The revision of a record, from 1: the ETag of its metadata.
    Revision
);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Zeroes;
    impl Entropy for Zeroes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let earlier = FileId::generate(Timestamp::from_millis(1_000), &Zeroes);
        let later = FileId::generate(Timestamp::from_millis(1_001), &Zeroes);
        assert!(earlier < later);
        assert_eq!(earlier.as_uuid().get_version_num(), 7);
    }

    #[test]
    fn id_parses_hyphenated_form_only() {
        let text = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(text.parse::<FileId>().unwrap().to_string(), text);
        for wrong in [
            "",
            "0190163d8694739baea5966c26f8ad91",
            "{0190163d-8694-739b-aea5-966c26f8ad9",
            "42",
        ] {
            assert!(wrong.parse::<FileId>().is_err(), "{wrong}");
        }
    }
}
