//! The canonical form: the bytes a MAC covers, in which no field can run into the next.

/// Builds the bytes that a MAC covers: a label that says what they are, then named fields.
///
/// Each part (the label, every name, every value) follows its length as four bytes, most significant
/// first. So two different sequences of parts never make the same bytes, and a field that is absent
/// is something else than one that is empty. Whoever defines a form fixes the order of its fields.
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
    /// Begins a form. The label separates one kind and version of message from every other.
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
    /// When the value is 4 GiB or longer, which its length could not say.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.part(name.as_bytes());
        self.part(value.as_ref());
        self
    }

    /// Adds a field if there is a value, and otherwise nothing at all.
    #[must_use]
    pub fn optional_field(self, name: &str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// The bytes so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes.
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
    fn absent_is_not_empty() {
        let absent = CanonicalForm::new("x").optional_field("type", None::<&str>);
        let empty = CanonicalForm::new("x").optional_field("type", Some(""));
        assert_eq!(absent, CanonicalForm::new("x"));
        assert_eq!(empty, CanonicalForm::new("x").field("type", ""));
        assert_ne!(absent, empty);
    }

    proptest! {
        /// Texts over two symbols collide readily in a form that merely joins its parts.
        #[test]
        fn different_fields_never_make_the_same_bytes(
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
