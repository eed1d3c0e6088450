//! The search for the delimiter in a body that arrives in chunks.

use bytes::{Buf, Bytes};
use memchr::memmem::Finder;

/// The line break that a delimiter begins with.
const LINE_BREAK_BYTES: usize = 2;

/// The result of a step of the search.
pub(super) enum Scan {
    /// Bytes before the delimiter; never empty.
    Content(Bytes),
    /// The delimiter, now removed from the chunk.
    Delimiter,
    /// Nothing yet: the chunk is used up.
    NeedInput,
}

/// The search for one delimiter, over all chunks.
///
/// If a chunk ends inside a possible delimiter, only the *number* of matched bytes is kept: the bytes
/// are the delimiter's own. A delimiter contains a carriage return only as its first byte, so a failed
/// match never has to be retried from its middle, and the search is linear for every input.
#[derive(Debug)]
pub(super) struct DelimiterSearch {
    delimiter: Bytes,
    finder: Finder<'static>,
    /// The number of bytes of the delimiter that the end of the input matches.
    held_bytes: usize,
    /// The number of held bytes that are not content: a line break that ended something else.
    borrowed_bytes: usize,
}

impl DelimiterSearch {
    /// Creates a search at the start of the body, which counts as the start of a line.
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

    /// Treats the line break just read, which is not content, as the start of a delimiter.
    pub(super) fn borrow_line_break(&mut self) {
        self.held_bytes = LINE_BREAK_BYTES;
        self.borrowed_bytes = LINE_BREAK_BYTES;
    }

    /// Takes content or a delimiter from the start of the chunk.
    pub(super) fn advance(&mut self, chunk: &mut Bytes) -> Scan {
        if self.held_bytes > 0
            && let Some(found) = self.continue_match(chunk)
        {
            return found;
        }
        if chunk.is_empty() {
            return Scan::NeedInput;
        }
        let content_bytes = match self.finder.find(chunk) {
            Some(0) => {
                chunk.advance(self.delimiter.len());
                return Scan::Delimiter;
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
            Scan::NeedInput
        } else {
            Scan::Content(content)
        }
    }

    /// Continues a match that began in an earlier chunk. `None` if it failed without releasing content.
    fn continue_match(&mut self, chunk: &mut Bytes) -> Option<Scan> {
        let wanted = &self.delimiter[self.held_bytes..];
        let matching = chunk.iter().zip(wanted).take_while(|(a, b)| a == b);
        let matched = matching.count();
        if matched == wanted.len() {
            chunk.advance(matched);
            self.held_bytes = 0;
            return Some(Scan::Delimiter);
        }
        if matched == chunk.len() {
            chunk.clear();
            self.held_bytes += matched;
            return Some(Scan::NeedInput);
        }
        // The bytes that matched in this chunk are still in it, and follow.
        let released = self.delimiter.slice(self.borrowed_bytes..self.held_bytes);
        self.held_bytes = 0;
        (!released.is_empty()).then_some(Scan::Content(released))
    }

    /// Returns the offset of a delimiter that begins in the chunk and may end in the next one; the
    /// chunk's length if there is none.
    fn start_of_partial_match(&self, chunk: &[u8]) -> usize {
        let length = chunk.len();
        let tail_start = length.saturating_sub(self.delimiter.len() - 1);
        match memchr::memrchr(b'\r', &chunk[tail_start..]) {
            Some(at) if self.delimiter.starts_with(&chunk[tail_start + at..]) => tail_start + at,
            _ => length,
        }
    }
}
