//! The bounds on what one request may ask for.

/// Bounds on what comes from outside. Every field has a safe default; all are inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most one upload may carry, all its files together, in bytes. 5 GiB by default.
    pub max_upload_bytes: u64,
    /// How many files one upload may carry. 20 by default.
    pub max_files_per_upload: usize,
    /// The largest page of a list. 1000 by default.
    pub max_page_size: u32,
    /// The page size when none is asked for. 100 by default.
    pub default_page_size: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_upload_bytes: 5 << 30,
            max_files_per_upload: 20,
            max_page_size: 1000,
            default_page_size: 100,
        }
    }
}
