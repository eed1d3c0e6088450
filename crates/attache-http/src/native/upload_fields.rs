//! The fields of an upload, read from text: the same in a form, a query and JSON.

use attache_model::{
    Category, Description, DisplayName, InvalidValue, MediaType, PersonId, PersonIdentifier,
    PersonRef,
};
use attache_service::UploadFields;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::wire::scalars;

/// The names of the fields, in the order of the documentation.
pub(crate) const FIELD_NAMES: [&str; 9] = [
    "person",
    "person_id",
    "category",
    "name",
    "description",
    "visibility",
    "dedup",
    "accept",
    "sha256",
];

/// The longest text of one field, in bytes.
pub(crate) const MAX_FIELD_BYTES: usize = 16 << 10;

/// The most types that `accept` may list.
const MAX_ACCEPTED_TYPES: usize = 64;

/// An invalid field: its name, and the fault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FieldFault {
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl FieldFault {
    pub(crate) fn new(field: &str, detail: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            detail: detail.into(),
        }
    }
}

impl From<FieldFault> for Problem {
    fn from(fault: FieldFault) -> Self {
        Self::invalid_field(&fault.field, fault.detail)
    }
}

/// The fields of a form, read one by one.
pub(crate) trait FormFields {
    /// Reads a text field.
    fn take(&mut self, name: &str, text: &str) -> Result<(), FieldFault>;

    /// Returns the fields read so far, to be checked before the bytes.
    fn so_far(&self) -> &UploadFields;

    /// Returns all fields.
    fn finish(self) -> Result<UploadFields, FieldFault>;
}

/// The treatment of a form's fields that the API does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownFields {
    /// They are refused, so that a misspelt one is noticed.
    #[default]
    Refuse,
    /// They are left out: upload widgets and HTML forms send fields of their own.
    Ignore,
}

/// Fields by which widgets send one file in several requests. To ignore one would store a piece of a file
/// as a file.
const PIECE_FIELDS: [&str; 5] = [
    "chunk",
    "dzchunkindex",
    "flowChunkNumber",
    "qqpartindex",
    "resumableChunkNumber",
];

/// Collects the fields of the native API, each at most once.
#[derive(Debug, Default)]
pub(crate) struct FieldCollector {
    unknown: UnknownFields,
    fields: UploadFields,
    person: Option<PersonIdentifier>,
    person_id: Option<PersonId>,
    seen: Vec<String>,
}

impl FieldCollector {
    pub(crate) fn new(unknown: UnknownFields) -> Self {
        Self {
            unknown,
            ..Self::default()
        }
    }

    fn take_unknown(&self, name: &str) -> Result<(), FieldFault> {
        let detail = match self.unknown {
            UnknownFields::Ignore if !PIECE_FIELDS.contains(&name) => return Ok(()),
            UnknownFields::Ignore => {
                "belongs to a piece of a file; send the whole file in one request".to_owned()
            }
            UnknownFields::Refuse => format!(
                "is unknown; known are {}; to leave out others, add unknown_fields=ignore to the URL",
                FIELD_NAMES.join(", ")
            ),
        };
        Err(FieldFault::new(name, detail))
    }
}

impl FormFields for FieldCollector {
    fn take(&mut self, name: &str, text: &str) -> Result<(), FieldFault> {
        if text.len() > MAX_FIELD_BYTES && FIELD_NAMES.contains(&name) {
            let detail = format!("is longer than {MAX_FIELD_BYTES} bytes");
            return Err(FieldFault::new(name, detail));
        }
        if self.seen.iter().any(|seen| seen == name) {
            return Err(FieldFault::new(name, "is given more than once"));
        }
        let fault = |error: InvalidValue| FieldFault::new(name, error.to_string());
        let fields = &mut self.fields;
        match name {
            "person" => self.person = Some(PersonIdentifier::parse(text).map_err(fault)?),
            "person_id" => self.person_id = Some(text.parse().map_err(fault)?),
            "category" => fields.category = Some(Category::parse(text).map_err(fault)?),
            "name" => fields.name = Some(DisplayName::parse(text).map_err(fault)?),
            "description" => fields.description = Some(Description::parse(text).map_err(fault)?),
            "visibility" => fields.visibility = text.parse().map_err(fault)?,
            "sha256" => fields.sha256 = Some(text.parse().map_err(fault)?),
            "accept" => fields.accept = accepted_types(text).map_err(fault)?,
            "dedup" => {
                fields.dedup = scalars::boolean(text)
                    .ok_or_else(|| FieldFault::new(name, scalars::NO_BOOLEAN))?;
            }
            _ => return self.take_unknown(name),
        }
        self.seen.push(name.to_owned());
        Ok(())
    }

    fn so_far(&self) -> &UploadFields {
        &self.fields
    }

    fn finish(mut self) -> Result<UploadFields, FieldFault> {
        self.fields.person = PersonRef::from_parts(self.person_id, self.person)
            .map_err(|error| FieldFault::new("person", error.to_string()))?;
        Ok(self.fields)
    }
}

/// Reads the fields of a JSON body.
pub(super) fn read_fields<'t>(
    sent: impl IntoIterator<Item = (&'static str, &'t Option<String>)>,
) -> Result<UploadFields, Problem> {
    Ok(collect_fields(sent)?)
}

/// Reads fields from optional texts.
pub(super) fn collect_fields<'t>(
    sent: impl IntoIterator<Item = (&'static str, &'t Option<String>)>,
) -> Result<UploadFields, FieldFault> {
    let mut fields = FieldCollector::default();
    for (name, text) in sent {
        if let Some(text) = text {
            fields.take(name, text)?;
        }
    }
    fields.finish()
}

/// Reads media types, separated by commas.
fn accepted_types(text: &str) -> Result<Vec<MediaType>, InvalidValue> {
    if text.split(',').count() > MAX_ACCEPTED_TYPES {
        let problem = format!("lists more than {MAX_ACCEPTED_TYPES} types");
        return Err(InvalidValue::new("accept", problem));
    }
    text.split(',').map(MediaType::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_fields_are_taken_once() {
        let sha = "0".repeat(64);
        let values = [
            "PT-1",
            "0190163d-8694-739b-aea5-966c26f8ad91",
            "images",
            "Name",
            "Text",
            "public",
            "true",
            "application/pdf, image/png",
            &sha,
        ];
        for (name, value) in FIELD_NAMES.into_iter().zip(values) {
            let mut fields = FieldCollector::default();
            fields.take(name, value).unwrap();
            assert!(
                fields
                    .take(name, value)
                    .unwrap_err()
                    .detail
                    .contains("more than once"),
                "{name}"
            );
            fields.finish().unwrap();
        }
    }

    #[test]
    fn faults_name_their_field() {
        for (name, value) in [
            ("nmae", "x"),
            ("dedup", "yes"),
            ("visibility", "secret"),
            ("accept", "pdf"),
            ("person", ".."),
        ] {
            let fault = FieldCollector::default().take(name, value).unwrap_err();
            assert_eq!(fault.field, name);
        }
    }

    #[test]
    fn unknown_fields_are_ignored_on_request() {
        let mut fields = FieldCollector::new(UnknownFields::Ignore);
        let long = "x".repeat(MAX_FIELD_BYTES + 1);
        for (name, value) in [
            ("filepond", "{}"),
            ("filepond", "{}"),
            ("relativePath", "null"),
            ("submit", &long),
            ("Person", "PT-2"),
            ("person", "PT-1"),
        ] {
            fields.take(name, value).unwrap();
        }
        for (name, value) in [("person", "PT-2"), ("category", "a/b")] {
            assert_eq!(fields.take(name, value).unwrap_err().field, name);
        }
        for name in PIECE_FIELDS {
            let fault = fields.take(name, "0").unwrap_err();
            assert!(fault.detail.contains("whole file"), "{fault:?}");
        }
        let person = fields.finish().unwrap().person;
        assert_eq!(
            format!("{person:?}").matches("PT-1").count(),
            1,
            "{person:?}"
        );
        let fault = FieldCollector::default().take("filepond", "{}");
        let detail = fault.unwrap_err().detail;
        assert!(detail.contains("unknown_fields=ignore"), "{detail}");
    }

    #[test]
    fn person_is_named_in_one_way() {
        let mut fields = FieldCollector::default();
        fields.take("person", "PT-1").unwrap();
        fields
            .take("person_id", "0190163d-8694-739b-aea5-966c26f8ad91")
            .unwrap();
        assert_eq!(fields.finish().unwrap_err().field, "person");
    }
}
