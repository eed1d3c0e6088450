//! Typed identifiers, so that a tenant's id can never be passed where a file's is meant.

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
            /// Makes a new UUIDv7 from a moment and 74 random bits.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0; 10];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_millis()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Takes an existing UUID as it is.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
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

            /// Parses the hyphenated lower- or upper-case form, and no other.
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
    /// Names a file record, and before it is complete the upload it comes from.
    FileId, "file id"
);
uuid_id!(
    /// Names stored bytes. Never shown outside and never derived from anything a client says.
    BlobId, "blob id"
);
uuid_id!(
    /// Names a person within attache; stable even where the tenant renames the person.
    PersonId, "person id"
);

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Takes a number the database assigned.
            pub const fn new(value: i64) -> Self {
                Self(value)
            }

            /// The number inside.
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
    /// Names a tenant: the isolation boundary. Assigned by the database, never reused.
    TenantId
);
integer_id!(
    /// Numbers file records across tenants in the order of their commit; unique, never reused.
    FileSeq
);
integer_id!(
    /// Numbers principals; what `uploaded_by` of a record refers to.
    PrincipalSeq
);
integer_id!(
    /// Counts the changes of a record, from 1; the ETag of its metadata.
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
    fn ids_made_later_sort_later() {
        let earlier = FileId::generate(Timestamp::from_millis(1_000), &Zeroes);
        let later = FileId::generate(Timestamp::from_millis(1_001), &Zeroes);
        assert!(earlier < later);
        assert_eq!(earlier.as_uuid().get_version_num(), 7);
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
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
