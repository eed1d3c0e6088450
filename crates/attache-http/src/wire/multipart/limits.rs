//! The caps on what is read into memory or looked through. All are inclusive.
//!
//! The size of a part's content is not capped here: it is streamed, and its reader decides.

/// The most parts in one body.
pub(super) const MAX_PARTS: usize = 64;

/// The longest head of a part, in bytes: all its header lines and the empty line after them.
pub(super) const MAX_HEAD_BYTES: usize = 8 << 10;

/// The most header lines of a part.
pub(super) const MAX_HEADERS: usize = 16;

/// The longest text that [`Part::text`](super::Part::text) reads, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 16 << 10;

/// The longest text before the first boundary, in bytes; more is refused.
pub(super) const MAX_PREAMBLE_BYTES: usize = 1 << 10;

/// The most text after the closing boundary that is read and ignored, in bytes. The rest of the input
/// is not read.
pub(super) const MAX_EPILOGUE_BYTES: usize = 1 << 10;

/// The most spaces and tabs after a boundary on its line (RFC 2046's transport padding).
pub(super) const MAX_PADDING_BYTES: usize = 64;
