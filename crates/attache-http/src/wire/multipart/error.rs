//! Faults of a multipart body, with the place of each.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The place in a request where a fault was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The request's `Content-Type`.
    ContentType,
    /// Before the first boundary.
    Preamble,
    /// In a part, or on the boundary line that ends it. The first part is number 1.
    Part(usize),
    /// On the line of the closing boundary, or after it.
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType => f.write_str("content type"),
            Self::Preamble => f.write_str("before the first boundary"),
            Self::Part(number) => write!(f, "part {number}"),
            Self::End => f.write_str("after the closing boundary"),
        }
    }
}

/// The reason why a multipart body could not be read to its end.
///
/// Apart from the source of [`Body`](Self::Body), every message may be shown to the client. Cloning is
/// cheap: a body that has failed once returns the same error from every later call.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum MultipartError {
    /// The body breaks the format's rules (a 400).
    #[error("{place}: {problem}")]
    Syntax {
        /// The place of the fault.
        place: Place,
        /// The fault, as the end of a sentence.
        problem: Cow<'static, str>,
    },
    /// The body exceeds one of the [limits](super::limits) (a 413).
    #[error("{place}: {problem}")]
    TooLarge {
        /// The place where the limit was exceeded.
        place: Place,
        /// The limit, as the end of a sentence.
        problem: Cow<'static, str>,
    },
    /// The input ended without an error but before the closing boundary (a 400).
    #[error("{place}: the body ends before its closing boundary")]
    Truncated {
        /// The place that was being read.
        place: Place,
    },
    /// The input failed: the client disconnected, or a limit on the whole body was exceeded.
    #[error("{place}: the body could not be read")]
    Body {
        /// The place that was being read.
        place: Place,
        /// The input's own error.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The content of a part was read after [`next_part`](super::Multipart::next_part) had passed over
    /// it: a bug in the caller.
    #[error("part {number}: its content was passed over")]
    PassedOver {
        /// The part, counted from 1.
        number: usize,
    },
}

impl MultipartError {
    pub(super) fn syntax(place: Place, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Syntax {
            place,
            problem: problem.into(),
        }
    }

    pub(super) fn too_large(place: Place, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::TooLarge {
            place,
            problem: problem.into(),
        }
    }
}
