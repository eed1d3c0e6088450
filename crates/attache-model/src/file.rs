//! The file record, the noun of the service, and its life cycle.

use std::fmt;
use std::str::FromStr;

use crate::{
    Category, Claim, Description, DisplayName, FileId, FileSeq, Filename, InvalidValue, MediaType,
    Person, PrincipalSeq, Revision, Sha256Digest, TenantId, Timestamp,
};

/// Whether a record is in use or put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileState {
    /// Listed by default, readable, claimable.
    Active,
    /// Hidden from lists by default; its bytes are kept but not served until it is restored.
    Archived,
}

impl FileState {
    /// `active` or `archived`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

/// Who may read a record's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Visibility {
    /// Only by a scope or a valid link.
    #[default]
    Private,
    /// By anybody who knows its URL; a choice made on purpose.
    Public,
}

impl Visibility {
    /// `private` or `public`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
        }
    }
}

impl FromStr for Visibility {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "private" => Ok(Self::Private),
            "public" => Ok(Self::Public),
            _ => Err(InvalidValue::new(
                "visibility",
                "is neither private nor public",
            )),
        }
    }
}

/// A record's readable key, `{person id}/{category or files}/{created_at}_{filename}`.
///
/// Set once, when the record is made, and unique in its tenant. A person, category or filename that
/// changes later does not change it. It is a name for people and other systems, never a storage key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Composes the key. `-` stands for a file that is about nobody, `files` for no category.
    pub fn compose(
        person: Option<&Person>,
        category: Option<&Category>,
        created_at: Timestamp,
        filename: &Filename,
    ) -> Self {
        let person = person.map_or_else(|| "-".to_owned(), |person| person.id.to_string());
        let category = category.map_or("files", Category::as_str);
        Self(format!("{person}/{category}/{created_at}_{filename}"))
    }

    /// Takes a key that was composed before, from storage or from a caller who looks it up.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One stored file: always with bytes, a size and a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Its id, unguessable but no authority of itself.
    pub id: FileId,
    /// Its number in the order of commits.
    pub seq: FileSeq,
    /// Whose it is.
    pub tenant: TenantId,
    /// Whom it is about; `None` for nobody.
    pub person: Option<Person>,
    /// Its group; `None` for none.
    pub category: Option<Category>,
    /// What people read as its name.
    pub name: DisplayName,
    /// The name it is downloaded under.
    pub filename: Filename,
    /// A free text; `None` for none.
    pub description: Option<Description>,
    /// What its bytes are, as decided at upload ([`MediaType::decide`]).
    pub content_type: MediaType,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// Who may read its bytes.
    pub visibility: Visibility,
    /// Its readable key.
    pub key: ObjectKey,
    /// By whom it is used and since when; `None` while it is free.
    pub claim: Option<Claim>,
    /// Which principal uploaded it; `None` where it came in on no principal's authority.
    pub uploaded_by: Option<PrincipalSeq>,
    /// When it was committed.
    pub created_at: Timestamp,
    /// When it last changed in any way.
    pub updated_at: Timestamp,
    /// When it was archived; `None` while it is active.
    pub archived_at: Option<Timestamp>,
    /// Since when its bytes are withheld until an inspection settles; `None` when they are not.
    pub held_at: Option<Timestamp>,
    /// How often it changed, from 1: the ETag of its metadata.
    pub revision: Revision,
}

/// Why a record cannot go where it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// Somebody holds the file.
    #[error("the file is claimed")]
    Claimed {
        /// Since when.
        used_at: Timestamp,
    },
    /// The file is archived; only active files can be claimed.
    #[error("the file is archived")]
    Archived,
}

impl FileRecord {
    /// Whether the record is active or archived.
    pub fn state(&self) -> FileState {
        if self.archived_at.is_some() {
            FileState::Archived
        } else {
            FileState::Active
        }
    }

    /// Whether the bytes may be served at all, to somebody who has the permission.
    pub fn is_servable(&self) -> bool {
        self.state() == FileState::Active && self.held_at.is_none()
    }

    /// Decides a claim: the claim to write, or `None` where `claim.used_by` holds it already.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Claimed`] where another holds it, [`LifecycleError::Archived`].
    pub fn check_claim(&self, claim: Claim) -> Result<Option<Claim>, LifecycleError> {
        match &self.claim {
            Some(held) if held.used_by == claim.used_by => Ok(None),
            Some(held) => Err(LifecycleError::Claimed {
                used_at: held.used_at,
            }),
            None if self.state() == FileState::Archived => Err(LifecycleError::Archived),
            None => Ok(Some(claim)),
        }
    }

    /// Decides whether the record may be archived or deleted.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Claimed`] while somebody holds it.
    pub fn check_unclaimed(&self) -> Result<(), LifecycleError> {
        match &self.claim {
            Some(held) => Err(LifecycleError::Claimed {
                used_at: held.used_at,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Holder, PersonId, PersonIdentifier};

    fn record() -> FileRecord {
        let filename = Filename::parse("Kitty.jpg").unwrap();
        let at = Timestamp::parse("2024-05-12T14:16:36.244Z").unwrap();
        FileRecord {
            id: "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
            seq: FileSeq::new(1),
            tenant: TenantId::new(1),
            person: None,
            category: None,
            name: DisplayName::from(&filename),
            description: None,
            content_type: MediaType::OCTET_STREAM,
            size_bytes: 3,
            sha256: Sha256Digest::from_bytes([0; 32]),
            visibility: Visibility::Private,
            key: ObjectKey::compose(None, None, at, &filename),
            filename,
            claim: None,
            uploaded_by: None,
            created_at: at,
            updated_at: at,
            archived_at: None,
            held_at: None,
            revision: Revision::new(1),
        }
    }

    fn claim(holder: &str) -> Claim {
        Claim {
            used_by: Holder::parse(holder).unwrap(),
            used_at: Timestamp::from_millis(5),
        }
    }

    #[test]
    fn one_holder_wins_and_may_repeat() {
        let mut file = record();
        assert_eq!(file.check_claim(claim("a")).unwrap(), Some(claim("a")));
        file.claim = Some(claim("a"));
        assert_eq!(file.check_claim(claim("a")).unwrap(), None);
        let used_at = Timestamp::from_millis(5);
        assert_eq!(
            file.check_claim(claim("b")),
            Err(LifecycleError::Claimed { used_at })
        );
        assert_eq!(
            file.check_unclaimed(),
            Err(LifecycleError::Claimed { used_at })
        );
    }

    #[test]
    fn an_archived_file_is_neither_claimed_nor_served() {
        let mut file = record();
        assert!(file.is_servable());
        file.archived_at = Some(Timestamp::from_millis(9));
        assert_eq!(file.check_claim(claim("a")), Err(LifecycleError::Archived));
        assert!(!file.is_servable());
        assert!(file.check_unclaimed().is_ok());
    }

    #[test]
    fn keys_read_like_paths() {
        let filename = Filename::parse("Kitty.jpg").unwrap();
        let at = Timestamp::parse("2024-05-12T14:16:36.244Z").unwrap();
        let person = Person {
            id: "58b331cc-50ee-460b-8e7e-871e08867687"
                .parse::<PersonId>()
                .unwrap(),
            identifier: PersonIdentifier::parse("PT-123").unwrap(),
        };
        let category = Category::parse("images").unwrap();
        assert_eq!(
            ObjectKey::compose(Some(&person), Some(&category), at, &filename).as_str(),
            "58b331cc-50ee-460b-8e7e-871e08867687/images/2024-05-12T14:16:36.244Z_Kitty.jpg"
        );
        assert_eq!(
            ObjectKey::compose(None, None, at, &filename).as_str(),
            "-/files/2024-05-12T14:16:36.244Z_Kitty.jpg"
        );
    }
}
