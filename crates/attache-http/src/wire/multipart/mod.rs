//! A streaming reader of `multipart/form-data` (RFC 7578 on RFC 2046) whose memory is capped.
//!
//! Content is passed on in slices of the chunks that it came in; nothing is copied or collected. What
//! has to be kept (the head of a part, a text field) is capped by [`limits`], and a body that exceeds a
//! cap is refused at that point. Decision 0022 compares this parser with the usual crate.
//!
//! It is strict where leniency would let two readers see different parts: every line ends in CRLF, a
//! header or parameter that counts is given once, and only padding follows a boundary on its line. It
//! is lenient where clients in use differ harmlessly: bare parameter values, backslashes, `filename*`
//! in place of `filename`.

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
mod text_format;

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_core::Stream;

pub(crate) use boundary::Boundary;
pub(crate) use error::MultipartError;
pub(crate) use part::Part;

use scanner::Scanner;
use shared::{Shared, lock};

/// A reader of the parts of one body, one after the other.
pub(crate) struct Multipart {
    shared: Arc<Mutex<Shared>>,
}

impl Multipart {
    /// Creates a reader of `input`, whose parts `boundary` separates.
    pub(crate) fn new<S, E>(boundary: &Boundary, input: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let shared = Shared::new(Scanner::new(boundary), input);
        Self {
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Waits for the next part; `None` after the closing boundary.
    ///
    /// The unread rest of the part before is discarded; its stream, if still held, then ends in
    /// [`MultipartError::PassedOver`]. After the closing boundary the input is read to its end, but at
    /// most [`limits::MAX_EPILOGUE_BYTES`], so that an input that fails there is not taken for a
    /// complete one.
    ///
    /// Cancel-safe: a dropped call loses nothing, and the next call continues.
    ///
    /// # Errors
    ///
    /// Any [`MultipartError`] but `PassedOver`. After an error, every further call returns the same one.
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
