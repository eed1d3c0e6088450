//! The file record and its lifecycle.

use std::fmt;
use std::str::FromStr;

use crate::{
    Category, Claim, Description, DisplayName, FileId, FileSeq, Filename, InvalidValue, MediaType,
    Person, PrincipalSeq, Revision, Sha256Digest, TenantId, Timestamp,
};

/// The state of a record, derived from [`FileRecord::archived_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileState {
    /// Listed by default, readable, claimable.
    Active,
    /// Hidden from lists by default; its bytes are kept but not served until it is restored.
    Archived,
}

impl FileState {
    /// Returns `active` or `archived`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

/// The audience of a record's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Visibility {
    /// Readable with a scope or a valid link only.
    #[default]
    Private,
    /// Readable by anyone who knows the URL.
    Public,
}

impl Visibility {
    /// Returns `private` or `public`.
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
/// Set once, when the record is created, and unique per tenant: later changes of person, category or
/// filename do not change it. It is a name for people and other systems, never a storage key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Composes the key. `-` stands for no person, `files` for no category.
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

    /// Wraps a key that was composed before, from the database or from a client. Accepts any text.
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
    /// The id. It cannot be guessed, but grants no access by itself.
    pub id: FileId,
    /// The number, in the order of commits.
    pub seq: FileSeq,
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// The person it is about, or `None`.
    pub person: Option<Person>,
    /// The category, or `None`.
    pub category: Option<Category>,
    /// The display name.
    pub name: DisplayName,
    /// The name under which it is downloaded.
    pub filename: Filename,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The type of its bytes, as decided at upload by [`MediaType::decide`].
    pub content_type: MediaType,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// The audience of its bytes.
    pub visibility: Visibility,
    /// The readable key.
    pub key: ObjectKey,
    /// The claim on it; `None` if it is unclaimed.
    pub claim: Option<Claim>,
    /// The principal that uploaded it; `None` if it was uploaded without one.
    pub uploaded_by: Option<PrincipalSeq>,
    /// The time of the commit.
    pub created_at: Timestamp,
    /// The time of the last change of any kind.
    pub updated_at: Timestamp,
    /// The time at which it was archived; `None` if it is active.
    pub archived_at: Option<Timestamp>,
    /// The time since which its bytes are withheld for inspection; `None` if they are not.
    pub held_at: Option<Timestamp>,
    /// The revision, from 1: the ETag of the metadata.
    pub revision: Revision,
}

/// The reason why a record may not change its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// Another holder has claimed the file.
    #[error("the file is claimed")]
    Claimed {
        /// The time of the claim.
        used_at: Timestamp,
    },
    /// The file is archived; only active files can be claimed.
    #[error("the file is archived")]
    Archived,
}

impl FileRecord {
    /// Returns the state of the record.
    pub fn state(&self) -> FileState {
        if self.archived_at.is_some() {
            FileState::Archived
        } else {
            FileState::Active
        }
    }

    /// Returns `true` if the bytes may be served to a caller with permission: the record is neither
    /// archived nor held.
    pub fn is_servable(&self) -> bool {
        self.state() == FileState::Active && self.held_at.is_none()
    }

    /// Decides a claim. Returns the claim to write, or `None` if `claim.used_by` holds the file already.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Claimed`] if another holder has it, [`LifecycleError::Archived`].
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

    /// Checks that the record may be archived or deleted.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Claimed`] if it is claimed.
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
    fn claim_is_won_once_and_repeatable() {
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
    fn archived_file_is_neither_claimed_nor_served() {
        let mut file = record();
        assert!(file.is_servable());
        file.archived_at = Some(Timestamp::from_millis(9));
        assert_eq!(file.check_claim(claim("a")), Err(LifecycleError::Archived));
        assert!(!file.is_servable());
        assert!(file.check_unclaimed().is_ok());
    }

    #[test]
    fn object_key_has_person_category_and_time() {
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
