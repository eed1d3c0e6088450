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
use crate::wire::content_type::ContentType;

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

    /// Reads the whole content as text: UTF-8, or the ISO 8859-1 that some clients declare.
    ///
    /// Cancelling loses what was read.
    ///
    /// # Errors
    ///
    /// [`MultipartError::TooLarge`] if it is longer than [`MAX_TEXT_BYTES`];
    /// [`MultipartError::Syntax`] if it is not text in a known charset; else as the stream.
    pub(crate) async fn text(mut self) -> Result<String, MultipartError> {
        let place = Place::Part(self.number());
        let charset = Charset::of(self.content_type())
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
        charset
            .decode(bytes)
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

/// The charset of a text field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Latin1,
}

impl Charset {
    fn of(content_type: Option<&str>) -> Result<Self, String> {
        let Some(content_type) = content_type else {
            return Ok(Self::Utf8);
        };
        let charset = ContentType::parse(content_type.as_bytes())
            .and_then(|content_type| content_type.parameter("charset"))
            .map_err(|problem| format!("Content-Type {problem}"))?;
        match charset
            .map(|charset| charset.to_ascii_lowercase())
            .as_deref()
        {
            None | Some(b"utf-8" | b"us-ascii") => Ok(Self::Utf8),
            Some(b"iso-8859-1") => Ok(Self::Latin1),
            Some(_) => Err("charset is not utf-8, us-ascii or iso-8859-1".to_owned()),
        }
    }

    fn decode(self, bytes: Vec<u8>) -> Result<String, &'static str> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).map_err(|_| "text is not UTF-8"),
            Self::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_its_declared_charset() {
        for (content_type, charset) in [
            (None, Ok(Charset::Utf8)),
            (Some("text/plain"), Ok(Charset::Utf8)),
            (Some("text/plain; charset=\"UTF-8\""), Ok(Charset::Utf8)),
            (Some("text/plain; charset=US-ASCII"), Ok(Charset::Utf8)),
            (Some("text/plain;charset=ISO-8859-1"), Ok(Charset::Latin1)),
            (Some("text/plain; charset=utf-16"), Err(())),
            (Some("nonsense"), Err(())),
        ] {
            assert_eq!(
                Charset::of(content_type).map_err(drop),
                charset,
                "{content_type:?}"
            );
        }
        assert_eq!(Charset::Latin1.decode(vec![0xe9]).unwrap(), "é");
        assert!(Charset::Utf8.decode(vec![0xe9]).is_err());
    }
}
