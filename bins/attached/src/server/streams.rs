//! The concurrent requests of HTTP/2 connections beyond the first of each: a pool that all share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::STREAMS_SHARE;

/// The pool of places for further requests. A connection's first request in flight needs none, so no
/// client waits for the streams of another.
#[derive(Debug, Clone)]
pub(super) struct StreamPool(Arc<Semaphore>);

/// The place of one further request; returned on drop.
#[derive(Debug)]
pub(super) struct StreamPlace {
    held: Arc<AtomicUsize>,
    _permit: OwnedSemaphorePermit,
}

impl StreamPool {
    pub(super) fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes a place for a connection that holds `held`. Returns `None`, and never waits, if all are
    /// taken, or if the connection holds more than its share of those that are free: so a few
    /// dozen connections with many streams leave places to one with few.
    pub(super) fn try_enter(&self, held: &Arc<AtomicUsize>) -> Option<StreamPlace> {
        let share = (self.0.available_permits() / STREAMS_SHARE).max(1);
        if held.load(Ordering::Relaxed) >= share {
            return None;
        }
        let permit = self.0.clone().try_acquire_owned().ok()?;
        held.fetch_add(1, Ordering::Relaxed);
        Some(StreamPlace {
            held: held.clone(),
            _permit: permit,
        })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_greedy_connections_leave_places_to_another() {
        let pool = StreamPool::new(1024);
        let mut taken = Vec::new();
        for _ in 0..40 {
            let held = Arc::default();
            taken.extend((0..31).map_while(|_| pool.try_enter(&held)));
        }
        let late = Arc::default();
        let late: Vec<_> = (0..31).map_while(|_| pool.try_enter(&late)).collect();
        assert!(late.len() >= 2, "only {}", late.len());
        drop((taken, late));
        assert_eq!(pool.0.available_permits(), 1024);
    }

    #[test]
    fn single_connection_gets_what_it_may_have() {
        let pool = StreamPool::new(1024);
        let held = Arc::default();
        let places: Vec<_> = (0..31).map_while(|_| pool.try_enter(&held)).collect();
        assert_eq!((places.len(), held.load(Ordering::Relaxed)), (31, 31));
        drop(places);
        assert_eq!(held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn full_pool_refuses_at_once() {
        let pool = StreamPool::new(1);
        let _taken = pool.try_enter(&Arc::default()).unwrap();
        assert!(pool.try_enter(&Arc::default()).is_none());
    }
}
