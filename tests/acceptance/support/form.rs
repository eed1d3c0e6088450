//! Builds multipart bodies byte by byte, in the order the parts are given.

const BOUNDARY: &str = "----attache-acceptance-7d5c0a";

/// A `multipart/form-data` body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    body: Vec<u8>,
}

impl Form {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A text field.
    #[must_use]
    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        self.part(&head, value.as_bytes())
    }

    /// A file. Its name is written as browsers do: unchanged, except for quotation marks.
    #[must_use]
    pub(crate) fn file(
        self,
        field: &str,
        filename: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Self {
        let filename = filename.replace('"', "%22");
        let head = format!(
            "Content-Disposition: form-data; name=\"{field}\"; filename=\"{filename}\"\r\n\
             Content-Type: {content_type}"
        );
        self.part(&head, bytes)
    }

    /// A part with this head.
    #[must_use]
    pub(crate) fn part(mut self, head: &str, bytes: &[u8]) -> Self {
        self.body
            .extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").bytes());
        self.body.extend(bytes);
        self.body.extend(b"\r\n");
        self
    }

    pub(crate) fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    /// The complete body.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        self.body
    }

    /// The body as a broken connection leaves it: without its closing boundary.
    pub(crate) fn without_closing_boundary(self) -> Vec<u8> {
        self.body
    }
}
