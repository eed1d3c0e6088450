//! The state shared by the reader of a body and the reader of its current part: the scanner and its
//! input.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;

use super::error::{MultipartError, Place};
use super::head::PartHead;
use super::scanner::{Event, Scanner};

type Source = Arc<dyn Error + Send + Sync>;
type Input = Pin<Box<dyn Stream<Item = Result<Bytes, Source>> + Send>>;

/// The scanner with its input. Only one reader drives it at a time: the part's while its part is
/// current, the body's otherwise.
pub(super) struct Shared {
    scanner: Scanner,
    /// `None` once it has ended or failed.
    input: Option<Input>,
    /// The number of the part that is being read, unless it is being passed over.
    current_part: Option<usize>,
    /// The task that waits for content of the current part.
    part_waker: Option<Waker>,
    /// The error that ended everything.
    failure: Option<MultipartError>,
}

/// Locks the state. It is sound even after a panic: at worst a chunk is missing, and then the input
/// that panicked is not polled to its end.
pub(super) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new<S, E>(scanner: Scanner, input: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let input = input.map(|chunk| chunk.map_err(|error| Source::from(error.into())));
        Self {
            scanner,
            input: Some(Box::pin(input)),
            current_part: None,
            part_waker: None,
            failure: None,
        }
    }

    /// Takes the input away from the current part. Returns the task that waits for its content, to be
    /// woken (to an error) after the lock is released.
    pub(super) fn leave_part(&mut self) -> Option<Waker> {
        self.current_part = None;
        self.part_waker.take()
    }

    /// Advances to the head of the next part, over the rest of the current one.
    pub(super) fn poll_next_head(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<(usize, PartHead)>, MultipartError>> {
        loop {
            match ready!(self.poll_event(context))? {
                Event::Data(_) | Event::PartEnd => {}
                Event::Head(head) => {
                    let number = self.scanner.part_number();
                    self.current_part = Some(number);
                    return Poll::Ready(Ok(Some((number, head))));
                }
                Event::End => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Advances to the next content of part `number`; `None` at its end.
    pub(super) fn poll_content(
        &mut self,
        number: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, MultipartError>> {
        if self.current_part != Some(number) {
            return Poll::Ready(Err(MultipartError::PassedOver { number }));
        }
        let Poll::Ready(event) = self.poll_event(context) else {
            self.part_waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        self.part_waker = None;
        Poll::Ready(match event? {
            Event::Data(bytes) => Ok(Some(bytes)),
            Event::PartEnd => {
                self.current_part = None;
                Ok(None)
            }
            // The scanner never returns these before the end of the part; if it did, the content would
            // be incomplete.
            Event::Head(_) | Event::End => Err(MultipartError::Truncated {
                place: Place::Part(number),
            }),
        })
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, MultipartError>> {
        if let Some(failure) = &self.failure {
            return Poll::Ready(Err(failure.clone()));
        }
        let event = ready!(self.poll_scanner(context));
        match &event {
            Ok(Event::End) => self.input = None,
            Ok(_) => {}
            Err(failure) => {
                self.input = None;
                self.failure = Some(failure.clone());
            }
        }
        Poll::Ready(event)
    }

    fn poll_scanner(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, MultipartError>> {
        loop {
            if let Some(event) = self.scanner.next()? {
                return Poll::Ready(Ok(event));
            }
            let chunk = match &mut self.input {
                Some(input) => ready!(input.as_mut().poll_next(context)),
                None => None,
            };
            match chunk {
                Some(Ok(chunk)) => self.scanner.feed(chunk),
                Some(Err(source)) => {
                    let place = self.scanner.place();
                    return Poll::Ready(Err(MultipartError::Body { place, source }));
                }
                None => {
                    self.input = None;
                    self.scanner.finish()?;
                }
            }
        }
    }
}
