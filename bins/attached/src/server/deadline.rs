//! A reusable timer that is armed only while there is something to wait for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A deadline. Starts disarmed.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    is_armed: bool,
}

impl Deadline {
    /// Arms the deadline, replacing an earlier one.
    pub(super) fn arm(&mut self, after: Duration) {
        let at = Instant::now() + after;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(at))),
        }
        self.is_armed = true;
    }

    /// Arms the deadline unless it is armed.
    pub(super) fn arm_once(&mut self, after: Duration) {
        if !self.is_armed {
            self.arm(after);
        }
    }

    pub(super) fn disarm(&mut self) {
        self.is_armed = false;
    }

    /// Returns `Ready` once the deadline has passed; never if it is disarmed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) if self.is_armed => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}
