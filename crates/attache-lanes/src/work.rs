//! Jobs for threads: classes of jobs, each with lanes that take turns.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::monitor::{Observe, Refusals};
use crate::{FairQueue, Push, QueueLimits, QueueMonitor, QueueStatus, Refused};

/// The bounds of one class of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassLimits {
    /// The name of the class in its [`QueueStatus`].
    pub name: &'static str,
    /// The most jobs of the class that run at once; at least 1.
    pub max_running: usize,
    /// The most jobs that wait.
    pub waiting: QueueLimits,
}

/// The outcome of a [`push`](WorkQueue::push).
#[derive(Debug)]
#[must_use]
pub enum Pushed<J> {
    /// The job waits.
    Queued,
    /// The job waits, and this one of another lane no longer does: its owner is to be told.
    Displaced(J),
    /// The job was not queued.
    Refused(J, Refused),
}

/// A queue from which threads take jobs.
///
/// Classes are numbered in the order of their precedence: a job of class 0 goes before one of class 1. But a
/// class of which nothing runs goes first, so that no class starves where there are as many threads as
/// classes. Within a class the lanes take turns.
pub struct WorkQueue<K, J> {
    shared: Arc<Shared<K, J>>,
}

struct Shared<K, J> {
    state: Mutex<State<K, J>>,
    /// Signalled when a job may have become ready, and when the queue is closed.
    changed: Condvar,
}

struct State<K, J> {
    classes: Vec<Class<K, J>>,
    is_closed: bool,
}

struct Class<K, J> {
    limits: ClassLimits,
    waiting: FairQueue<K, J>,
    running: usize,
    refusals: Refusals,
}

impl<K, J> WorkQueue<K, J>
where
    K: Clone + Eq + Hash + Send + 'static,
    J: Send + 'static,
{
    /// Creates a queue with these classes, the one of the highest precedence first.
    pub fn new(classes: impl IntoIterator<Item = ClassLimits>) -> Self {
        let classes = classes.into_iter().map(|limits| Class {
            limits,
            waiting: FairQueue::new(limits.waiting),
            running: 0,
            refusals: Refusals::default(),
        });
        let state = State {
            classes: classes.collect(),
            is_closed: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        }
    }

    /// Queues a job, or refuses it at once. Where its lane is full, jobs of that lane that `is_abandoned`
    /// accepts make room first.
    ///
    /// # Panics
    ///
    /// If there is no class with this number.
    pub fn push(
        &self,
        class: usize,
        lane: K,
        job: J,
        is_abandoned: impl Fn(&J) -> bool,
    ) -> Pushed<J> {
        let mut state = self.shared.lock();
        if state.is_closed {
            return Pushed::Refused(job, Refused::Closed);
        }
        let class = &mut state.classes[class];
        let mut pushed = class.waiting.push(lane.clone(), job);
        if let Push::LaneFull(job) = pushed {
            class
                .waiting
                .retain_in_lane(&lane, |job| !is_abandoned(job));
            pushed = class.waiting.push(lane, job);
        }
        let outcome = match pushed {
            Push::Queued => Pushed::Queued,
            Push::Displaced(other) => {
                class.refusals.by_all += 1;
                Pushed::Displaced(other)
            }
            Push::LaneFull(job) => {
                class.refusals.by_lane += 1;
                return Pushed::Refused(job, Refused::LaneFull);
            }
            Push::Full(job) => {
                class.refusals.by_all += 1;
                return Pushed::Refused(job, Refused::Full);
            }
        };
        drop(state);
        self.shared.changed.notify_one();
        outcome
    }

    /// Waits for the next job, which counts as running until the second value is dropped. Returns `None` once
    /// the queue is closed and empty. Blocks the thread.
    pub fn take(&self) -> Option<(J, Running<K, J>)> {
        let mut state = self.shared.lock();
        loop {
            if let Some((job, class)) = state.next() {
                return Some((job, self.running(class)));
            }
            if state.is_closed && state.classes.iter().all(|it| it.waiting.is_empty()) {
                return None;
            }
            let waited = self.shared.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns the next job if one is ready.
    pub fn try_take(&self) -> Option<(J, Running<K, J>)> {
        let (job, class) = self.shared.lock().next()?;
        Some((job, self.running(class)))
    }

    /// Refuses jobs that come later, and ends [`take`](Self::take) once those that wait are taken.
    pub fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }

    /// Returns a view of the queue.
    pub fn monitor(&self) -> QueueMonitor {
        QueueMonitor::new(self.shared.clone())
    }

    fn running(&self, class: usize) -> Running<K, J> {
        Running {
            shared: Arc::clone(&self.shared),
            class,
        }
    }
}

impl<K, J> Clone for WorkQueue<K, J> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<K, J> Shared<K, J> {
    fn lock(&self) -> MutexGuard<'_, State<K, J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, J> State<K, J> {
    /// Takes the next job that may run now.
    fn next(&mut self) -> Option<(J, usize)> {
        let ready = self.classes.iter().enumerate().filter(|(_, class)| {
            !class.waiting.is_empty() && class.running < class.limits.max_running.max(1)
        });
        let (number, _) = ready.min_by_key(|(number, class)| (class.running > 0, *number))?;
        let class = self.classes.get_mut(number)?;
        let (_, job) = class.waiting.pop()?;
        class.running += 1;
        Some((job, number))
    }
}

impl<K, J> Observe for Shared<K, J>
where
    K: Clone + Eq + Hash + Send,
    J: Send,
{
    fn statuses(&self) -> Vec<QueueStatus> {
        let state = self.lock();
        let statuses = state.classes.iter().map(|class| {
            let (waiting, running) = (class.waiting.len(), class.running);
            class.refusals.status(class.limits.name, waiting, running)
        });
        statuses.collect()
    }
}

impl<K, J> fmt::Debug for WorkQueue<K, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueue").finish_non_exhaustive()
    }
}

/// A job that runs, until it is dropped.
pub struct Running<K, J> {
    shared: Arc<Shared<K, J>>,
    class: usize,
}

impl<K, J> Drop for Running<K, J> {
    fn drop(&mut self) {
        if let Some(class) = self.shared.lock().classes.get_mut(self.class) {
            class.running -= 1;
        }
        // A job that its class's bound kept back may be ready now.
        self.shared.changed.notify_one();
    }
}

impl<K, J> fmt::Debug for Running<K, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: usize = 0;
    const SECOND: usize = 1;

    /// A queue of two classes, of the second of which `max_second` run at once.
    fn queue(max_second: usize) -> WorkQueue<char, u32> {
        let waiting = QueueLimits {
            per_lane: 3,
            in_all: 6,
        };
        let class = |name, max_running| ClassLimits {
            name,
            max_running,
            waiting,
        };
        WorkQueue::new([class("first", 4), class("second", max_second)])
    }

    fn push(queue: &WorkQueue<char, u32>, class: usize, lane: char, job: u32) {
        assert!(matches!(
            queue.push(class, lane, job, |_| false),
            Pushed::Queued
        ));
    }

    #[test]
    fn second_class_has_part_of_the_threads() {
        let queue = queue(2);
        for job in 0..3 {
            push(&queue, SECOND, 'a', job);
        }
        let running = (queue.try_take().unwrap(), queue.try_take().unwrap());
        assert!(queue.try_take().is_none());
        push(&queue, FIRST, 'a', 7);
        assert_eq!(queue.try_take().unwrap().0, 7);
        drop(running.0);
        assert_eq!(queue.try_take().unwrap().0, 2);
    }

    #[test]
    fn first_class_goes_first_but_starves_none() {
        let queue = queue(2);
        for job in 0..3 {
            push(&queue, FIRST, 'a', job);
            push(&queue, SECOND, 'a', 10 + job);
        }
        let mut taken = Vec::new();
        while let Some(work) = queue.try_take() {
            taken.push(work);
        }
        let order: Vec<_> = taken.iter().map(|(job, _)| *job).collect();
        assert_eq!(order, [0, 10, 1, 2, 11]);
    }

    #[test]
    fn abandoned_jobs_make_room() {
        let queue = queue(1);
        for job in 0..3 {
            push(&queue, FIRST, 'a', job);
        }
        let refused = queue.push(FIRST, 'a', 3, |_| false);
        assert!(matches!(refused, Pushed::Refused(3, Refused::LaneFull)));
        let pushed = queue.push(FIRST, 'a', 3, |job| *job == 1);
        assert!(matches!(pushed, Pushed::Queued));
        let left = std::iter::from_fn(|| queue.try_take().map(|(job, _)| job));
        assert_eq!(left.collect::<Vec<_>>(), [0, 2, 3]);
    }

    #[test]
    fn refusals_are_counted() {
        let queue = queue(1);
        for lane in ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'c'] {
            let _ = queue.push(FIRST, lane, 0, |_| false);
        }
        let (job, running) = queue.try_take().unwrap();
        assert_eq!(job, 0);
        let status = queue.monitor().statuses()[FIRST];
        assert_eq!((status.name, status.running), ("first", 1));
        assert_eq!(status.waiting, 5);
        // One `a` and one `b`; and one of them went for `c`.
        assert_eq!((status.refused_by_lane, status.refused_by_all), (2, 1));
        drop(running);
        assert_eq!(queue.monitor().statuses()[FIRST].running, 0);
    }

    #[test]
    fn closed_queue_hands_out_what_waits() {
        let queue = queue(1);
        for job in 0..3 {
            push(&queue, SECOND, 'a', job);
        }
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                std::thread::spawn(move || std::iter::from_fn(|| queue.take()).count())
            })
            .collect();
        queue.close();
        let refused = queue.push(SECOND, 'a', 9, |_| false);
        assert!(matches!(refused, Pushed::Refused(9, Refused::Closed)));
        let taken: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
        assert_eq!(taken, 3);
    }
}
