//! What biometricscloud reads.

use attache_model::{
    Category, Description, DisplayName, FileRecord, FileSeq, Filename, InvalidValue,
};
use attache_service::{
    Change, FilePatch, FileQuery, IncomingFile, ListRequest, Sort, SortDirection, SortField,
    UploadFields,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::endpoints::json_upload::JsonUpload;
use crate::problem::Problem;
use crate::wire::base64;
use crate::wire::json_body::read_json;
use crate::wire::query::{QueryError, StrictQuery};

/// What a record is about: a number here, a category natively.
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

    /// A record's type; a category that has no number here is another, as is none.
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
        known.ok_or_else(|| Problem::invalid_field("type", "is not between 1 and 5"))
    }

    fn category(self) -> Result<Category, Problem> {
        field("type", Category::parse(self.slug().unwrap_or_default()))
    }

    fn slug(self) -> Option<&'static str> {
        let at = usize::from(self.0).checked_sub(1)?;
        Self::CATEGORIES.get(at).copied()
    }
}

/// A record to make.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = biometricscloud::NewRecord)]
pub(super) struct CreateBody {
    /// A free text.
    description: Option<String>,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    #[schema(minimum = 1, maximum = 5)]
    r#type: Option<i64>,
    /// The file's bytes in base64; padding is optional.
    upload_content: String,
    /// The file's name.
    upload_filename: String,
}

/// Reads a record to make, with its file.
pub(super) fn read_upload(body: &[u8]) -> Result<JsonUpload, Problem> {
    let sent: CreateBody = read_json(body)?;
    let filename = field("upload_filename", Filename::parse(&sent.upload_filename))?;
    let content = base64::decode_with_spare_bits(&sent.upload_content)
        .map_err(|error| Problem::invalid_field("upload_content", error.to_string()))?;
    let fields = UploadFields {
        description: sent
            .description
            .as_deref()
            .and_then(described)
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

/// What is to change of a record. What is left out or null stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = biometricscloud::Change)]
pub(super) struct UpdateBody {
    /// A free text; empty for none.
    description: Option<String>,
    /// 1 medical, 2 dental, 3 hospital or specialist, 4 pharmacy, 5 other.
    #[schema(minimum = 1, maximum = 5)]
    r#type: Option<i64>,
    /// The file's name.
    upload_filename: Option<String>,
    /// Not taken: a file's bytes never change.
    #[schema(ignore)]
    upload_content: Option<serde::de::IgnoredAny>,
}

/// What a record is to show.
#[derive(Debug)]
pub(super) struct Update {
    description: Change<Description>,
    category: Option<(RecordType, Category)>,
    filename: Option<Filename>,
}

/// Reads what is to change of a record.
pub(super) fn read_update(body: &[u8]) -> Result<Update, Problem> {
    let sent: UpdateBody = read_json(body)?;
    if sent.upload_content.is_some() {
        let detail = "cannot be changed: archive this record and create another";
        return Err(Problem::invalid_field("upload_content", detail));
    }
    let filename = sent.upload_filename.as_deref().map(Filename::parse);
    Ok(Update {
        description: match sent.description.as_deref().map(described) {
            None => Change::Keep,
            Some(None) => Change::Clear,
            Some(Some(text)) => Change::Set(text?),
        },
        category: sent.r#type.map(type_with_category).transpose()?,
        filename: field("upload_filename", filename.transpose())?,
    })
}

impl Update {
    /// What has to change of a record for it to show this. What shows so already is left as it is, as
    /// there may be more to it natively: a name of its own, a category without a number.
    pub(super) fn changing(&self, file: &FileRecord) -> FilePatch {
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

/// A description; an empty one is none.
fn described(text: &str) -> Option<Result<Description, Problem>> {
    (!text.is_empty()).then(|| field("description", Description::parse(text)))
}

fn field<T>(name: &str, value: Result<T, InvalidValue>) -> Result<T, Problem> {
    value.map_err(|error| Problem::invalid_field(name, error.to_string()))
}

/// What the list can be asked for.
const LIST_PARAMETERS: [&str; 4] = ["sort_field", "sort_order", "offset", "limit"];

/// Reads which page of the list is wanted, of at most `max_page_size` records: the service's 1000. Numbers
/// count from 1, so that 0 is the beginning.
pub(super) fn read_list(query: Option<&str>, max_page_size: u32) -> Result<ListRequest, Problem> {
    let mut query = StrictQuery::parse_known(query, &LIST_PARAMETERS)?;
    let field = match query.take("sort_field").as_deref() {
        None | Some("id") => SortField::Seq,
        Some("created_time") => SortField::CreatedAt,
        Some(_) => {
            return Err(QueryError::new("sort_field", "is neither id nor created_time").into());
        }
    };
    let direction = match query.take("sort_order").as_deref() {
        None | Some("desc") => SortDirection::Descending,
        Some("asc") => SortDirection::Ascending,
        Some(_) => return Err(QueryError::new("sort_order", "is neither asc nor desc").into()),
    };
    let offset = query.take_integer("offset", 0..=i64::MAX)?;
    let limit = query.take_integer("limit", 1..=max_page_size)?;
    Ok(ListRequest {
        // The default query leaves archived records out.
        query: FileQuery {
            sort: Sort { field, direction },
            ..FileQuery::default()
        },
        // Without one it is the service's: 100.
        limit,
        after_seq: offset.filter(|seq| *seq > 0).map(FileSeq::new),
        ..ListRequest::default()
    })
}
