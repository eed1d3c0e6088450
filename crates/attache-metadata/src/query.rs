//! Lists: filters, order, and positions of pages.

use attache_model::{
    Category, DisplayName, FileId, FileRecord, FileSeq, Filename, InvalidValue, MediaType,
    PersonId, Sha256Digest, Timestamp,
};

/// The states that a list includes.
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

/// The field by which a list is sorted. Ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortField {
    /// The time of the commit.
    #[default]
    CreatedAt,
    /// The display name, by bytes of UTF-8.
    Name,
    /// The size.
    SizeBytes,
    /// The number of the record.
    Seq,
}

/// The direction of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortDirection {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

/// The order of a list; newest first by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// The field.
    pub field: SortField,
    /// The direction.
    pub direction: SortDirection,
}

/// The filters and the order of a list. The default is every active record, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileQuery {
    /// Only files about this person.
    pub person: Option<PersonId>,
    /// Only files with a person (`true`) or without (`false`).
    pub has_person: Option<bool>,
    /// Only files in this category.
    pub category: Option<Category>,
    /// Only files that are claimed (`true`) or unclaimed (`false`).
    pub used: Option<bool>,
    /// Only files in these states.
    pub state: StateFilter,
    /// Only files committed after this time (exclusive).
    pub uploaded_after: Option<Timestamp>,
    /// Only files committed before this time (exclusive).
    pub uploaded_before: Option<Timestamp>,
    /// Only files of this type, under any of its [names](MediaType::names) and with any parameters.
    pub content_type: Option<MediaType>,
    /// Only files with these bytes.
    pub sha256: Option<Sha256Digest>,
    /// Only files with this filename, byte for byte.
    pub filename: Option<Filename>,
    /// Only files whose display name has this prefix, byte for byte.
    pub name_prefix: Option<String>,
    /// The order.
    pub sort: Sort,
}

impl FileQuery {
    /// Returns bytes that differ for different queries. Cursors are bound to them, and clients keep cursors: the
    /// bytes of a query stay the same when other filters are added.
    pub fn fingerprint(&self) -> Vec<u8> {
        let Self {
            person,
            has_person,
            category,
            used,
            state,
            uploaded_after,
            uploaded_before,
            content_type,
            sha256,
            filename,
            name_prefix,
            sort,
        } = self;
        let millis = |at: &Timestamp| at.as_millis().to_string();
        let fields = [
            ("person", person.map(|it| it.to_string())),
            ("has_person", has_person.map(|it| it.to_string())),
            ("category", category.as_ref().map(ToString::to_string)),
            ("used", used.map(|it| it.to_string())),
            ("state", Some(format!("{state:?}"))),
            ("uploaded_after", uploaded_after.as_ref().map(millis)),
            ("uploaded_before", uploaded_before.as_ref().map(millis)),
            (
                "content_type",
                content_type.as_ref().map(ToString::to_string),
            ),
            ("sha256", sha256.map(|it| it.to_string())),
            (
                "filename",
                filename.as_ref().map(|it| it.as_str().to_owned()),
            ),
            ("name_prefix", name_prefix.clone()),
            (
                "sort",
                Some(format!("{:?} {:?}", sort.field, sort.direction)),
            ),
        ];
        let mut bytes = Vec::new();
        for (name, value) in fields {
            if let Some(value) = value {
                // With its length, so that no value can contain the next field.
                bytes.extend(format!("{name}:{}:{value};", value.len()).into_bytes());
            }
        }
        bytes
    }
}

/// The value by which a record is sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortValue {
    /// The value of [`SortField::CreatedAt`].
    CreatedAt(Timestamp),
    /// The value of [`SortField::Name`].
    Name(String),
    /// The value of [`SortField::SizeBytes`].
    SizeBytes(u64),
    /// The value of [`SortField::Seq`].
    Seq(FileSeq),
}

/// The end of a page: the position of one record in the order. The next page begins after it, whether
/// or not the record still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageKey {
    /// The record's sort value.
    pub value: SortValue,
    /// The id, as tie-breaker.
    pub id: FileId,
}

impl PageKey {
    /// Returns the position of a record in an order.
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

    /// Returns the position directly before every record of a time, in the order of creation times.
    pub fn before_time(at: Timestamp) -> Self {
        Self {
            value: SortValue::CreatedAt(at),
            id: FileId::from_uuid(uuid::Uuid::nil()),
        }
    }

    /// Returns the position directly after a number, in the order of numbers. The record does not have to
    /// exist.
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

    /// Encodes the position, for a cursor.
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

    /// Decodes a position in the order for which it was encoded.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are not such a position.
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

/// The text after which a page is full, in bytes: see [`text_bytes`].
pub const PAGE_TEXT_BYTES: usize = 512 << 10;

/// Returns the bytes of a record's texts that its user chooses and that may be long: name, filename, description
/// and key.
pub fn text_bytes(record: &FileRecord) -> usize {
    let description = record.description.as_ref();
    record.name.as_str().len()
        + record.filename.as_str().len()
        + description.map_or(0, |text| text.as_str().len())
        + record.key.as_str().len()
}

/// The selection of one page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The maximum number of records; at least 1.
    pub limit: u32,
    /// The end of the previous page; `None` for the first page.
    pub after: Option<PageKey>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePage {
    /// The records: at most the limit, perhaps fewer even if more follow. The page ends with the record whose
    /// text fills it ([`PAGE_TEXT_BYTES`]), and no record behind is read.
    pub files: Vec<FileRecord>,
    /// The end of this page, for the next request; `None` if it is the last.
    pub next: Option<PageKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_round_trip() {
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
    fn fingerprints_of_different_queries_differ() {
        let plain = FileQuery::default();
        let used = FileQuery {
            used: Some(true),
            ..FileQuery::default()
        };
        assert_ne!(plain.fingerprint(), used.fingerprint());
    }

    #[test]
    fn fingerprint_of_a_query_stays_the_same() {
        let query = FileQuery {
            used: Some(true),
            name_prefix: Some("a;b:".to_owned()),
            ..FileQuery::default()
        };
        // Clients keep cursors over updates of the service.
        let noted: &[u8] =
            b"used:4:true;state:6:Active;name_prefix:4:a;b:;sort:20:CreatedAt Descending;";
        assert_eq!(query.fingerprint(), noted);
    }
}
