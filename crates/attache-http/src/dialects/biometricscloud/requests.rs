//! The requests of biometricscloud.

use attache_model::{
    Category, Description, DisplayName, FileRecord, FileSeq, Filename, InvalidValue,
};
use attache_service::{
    Change, FilePatch, FileQuery, IncomingFile, ListRequest, Sort, SortDirection, SortField,
    UploadFields,
};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::native::json_upload::JsonUpload;
use crate::native::list::check_limit;
use crate::problem::Problem;
use crate::schema;
use crate::wire::base64;
use crate::wire::json_body::read_json;
use crate::wire::query::integer;
use crate::wire::scalars::whole;

/// The type of a record: a number here, a category natively.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecordType(u8);

impl RecordType {
    /// The categories of the numbers 1 to 5.
    const CATEGORIES: [&'static str; 5] = [
        "medical",
        "dental",
        "hospital-specialist",
        "pharmacy",
        "other",
    ];
    const OTHER: Self = Self(5);

    /// Returns the type of a record: `OTHER` for a category without a number, and for none.
    pub(super) fn of(file: &FileRecord) -> Self {
        let category = file.category.as_ref().map(Category::as_str);
        let numbers = (1..).map(Self);
        let mut known = numbers.zip(Self::CATEGORIES);
        let found = known.find(|(_, slug)| Some(*slug) == category);
        found.map_or(Self::OTHER, |(number, _)| number)
    }

    pub(super) const fn number(self) -> u8 {
        self.0
    }

    fn parse(number: i64) -> Result<Self, Problem> {
        let known = u8::try_from(number).ok().map(Self);
        let known = known.filter(|it| it.slug().is_some());
        known.ok_or_else(|| Problem::invalid_field("type", "must be between 1 and 5"))
    }

    fn category(self) -> Result<Category, Problem> {
        field("type", Category::parse(self.slug().unwrap_or_default()))
    }

    fn slug(self) -> Option<&'static str> {
        let at = usize::from(self.0).checked_sub(1)?;
        Self::CATEGORIES.get(at).copied()
    }
}

/// The record to create.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = biometricscloud::NewRecord)]
pub(super) struct CreateBody {
    /// Description.
    #[schema(value_type = Option<schema::DescriptionOrNone>)]
    description: Option<String>,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    #[schema(minimum = 1, maximum = 5)]
    #[serde(default, deserialize_with = "whole")]
    r#type: Option<i64>,
    /// Bytes of the file in base64; padding is optional.
    #[schema(value_type = schema::LooseBase64, content_encoding = "base64")]
    upload_content: String,
    /// Name of the file.
    #[schema(value_type = schema::SentFilename)]
    upload_filename: String,
}

/// Reads the record to create, with its file.
pub(super) fn read_upload(body: &[u8]) -> Result<JsonUpload, Problem> {
    let sent: CreateBody = read_json(body)?;
    let filename = field("upload_filename", Filename::parse(&sent.upload_filename))?;
    let content = base64::decode_with_spare_bits(&sent.upload_content)
        .map_err(|error| Problem::invalid_field("upload_content", error.to_string()))?;
    let fields = UploadFields {
        description: sent
            .description
            .as_deref()
            .and_then(description)
            .transpose()?,
        category: sent
            .r#type
            .map(type_with_category)
            .transpose()?
            .map(|it| it.1),
        ..UploadFields::default()
    };
    Ok(JsonUpload {
        file: IncomingFile::named(filename),
        fields,
        content: content.into(),
    })
}

/// The changes to a record. An absent or null field stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = biometricscloud::Change)]
pub(super) struct UpdateBody {
    /// Description; empty for none.
    #[schema(value_type = Option<schema::DescriptionOrNone>)]
    description: Option<String>,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    #[schema(minimum = 1, maximum = 5)]
    #[serde(default, deserialize_with = "whole")]
    r#type: Option<i64>,
    /// Name of the file.
    #[schema(value_type = Option<schema::SentFilename>)]
    upload_filename: Option<String>,
    /// Refused: the bytes of a file never change.
    #[schema(ignore)]
    upload_content: Option<serde::de::IgnoredAny>,
}

/// The requested changes to a record.
#[derive(Debug)]
pub(super) struct Update {
    description: Change<Description>,
    category: Option<(RecordType, Category)>,
    filename: Option<Filename>,
}

/// Reads the changes to a record.
pub(super) fn read_update(body: &[u8]) -> Result<Update, Problem> {
    let sent: UpdateBody = read_json(body)?;
    if sent.upload_content.is_some() {
        let detail = "cannot be changed: archive this record and create another";
        return Err(Problem::invalid_field("upload_content", detail));
    }
    let filename = sent.upload_filename.as_deref().map(Filename::parse);
    Ok(Update {
        description: match sent.description.as_deref().map(description) {
            None => Change::Keep,
            Some(None) => Change::Clear,
            Some(Some(text)) => Change::Set(text?),
        },
        category: sent.r#type.map(type_with_category).transpose()?,
        filename: field("upload_filename", filename.transpose())?,
    })
}

impl Update {
    /// Returns the patch that makes a record show this. A field that shows it already is kept, as it may
    /// hold more natively: a name of its own, a category without a number.
    pub(super) fn patch_for(&self, file: &FileRecord) -> FilePatch {
        let filename = self.filename.clone().filter(|it| *it != file.filename);
        let shown = RecordType::of(file);
        let category = self.category.clone().filter(|(it, _)| *it != shown);
        FilePatch {
            name: filename.as_ref().map(DisplayName::from),
            filename,
            description: self.description.clone(),
            category: category.map_or(Change::Keep, |(_, it)| Change::Set(it)),
            ..FilePatch::default()
        }
    }
}

fn type_with_category(number: i64) -> Result<(RecordType, Category), Problem> {
    let record_type = RecordType::parse(number)?;
    Ok((record_type, record_type.category()?))
}

/// Reads a description; an empty one is none.
fn description(text: &str) -> Option<Result<Description, Problem>> {
    (!text.is_empty()).then(|| field("description", Description::parse(text)))
}

fn field<T>(name: &str, value: Result<T, InvalidValue>) -> Result<T, Problem> {
    value.map_err(|error| Problem::invalid_field(name, error.to_string()))
}

/// The path of one record.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RecordPath {
    /// Number of the record.
    #[param(value_type = i64, minimum = 1)]
    #[serde(deserialize_with = "file_seq")]
    pub(super) id: FileSeq,
}

/// Reads digits, in the one way a number is written. Numbers count from 1: an ill-formed one reads as 0,
/// which no record has.
fn file_seq<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FileSeq, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.parse().ok();
    let number = number.filter(|number: &i64| number.to_string() == text);
    Ok(FileSeq::new(number.unwrap_or(0)))
}

/// The order and page of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct ListQuery {
    /// Start behind the record with this `id`, in the requested order; 0 is the start.
    #[param(minimum = 0)]
    #[serde(deserialize_with = "integer")]
    offset: Option<i64>,
    /// Maximum number of records, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    #[serde(deserialize_with = "integer")]
    limit: Option<u32>,
    /// `desc` by default.
    #[param(inline)]
    sort_order: Option<SortOrderParam>,
    /// `id` by default.
    #[param(inline)]
    sort_field: Option<SortFieldParam>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortOrderParam {
    Asc,
    Desc,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SortFieldParam {
    Id,
    CreatedTime,
}

impl ListQuery {
    /// Returns the page to list, of at most `max_page_size` records.
    pub(super) fn into_request(self, max_page_size: u32) -> Result<ListRequest, Problem> {
        let field = match self.sort_field {
            None | Some(SortFieldParam::Id) => SortField::Seq,
            Some(SortFieldParam::CreatedTime) => SortField::CreatedAt,
        };
        let direction = match self.sort_order {
            None | Some(SortOrderParam::Desc) => SortDirection::Descending,
            Some(SortOrderParam::Asc) => SortDirection::Ascending,
        };
        if self.offset.is_some_and(|offset| offset < 0) {
            return Err(Problem::invalid_parameter("offset", "must not be negative"));
        }
        check_limit(self.limit, max_page_size)?;
        Ok(ListRequest {
            // The default query leaves archived records out.
            query: FileQuery {
                sort: Sort { field, direction },
                ..FileQuery::default()
            },
            limit: self.limit,
            after_seq: self.offset.filter(|seq| *seq > 0).map(FileSeq::new),
            ..ListRequest::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path_params::PathParams;

    #[test]
    fn ill_formed_number_is_one_that_no_record_has() {
        for (text, number) in [
            ("42", 42),
            ("", 0),
            ("x", 0),
            ("+1", 0),
            ("01", 0),
            ("1.0", 0),
            ("99999999999999999999", 0),
        ] {
            let mut params = PathParams::default();
            params.push("id", text);
            let RecordPath { id } = params.read().unwrap();
            assert_eq!(id, FileSeq::new(number), "{text}");
        }
    }
}
