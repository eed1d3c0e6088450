//! The error of links of every kind.

/// The error for a refused link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not signed by a live key, not in canonical form, or valid for longer than allowed.
    #[error("the link is invalid")]
    Invalid,
    /// A genuine link that has expired.
    #[error("the link has expired")]
    Expired,
}
