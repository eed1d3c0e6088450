//! The format without I/O: chunks go in, the heads and contents of parts come out.
//!
//! Only the head of the current part, which is capped, and the few numbers of a [`DelimiterSearch`] are
//! kept. Each byte of a head is examined once, each byte of content about once.

use bytes::{Buf, Bytes};

use super::boundary::Boundary;
use super::delimiter::{DelimiterSearch, Scan};
use super::error::{MultipartError, Place};
use super::head::PartHead;
use super::limits::{
    MAX_EPILOGUE_BYTES, MAX_HEAD_BYTES, MAX_HEADERS, MAX_PADDING_BYTES, MAX_PARTS,
    MAX_PREAMBLE_BYTES,
};

/// The next thing in the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A part begins.
    Head(PartHead),
    /// Content of the part, never empty.
    Data(Bytes),
    /// The part is complete, and the boundary line after it well-formed.
    PartEnd,
    /// The body is complete. Returned by every later call, too.
    End,
}

#[derive(Debug)]
enum State {
    Preamble {
        seen_bytes: usize,
    },
    /// After a delimiter: the rest of its line tells a further part from the end.
    Boundary(Line),
    Head,
    Content,
    /// After the closing boundary, on its line.
    Closing(Line),
    Epilogue {
        seen_bytes: usize,
    },
    Done,
}

/// The position in a boundary line.
#[derive(Debug, Clone, Copy)]
enum Line {
    Start,
    Dash,
    Padding { seen_bytes: usize },
    CarriageReturn,
}

/// The state of reading one body.
#[derive(Debug)]
pub(super) struct Scanner {
    search: DelimiterSearch,
    state: State,
    /// The rest of the chunk fed last.
    chunk: Bytes,
    /// The number of parts that have begun.
    parts: usize,
    /// True from the head of a part until its end was returned.
    part_open: bool,
    head: Vec<u8>,
    line_start: usize,
    headers: usize,
}

impl Scanner {
    pub(super) fn new(boundary: &Boundary) -> Self {
        Self {
            search: DelimiterSearch::new(boundary.delimiter()),
            state: State::Preamble { seen_bytes: 0 },
            chunk: Bytes::new(),
            parts: 0,
            part_open: false,
            head: Vec::new(),
            line_start: 0,
            headers: 0,
        }
    }

    /// Returns the number of the current or last part; 0 before the first.
    pub(super) fn part_number(&self) -> usize {
        self.parts
    }

    /// Returns the current place, for messages.
    pub(super) fn place(&self) -> Place {
        match self.state {
            State::Closing(_) | State::Epilogue { .. } | State::Done => Place::End,
            _ if self.parts == 0 => Place::Preamble,
            _ => Place::Part(self.parts),
        }
    }

    /// Takes the next chunk of input. Call only after [`next`](Self::next) returned `None`.
    pub(super) fn feed(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the last chunk has been used up");
        self.chunk = chunk;
    }

    /// Notes the end of the input.
    pub(super) fn finish(&mut self) -> Result<(), MultipartError> {
        let place = self.place();
        match self.state {
            State::Closing(_) | State::Epilogue { .. } | State::Done => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(MultipartError::Truncated { place }),
        }
    }

    /// Returns the next event, or `None` if that needs more input.
    pub(super) fn next(&mut self) -> Result<Option<Event>, MultipartError> {
        loop {
            let event = match self.state {
                State::Preamble { seen_bytes } => self.skip_preamble(seen_bytes)?,
                State::Boundary(line) => self.read_boundary_line(line)?,
                State::Head => self.read_head()?,
                State::Content => self.read_content(),
                State::Closing(line) => self.read_closing_line(line)?,
                State::Epilogue { seen_bytes } => self.skip_epilogue(seen_bytes),
                State::Done => Some(Event::End),
            };
            if event.is_some() {
                return Ok(event);
            }
            if self.chunk.is_empty() && !matches!(self.state, State::Done) {
                return Ok(None);
            }
        }
    }

    fn skip_preamble(&mut self, seen_bytes: usize) -> Result<Option<Event>, MultipartError> {
        match self.search.advance(&mut self.chunk) {
            Scan::Content(bytes) => {
                let seen_bytes = seen_bytes + bytes.len();
                if seen_bytes > MAX_PREAMBLE_BYTES {
                    let problem = format!("there are more than {MAX_PREAMBLE_BYTES} bytes");
                    return Err(MultipartError::too_large(Place::Preamble, problem));
                }
                self.state = State::Preamble { seen_bytes };
            }
            Scan::Delimiter => self.state = State::Boundary(Line::Start),
            Scan::NeedInput => {}
        }
        Ok(None)
    }

    fn read_content(&mut self) -> Option<Event> {
        match self.search.advance(&mut self.chunk) {
            Scan::Content(bytes) => Some(Event::Data(bytes)),
            Scan::Delimiter => {
                self.state = State::Boundary(Line::Start);
                None
            }
            Scan::NeedInput => None,
        }
    }

    fn read_boundary_line(&mut self, line: Line) -> Result<Option<Event>, MultipartError> {
        let Some(byte) = self.take_byte() else {
            return Ok(None);
        };
        let next = match (line, byte) {
            (Line::Start, b'-') => Line::Dash,
            (Line::Dash, b'-') => {
                self.state = State::Closing(Line::Start);
                return Ok(self.end_part());
            }
            (Line::CarriageReturn, b'\n') => {
                let ended = self.end_part();
                self.begin_head()?;
                return Ok(ended);
            }
            _ => self.read_padding(line, byte)?,
        };
        self.state = State::Boundary(next);
        Ok(None)
    }

    fn read_closing_line(&mut self, line: Line) -> Result<Option<Event>, MultipartError> {
        let Some(byte) = self.take_byte() else {
            return Ok(None);
        };
        self.state = match (line, byte) {
            (Line::CarriageReturn, b'\n') => State::Epilogue { seen_bytes: 0 },
            _ => State::Closing(self.read_padding(line, byte)?),
        };
        Ok(None)
    }

    /// Reads padding, or the first half of the line break after it.
    fn read_padding(&self, line: Line, byte: u8) -> Result<Line, MultipartError> {
        match (line, byte) {
            (Line::Start, b' ' | b'\t') => Ok(Line::Padding { seen_bytes: 1 }),
            (Line::Padding { seen_bytes }, b' ' | b'\t') if seen_bytes < MAX_PADDING_BYTES => {
                Ok(Line::Padding {
                    seen_bytes: seen_bytes + 1,
                })
            }
            (Line::Padding { .. }, b' ' | b'\t') => Err(MultipartError::too_large(
                self.place(),
                format!("more than {MAX_PADDING_BYTES} spaces follow a boundary"),
            )),
            (Line::Start | Line::Padding { .. }, b'\r') => Ok(Line::CarriageReturn),
            _ => Err(MultipartError::syntax(
                self.place(),
                "a boundary line does not end in CRLF after its boundary",
            )),
        }
    }

    fn end_part(&mut self) -> Option<Event> {
        std::mem::take(&mut self.part_open).then_some(Event::PartEnd)
    }

    fn begin_head(&mut self) -> Result<(), MultipartError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            let problem = format!("there are more than {MAX_PARTS} parts");
            return Err(MultipartError::too_large(self.place(), problem));
        }
        self.head.clear();
        self.line_start = 0;
        self.headers = 0;
        self.state = State::Head;
        Ok(())
    }

    /// Reads one line of a head, or the part of it that the chunk contains.
    fn read_head(&mut self) -> Result<Option<Event>, MultipartError> {
        let room = MAX_HEAD_BYTES - self.head.len();
        let line_break = memchr::memchr(b'\n', &self.chunk[..self.chunk.len().min(room)]);
        let taken = line_break.map_or(self.chunk.len(), |at| at + 1);
        if taken > room {
            let problem = format!("header is longer than {MAX_HEAD_BYTES} bytes");
            return Err(MultipartError::too_large(self.place(), problem));
        }
        self.head.extend_from_slice(&self.chunk[..taken]);
        self.chunk.advance(taken);
        if line_break.is_none() {
            return Ok(None);
        }
        match &self.head[self.line_start..] {
            b"\r\n" => self.end_head().map(Some),
            [.., b'\r', b'\n'] => {
                self.line_start = self.head.len();
                self.headers += 1;
                if self.headers > MAX_HEADERS {
                    let problem = format!("there are more than {MAX_HEADERS} headers");
                    return Err(MultipartError::too_large(self.place(), problem));
                }
                Ok(None)
            }
            _ => Err(MultipartError::syntax(
                self.place(),
                "a header line does not end in CRLF",
            )),
        }
    }

    fn end_head(&mut self) -> Result<Event, MultipartError> {
        let head = PartHead::parse(&self.head[..self.line_start])
            .map_err(|problem| MultipartError::syntax(self.place(), problem))?;
        self.state = State::Content;
        self.part_open = true;
        // The empty line's break may also be the delimiter's: a part without content (RFC 2046).
        self.search.borrow_line_break();
        Ok(Event::Head(head))
    }

    fn skip_epilogue(&mut self, seen_bytes: usize) -> Option<Event> {
        let seen_bytes = seen_bytes + self.chunk.len();
        self.chunk.clear();
        if seen_bytes > MAX_EPILOGUE_BYTES {
            self.state = State::Done;
            return Some(Event::End);
        }
        self.state = State::Epilogue { seen_bytes };
        None
    }

    fn take_byte(&mut self) -> Option<u8> {
        let byte = *self.chunk.first()?;
        self.chunk.advance(1);
        Some(byte)
    }
}
