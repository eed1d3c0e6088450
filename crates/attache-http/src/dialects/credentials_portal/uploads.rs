//! The fields of an upload to the credentials portal.

use attache_model::to_nfc;
use attache_service::UploadFields;

use crate::native::upload_fields::{FieldCollector, FieldFault, FormFields};

const PERSON: &str = "personId";
const NATIVE_PERSON: &str = "person";
const NAME: &str = "name";

/// The fields of a file about a person, under the names of this API.
#[derive(Default)]
pub(super) struct PersonFields {
    native: FieldCollector,
    /// The person in the path; the form may repeat it.
    in_path: Option<String>,
    has_person: bool,
}

impl PersonFields {
    /// Returns the fields of a file about the person in the path.
    pub(super) fn about(person: &str) -> Result<Self, FieldFault> {
        let mut fields = Self::default();
        fields.take(PERSON, person)?;
        fields.in_path = Some(to_nfc(person));
        Ok(fields)
    }

    fn take_person(&mut self, text: &str) -> Result<(), FieldFault> {
        match &self.in_path {
            Some(person) if *person == to_nfc(text) => return Ok(()),
            Some(_) => {
                return Err(FieldFault::new(
                    PERSON,
                    "differs from the person in the path",
                ));
            }
            None => {}
        }
        let taken = self.native.take(NATIVE_PERSON, text);
        taken.map_err(|fault| FieldFault::new(PERSON, fault.detail))?;
        self.has_person = true;
        Ok(())
    }
}

impl FormFields for PersonFields {
    /// Ignores unknown fields.
    fn take(&mut self, name: &str, text: &str) -> Result<(), FieldFault> {
        match name {
            PERSON => self.take_person(text),
            NAME => self.native.take(NAME, text),
            _ => Ok(()),
        }
    }

    fn so_far(&self) -> &UploadFields {
        self.native.so_far()
    }

    fn finish(self) -> Result<UploadFields, FieldFault> {
        if !self.has_person {
            return Err(FieldFault::new(
                PERSON,
                "is missing: every file is about a person",
            ));
        }
        self.native.finish()
    }
}
