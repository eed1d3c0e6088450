//! The fields of an upload to dokstamp: its forms have none, and all files get the same.

use attache_model::{MediaType, Visibility};
use attache_service::UploadFields;

use crate::native::upload_fields::{FieldFault, FormFields};
use crate::problem::{Problem, ProblemKind};

/// The fields of public PDF documents, each stored once: `dedup` returns a record that has the same bytes
/// and is still as an upload here would create it: active, unused, public, without person and category.
pub(super) struct Documents(UploadFields);

impl Documents {
    pub(super) fn new() -> Result<Self, Problem> {
        let pdf = MediaType::parse("application/pdf")
            .map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))?;
        Ok(Self(UploadFields {
            visibility: Visibility::Public,
            dedup: true,
            accept: vec![pdf],
            ..UploadFields::default()
        }))
    }
}

impl FormFields for Documents {
    /// Ignores every field.
    fn take(&mut self, _: &str, _: &str) -> Result<(), FieldFault> {
        Ok(())
    }

    fn so_far(&self) -> &UploadFields {
        &self.0
    }

    fn finish(self) -> Result<UploadFields, FieldFault> {
        Ok(self.0)
    }
}
