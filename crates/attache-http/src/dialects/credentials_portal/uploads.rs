//! What the credentials portal's forms say of their file.

use attache_service::UploadFields;

use crate::endpoints::form::FormFields;
use crate::endpoints::upload_fields::{FieldCollector, FieldFault};

const PERSON: &str = "personId";
const NATIVE_PERSON: &str = "person";
const NAME: &str = "name";

/// A file about somebody: its fields, under the names they have here.
#[derive(Default)]
pub(super) struct PersonFields {
    native: FieldCollector,
    /// Whom the path names; the form may repeat it.
    in_path: Option<String>,
    has_person: bool,
}

impl PersonFields {
    /// A file about the person that the path names.
    pub(super) fn about(person: String) -> Result<Self, FieldFault> {
        let mut fields = Self::default();
        fields.take(PERSON, &person)?;
        fields.in_path = Some(person);
        Ok(fields)
    }

    fn take_person(&mut self, text: &str) -> Result<(), FieldFault> {
        match &self.in_path {
            Some(person) if person == text => return Ok(()),
            Some(_) => return Err(FieldFault::new(PERSON, "is another than the path's")),
            None => {}
        }
        let taken = self.native.take(NATIVE_PERSON, text);
        taken.map_err(|fault| FieldFault::new(PERSON, fault.detail))?;
        self.has_person = true;
        Ok(())
    }
}

impl FormFields for PersonFields {
    /// Fields that are not known here are passed over.
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
                "is missing: every file is about somebody",
            ));
        }
        self.native.finish()
    }
}
