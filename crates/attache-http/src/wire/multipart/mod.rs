//! A streaming reader of `multipart/form-data` (RFC 7578 on RFC 2046) whose memory is capped.
//!
//! Between the input and the reader of a part nothing is copied or collected: content is handed on
//! in slices of the chunks it came in. What has to be kept (the head of a part, a text field) is
//! capped by [`MultipartLimits`], and a body that would exceed a cap is refused where it does.
//!
//! Strict where leniency would let two readers see different parts: every line ends in CRLF, a
//! header or parameter that counts is given once, and nothing but padding follows a boundary on its
//! line. Lenient where clients in use differ harmlessly: bare parameter values, backslashes,
//! `filename*` in place of `filename`.

mod boundary;
mod delimiter;
mod error;
mod head;
mod limits;
mod part;
mod scanner;
mod shared;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::Stream;

pub(crate) use boundary::Boundary;
pub(crate) use error::MultipartError;
pub(crate) use limits::MultipartLimits;
pub(crate) use part::Part;

use scanner::Scanner;
use shared::{Shared, lock};

/// Reads the parts of one body, one after the other.
pub(crate) struct Multipart {
    shared: Arc<Mutex<Shared>>,
}

impl Multipart {
    /// Starts to read `input`, whose parts `boundary` separates.
    pub(crate) fn new<S, E>(boundary: &Boundary, input: S, limits: MultipartLimits) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let shared = Shared::new(Scanner::new(boundary, limits), input);
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Waits for the next part; `None` after the closing boundary.
    ///
    /// What was not read of the part before is read and thrown away; its stream, if still held,
    /// then ends in [`MultipartError::PassedOver`]. After the closing boundary the input is read on
    /// to its end, or for [`MultipartLimits::max_epilogue_bytes`], so that an input which fails
    /// there is not taken for a good one.
    ///
    /// Cancel safe: a call that was dropped loses nothing, and the next one goes on.
    ///
    /// # Errors
    ///
    /// Any [`MultipartError`] but `PassedOver`, and the same one whenever asked again.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Part>, MultipartError> {
        let waiting = lock(&self.shared).leave_part();
        if let Some(waker) = waiting {
            waker.wake();
        }
        let head = poll_fn(|context| lock(&self.shared).poll_next_head(context)).await?;
        Ok(head.map(|(number, head)| Part::new(number, head, Arc::clone(&self.shared))))
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart").finish_non_exhaustive()
    }
}
