//! The canonical form: the bytes that a MAC covers, with unambiguous field boundaries.

/// Builds the bytes that a MAC covers: a label for the kind of message, then named fields.
///
/// Each part (the label, every name, every value) is prefixed with its length as four bytes, most
/// significant first. Two different sequences of parts therefore never give the same bytes, and an
/// absent field differs from an empty one. The definition of a form fixes the order of its fields.
///
/// ```
/// use attache_signing::CanonicalForm;
///
/// let form = CanonicalForm::new("example").field("size", "5").optional_field("type", None::<&str>);
/// assert_eq!(form.as_bytes(), b"\0\0\0\x07example\0\0\0\x04size\0\0\0\x015");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalForm {
    bytes: Vec<u8>,
}

impl CanonicalForm {
    /// Starts a form. The label separates one kind and version of message from every other.
    pub fn new(label: &str) -> Self {
        let mut form = Self {
            bytes: Vec::with_capacity(256),
        };
        form.part(label.as_bytes());
        form
    }

    /// Adds a field.
    ///
    /// # Panics
    ///
    /// Panics if the value is 4 GiB or longer: its length would not fit the prefix.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.part(name.as_bytes());
        self.part(value.as_ref());
        self
    }

    /// Adds a field if there is a value; otherwise adds nothing.
    #[must_use]
    pub fn optional_field(self, name: &str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// Returns the bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn part(&mut self, part: &[u8]) {
        let length = u32::try_from(part.len()).expect("a part is shorter than 4 GiB");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn absent_field_differs_from_empty_field() {
        let absent = CanonicalForm::new("x").optional_field("type", None::<&str>);
        let empty = CanonicalForm::new("x").optional_field("type", Some(""));
        assert_eq!(absent, CanonicalForm::new("x"));
        assert_eq!(empty, CanonicalForm::new("x").field("type", ""));
        assert_ne!(absent, empty);
    }

    proptest! {
        /// Text over two symbols collides readily in a form that merely concatenates its parts.
        #[test]
        fn different_fields_give_different_bytes(
            one in prop::collection::vec(("[ab]{0,3}", "[ab]{0,3}"), 0..4),
            two in prop::collection::vec(("[ab]{0,3}", "[ab]{0,3}"), 0..4),
        ) {
            let form = |fields: &[(String, String)]| {
                fields.iter().fold(CanonicalForm::new("x"), |form, (name, value)| form.field(name, value))
            };
            prop_assert_eq!(one == two, form(&one) == form(&two));
        }
    }
}
