//! Lists: what to find, in which order, and where a page ends.

use attache_model::{
    Category, DisplayName, FileId, FileRecord, FileSeq, Filename, InvalidValue, MediaType,
    PersonId, Sha256Digest, Timestamp,
};

/// Which states a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateFilter {
    /// Active records only.
    #[default]
    Active,
    /// Archived records only.
    Archived,
    /// Both.
    Any,
}

/// What a list is sorted by. Ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortField {
    /// When the record was committed.
    #[default]
    CreatedAt,
    /// Its display name, by bytes of UTF-8.
    Name,
    /// Its size.
    SizeBytes,
    /// Its number.
    Seq,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortDirection {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

/// The order of a list; newest first unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub field: SortField,
    /// From which end.
    pub direction: SortDirection,
}

/// What to list. The default is every active record, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileQuery {
    /// Only files about this person.
    pub person: Option<PersonId>,
    /// Only files that are about somebody (`true`) or about nobody (`false`).
    pub has_person: Option<bool>,
    /// Only files in this category.
    pub category: Option<Category>,
    /// Only files that are claimed (`true`) or free (`false`).
    pub used: Option<bool>,
    /// Only files in these states.
    pub state: StateFilter,
    /// Only files committed after this moment.
    pub uploaded_after: Option<Timestamp>,
    /// Only files committed before this moment.
    pub uploaded_before: Option<Timestamp>,
    /// Only files of this type, under any of its [names](MediaType::names) and with whatever parameters.
    pub content_type: Option<MediaType>,
    /// Only files with these bytes.
    pub sha256: Option<Sha256Digest>,
    /// Only files with this filename, byte for byte.
    pub filename: Option<Filename>,
    /// Only files whose display name begins so, byte for byte.
    pub name_prefix: Option<String>,
    /// In which order.
    pub sort: Sort,
}

impl FileQuery {
    /// Bytes that differ whenever two queries differ: what a cursor is bound to.
    pub fn fingerprint(&self) -> Vec<u8> {
        // Debug of plain data: every field, named, quoted; and never stored, only compared.
        format!("{self:?}").into_bytes()
    }
}

/// A value a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// Of [`SortField::CreatedAt`].
    CreatedAt(Timestamp),
    /// Of [`SortField::Name`].
    Name(String),
    /// Of [`SortField::SizeBytes`].
    SizeBytes(u64),
    /// Of [`SortField::Seq`].
    Seq(FileSeq),
}

/// Where a page ended: the position of one record in the order. The next page begins behind it,
/// whether or not the record still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// The record's sort value.
    pub value: SortValue,
    /// Its id, the tie-break.
    pub id: FileId,
}

impl PageKey {
    /// The position of a record in an order.
    pub fn of(record: &FileRecord, field: SortField) -> Self {
        let value = match field {
            SortField::CreatedAt => SortValue::CreatedAt(record.created_at),
            SortField::Name => SortValue::Name(record.name.as_str().to_owned()),
            SortField::SizeBytes => SortValue::SizeBytes(record.size_bytes),
            SortField::Seq => SortValue::Seq(record.seq),
        };
        Self {
            value,
            id: record.id,
        }
    }

    /// The position of a number in the order of numbers, just behind its record from whichever end
    /// one comes. The record does not have to exist.
    pub fn after_seq(seq: FileSeq, direction: SortDirection) -> Self {
        let id = match direction {
            SortDirection::Ascending => uuid::Uuid::max(),
            SortDirection::Descending => uuid::Uuid::nil(),
        };
        Self {
            value: SortValue::Seq(seq),
            id: FileId::from_uuid(id),
        }
    }

    /// Writes the position down, for a cursor.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.id.as_uuid().as_bytes().to_vec();
        match &self.value {
            SortValue::CreatedAt(at) => bytes.extend(at.as_millis().to_be_bytes()),
            SortValue::SizeBytes(size) => bytes.extend(size.to_be_bytes()),
            SortValue::Seq(seq) => bytes.extend(seq.get().to_be_bytes()),
            SortValue::Name(name) => bytes.extend(name.as_bytes()),
        }
        bytes
    }

    /// Reads a position back, in the order it was made for.
    ///
    /// # Errors
    ///
    /// When the bytes are not such a position.
    pub fn from_bytes(bytes: &[u8], field: SortField) -> Result<Self, InvalidValue> {
        let refused = || InvalidValue::new("cursor", "does not hold a position in this order");
        let (id, value) = bytes.split_first_chunk::<16>().ok_or_else(refused)?;
        let id = FileId::from_uuid(uuid::Uuid::from_bytes(*id));
        let number = || <[u8; 8]>::try_from(value).map_err(|_| refused());
        let value = match field {
            SortField::CreatedAt => {
                SortValue::CreatedAt(Timestamp::from_millis(i64::from_be_bytes(number()?)))
            }
            SortField::SizeBytes => SortValue::SizeBytes(u64::from_be_bytes(number()?)),
            SortField::Seq => SortValue::Seq(FileSeq::new(i64::from_be_bytes(number()?))),
            SortField::Name => {
                let name = std::str::from_utf8(value).map_err(|_| refused())?;
                SortValue::Name(DisplayName::parse(name)?.as_str().to_owned())
            }
        };
        Ok(Self { value, id })
    }
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most how many records; at least 1.
    pub limit: u32,
    /// Behind which position; `None` for the first page.
    pub after: Option<PageKey>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePage {
    /// The records, at most the limit, perhaps fewer even where more follow.
    pub files: Vec<FileRecord>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_as_they_were_written() {
        let id = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        for (value, field) in [
            (
                SortValue::CreatedAt(Timestamp::from_millis(1_715_523_396_244)),
                SortField::CreatedAt,
            ),
            (SortValue::SizeBytes(u64::MAX), SortField::SizeBytes),
            (SortValue::Name("naïve".to_owned()), SortField::Name),
            (SortValue::Seq(FileSeq::new(i64::MAX)), SortField::Seq),
        ] {
            let key = PageKey { value, id };
            assert_eq!(PageKey::from_bytes(&key.to_bytes(), field).unwrap(), key);
            assert!(PageKey::from_bytes(&key.to_bytes()[..15], field).is_err());
        }
    }

    #[test]
    fn different_queries_have_different_fingerprints() {
        let plain = FileQuery::default();
        let used = FileQuery {
            used: Some(true),
            ..FileQuery::default()
        };
        assert_ne!(plain.fingerprint(), used.fingerprint());
    }
}
