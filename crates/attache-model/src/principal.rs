//! Principals and their scopes.

use std::fmt;
use std::str::FromStr;

use crate::{InvalidValue, PrincipalSeq, Tenant};

/// One permission of a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Read and list records.
    FilesRead,
    /// Read bytes.
    ContentRead,
    /// Upload, change, archive and restore.
    FilesWrite,
    /// Claim and release.
    FilesClaim,
    /// Delete permanently.
    FilesDelete,
    /// Create links, and publish files.
    LinksCreate,
}

impl Scope {
    /// Every scope, in the order in which sets are printed.
    pub const ALL: [Self; 6] = [
        Self::FilesRead,
        Self::ContentRead,
        Self::FilesWrite,
        Self::FilesClaim,
        Self::FilesDelete,
        Self::LinksCreate,
    ];

    /// Returns the name of the scope, such as `files:read`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FilesRead => "files:read",
            Self::ContentRead => "content:read",
            Self::FilesWrite => "files:write",
            Self::FilesClaim => "files:claim",
            Self::FilesDelete => "files:delete",
            Self::LinksCreate => "links:create",
        }
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| {
                let known: Vec<_> = Self::ALL.iter().map(|scope| scope.as_str()).collect();
                InvalidValue::new("scope", format!("is not one of {}", known.join(", ")))
            })
    }
}

/// A set of [`Scope`]s, written as a comma-separated list.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// Returns the set of all scopes, the default of new API keys.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Returns `true` if the set contains `scope`.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Iterates over the scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl FromStr for Scopes {
    type Err = InvalidValue;

    /// Parses a comma-separated list; the empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        text.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(Scope::from_str)
            .collect()
    }
}

/// An authenticated actor, such as an API key. Belongs to one tenant and holds scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The number, assigned by the database; `uploaded_by` of a record refers to it.
    pub seq: PrincipalSeq,
    /// The tenant in which it acts, and the only one that it can access.
    pub tenant: Tenant,
    /// The scopes that it holds.
    pub scopes: Scopes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_round_trip_and_reject_unknown_names() {
        let scopes: Scopes = "files:delete, files:read".parse().unwrap();
        assert_eq!(scopes.to_string(), "files:read,files:delete");
        assert!(!scopes.contains(Scope::ContentRead));
        assert_eq!(
            Scopes::all().to_string().parse::<Scopes>().unwrap(),
            Scopes::all()
        );
        assert!(
            "files:raed"
                .parse::<Scopes>()
                .unwrap_err()
                .to_string()
                .contains("files:read")
        );
    }
}
