//! The caps that keep a multipart body from costing more than it should.

/// Caps on the parts of a multipart body that are read into memory or looked through. All are
/// inclusive. The size of a part's content is not capped here: it is streamed, and whoever reads it
/// decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "each is a maximum, and says so where it is used"
)]
pub(crate) struct MultipartLimits {
    /// How many parts one body may have. 64 by default.
    pub max_parts: usize,
    /// The longest head of a part, in bytes: all its header lines and the empty line after them.
    /// 8 KiB by default.
    pub max_head_bytes: usize,
    /// How many header lines a part may have. 16 by default.
    pub max_headers: usize,
    /// The longest text that [`Part::text`](super::Part::text) reads, in bytes. 16 KiB by default.
    pub max_text_bytes: usize,
    /// The longest text before the first boundary, in bytes; more is refused. 1 KiB by default.
    pub max_preamble_bytes: usize,
    /// How much text after the closing boundary is read and ignored, in bytes; of what follows,
    /// nothing is read. 1 KiB by default.
    pub max_epilogue_bytes: usize,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            max_parts: 64,
            max_head_bytes: 8 << 10,
            max_headers: 16,
            max_text_bytes: 16 << 10,
            max_preamble_bytes: 1 << 10,
            max_epilogue_bytes: 1 << 10,
        }
    }
}
