//! Limits of a single request.

/// Limits of a single request, all inclusive. Every field has a safe default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of an upload, all files together, in bytes. 5 GiB by default.
    pub max_upload_bytes: u64,
    /// The maximum number of files in an upload. 20 by default.
    pub max_files_per_upload: usize,
    /// The maximum number of records on a page. 1000 by default.
    pub max_page_size: u32,
    /// The number of records on a page if none is requested. 100 by default.
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
