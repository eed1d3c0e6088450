//! Finds the delimiter in a body that comes in chunks.

use bytes::{Buf, Bytes};
use memchr::memmem::Finder;

/// The line break that a delimiter begins with.
const LINE_BREAK_BYTES: usize = 2;

/// What the search came to.
pub(super) enum Found {
    /// Bytes, never none, that no delimiter is part of.
    Content(Bytes),
    /// The delimiter, which has been taken from the chunk.
    Delimiter,
    /// Nothing yet: the chunk is used up.
    NeedInput,
}

/// The search for one delimiter, over all chunks.
///
/// Where a chunk ends inside what may be a delimiter, nothing of it is kept but *how much* it was:
/// the bytes are the delimiter's own. A delimiter holds a carriage return only as its first byte, so
/// a near-miss never has to be tried again from its middle, and the search is linear whatever the
/// input is.
#[derive(Debug)]
pub(super) struct DelimiterSearch {
    delimiter: Bytes,
    finder: Finder<'static>,
    /// How many bytes of the delimiter the input has just matched.
    held_bytes: usize,
    /// How many of the held bytes were not content: a line break that ended something else.
    borrowed_bytes: usize,
}

impl DelimiterSearch {
    /// Begins at the start of the body, which counts as the start of a line.
    pub(super) fn new(delimiter: Vec<u8>) -> Self {
        let mut search = Self {
            finder: Finder::new(&delimiter).into_owned(),
            delimiter: Bytes::from(delimiter),
            held_bytes: 0,
            borrowed_bytes: 0,
        };
        search.borrow_line_break();
        search
    }

    /// Takes the line break just read, which is not content, for the start of a delimiter.
    pub(super) fn borrow_line_break(&mut self) {
        self.held_bytes = LINE_BREAK_BYTES;
        self.borrowed_bytes = LINE_BREAK_BYTES;
    }

    /// Takes from the chunk what can be told of it: content, or a delimiter.
    pub(super) fn advance(&mut self, chunk: &mut Bytes) -> Found {
        if self.held_bytes > 0
            && let Some(found) = self.continue_match(chunk)
        {
            return found;
        }
        if chunk.is_empty() {
            return Found::NeedInput;
        }
        let content_bytes = match self.finder.find(chunk) {
            Some(0) => {
                chunk.advance(self.delimiter.len());
                return Found::Delimiter;
            }
            Some(at) => at,
            None => {
                let at = self.start_of_partial_match(chunk);
                self.held_bytes = chunk.len() - at;
                self.borrowed_bytes = 0;
                at
            }
        };
        let content = chunk.split_to(content_bytes);
        if self.held_bytes > 0 {
            chunk.clear();
        }
        if content.is_empty() {
            Found::NeedInput
        } else {
            Found::Content(content)
        }
    }

    /// Goes on with a delimiter that an earlier chunk began. `None` means that it was none, and that
    /// nothing of it is to be told.
    fn continue_match(&mut self, chunk: &mut Bytes) -> Option<Found> {
        let wanted = &self.delimiter[self.held_bytes..];
        let matching = chunk.iter().zip(wanted).take_while(|(a, b)| a == b);
        let matched = matching.count();
        if matched == wanted.len() {
            chunk.advance(matched);
            self.held_bytes = 0;
            return Some(Found::Delimiter);
        }
        if matched == chunk.len() {
            chunk.clear();
            self.held_bytes += matched;
            return Some(Found::NeedInput);
        }
        // What matched in this chunk is still in it, and follows.
        let released = self.delimiter.slice(self.borrowed_bytes..self.held_bytes);
        self.held_bytes = 0;
        (!released.is_empty()).then_some(Found::Content(released))
    }

    /// Where in the chunk a delimiter begins that the chunk does not hold to its end; the chunk's
    /// length where none does.
    fn start_of_partial_match(&self, chunk: &[u8]) -> usize {
        let length = chunk.len();
        let tail_start = length.saturating_sub(self.delimiter.len() - 1);
        match memchr::memrchr(b'\r', &chunk[tail_start..]) {
            Some(at) if self.delimiter.starts_with(&chunk[tail_start + at..]) => tail_start + at,
            _ => length,
        }
    }
}
