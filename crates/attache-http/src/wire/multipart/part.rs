//! One part: the fields of its head, and its content as a stream or as text.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;

use super::error::{MultipartError, Place};
use super::head::PartHead;
use super::limits::MAX_TEXT_BYTES;
use super::shared::{Shared, lock};
use super::text_format::TextFormat;

/// One part of a body. Its content is read by [`into_stream`](Self::into_stream) or
/// [`text`](Self::text), and passed over if neither is called.
#[derive(Debug)]
pub(crate) struct Part {
    head: PartHead,
    content: PartStream,
}

impl Part {
    pub(super) fn new(number: usize, head: PartHead, shared: Arc<Mutex<Shared>>) -> Self {
        Self {
            head,
            content: PartStream {
                number,
                shared: Some(shared),
            },
        }
    }

    /// Returns the part's place in the body, counted from 1.
    pub(crate) fn number(&self) -> usize {
        self.content.number
    }

    /// Returns the name of the form's field. May be empty.
    pub(crate) fn name(&self) -> &str {
        &self.head.name
    }

    /// Returns the file's name as the client sent it: unchecked, perhaps a whole path, empty if no file
    /// was chosen in the form. `None` for a text field.
    pub(crate) fn filename(&self) -> Option<&str> {
        self.head.filename.as_deref()
    }

    /// Returns the declared media type as the client sent it, unchecked.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.head.content_type.as_deref()
    }

    /// Returns the content as it arrives.
    ///
    /// The stream ends without an error only if the boundary after the part was seen. It may outlive
    /// the [`Multipart`](super::Multipart) it came from.
    pub(crate) fn into_stream(self) -> PartStream {
        self.content
    }

    /// Reads the whole content as text, in its declared charset; UTF-8 by default. Declared as JSON, it is
    /// decoded: a string is its text.
    ///
    /// Cancelling loses what was read.
    ///
    /// # Errors
    ///
    /// [`MultipartError::TooLarge`] if it is longer than [`MAX_TEXT_BYTES`];
    /// [`MultipartError::Syntax`] if it is not text in a known charset, or no simple JSON value; else as the
    /// stream.
    pub(crate) async fn text(mut self) -> Result<String, MultipartError> {
        let place = Place::Part(self.number());
        let format = TextFormat::of(self.content_type())
            .map_err(|problem| MultipartError::syntax(place, problem))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = self.content.next().await {
            let chunk = chunk?;
            if chunk.len() > MAX_TEXT_BYTES - bytes.len() {
                let problem = format!("text is longer than {MAX_TEXT_BYTES} bytes");
                return Err(MultipartError::too_large(place, problem));
            }
            bytes.extend_from_slice(&chunk);
        }
        format
            .decode(&bytes)
            .map_err(|problem| MultipartError::syntax(place, problem))
    }
}

/// The content of a part; see [`Part::into_stream`]. Yields `None` after an error or its end.
pub(crate) struct PartStream {
    number: usize,
    /// `None` once the stream has ended or failed.
    shared: Option<Arc<Mutex<Shared>>>,
}

impl Stream for PartStream {
    type Item = Result<Bytes, MultipartError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(shared) = &self.shared else {
            return Poll::Ready(None);
        };
        let item = ready!(lock(shared).poll_content(self.number, context)).transpose();
        if !matches!(item, Some(Ok(_))) {
            self.shared = None;
        }
        Poll::Ready(item)
    }
}

impl fmt::Debug for PartStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartStream")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}
