//! What dokstamp's forms say of their files: nothing. What it says of all of them instead.

use attache_model::{MediaType, Visibility};
use attache_service::UploadFields;

use crate::endpoints::form::FormFields;
use crate::endpoints::upload_fields::FieldFault;
use crate::problem::{Problem, ProblemKind};

/// PDF documents for all to read, each of them once: `dedup` answers a record that has the same bytes and
/// still is what an upload here makes, active, unused, public, about nobody and in no category.
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
    /// Fields that are not known here are passed over.
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
