//! A timer that is armed while there is something to wait for, and reused for the next wait.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A moment after which waiting is given up. Begins disarmed.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Deadline {
    /// Sets the moment, in place of any before.
    pub(super) fn arm(&mut self, after: Duration) {
        let at = Instant::now() + after;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
        self.armed = true;
    }

    /// Sets the moment unless one is set.
    pub(super) fn arm_once(&mut self, after: Duration) {
        if !self.armed {
            self.arm(after);
        }
    }

    /// Waits for nothing any more.
    pub(super) fn disarm(&mut self) {
        self.armed = false;
    }

    /// Whether the moment has come; never where none is set.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.armed => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}
