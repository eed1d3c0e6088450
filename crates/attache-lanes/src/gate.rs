//! Permits for tasks: so many at once, of which one lane has part.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::monitor::{Observe, Refusals};
use crate::{FairQueue, Push, QueueLimits, QueueMonitor, QueueStatus, Refused};

/// The bounds of a [`Gate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateLimits {
    /// The name of the gate in its [`QueueStatus`].
    pub name: &'static str,
    /// The permits; at least 1.
    pub permits: usize,
    /// The most permits that one lane holds, so that the rest is there for others; at least 1.
    pub permits_per_lane: usize,
    /// The most tasks that wait.
    pub waiting: QueueLimits,
}

/// Hands out permits, fairly and in bounds. Clones share them.
pub struct Gate<K: Clone + Eq + Hash> {
    shared: Arc<Shared<K>>,
}

struct Shared<K: Clone + Eq + Hash> {
    limits: GateLimits,
    state: Mutex<State<K>>,
}

struct State<K: Clone + Eq + Hash> {
    free: usize,
    /// The permits of each lane that holds some.
    held: HashMap<K, usize>,
    waiting: FairQueue<K, oneshot::Sender<Permit<K>>>,
    refusals: Refusals,
}

impl<K: Clone + Eq + Hash> Gate<K> {
    /// Creates a gate with all its permits.
    pub fn new(limits: GateLimits) -> Self {
        let state = State {
            free: limits.permits.max(1),
            held: HashMap::new(),
            waiting: FairQueue::new(limits.waiting),
            refusals: Refusals::default(),
        };
        Self {
            shared: Arc::new(Shared {
                limits,
                state: Mutex::new(state),
            }),
        }
    }

    /// Returns a permit, after waiting for its lane's turn if it must. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`Refused::LaneFull`] and [`Refused::Full`] if no more may wait: at once, or later if a shorter lane
    /// needs the place.
    pub async fn acquire(&self, lane: K) -> Result<Permit<K>, Refused> {
        let waiting = {
            let mut state = self.shared.lock();
            if state.may_go(&lane, &self.shared.limits) {
                return Ok(state.grant(lane, &self.shared));
            }
            state.wait(lane)?
        };
        // A sender that is dropped gave its place to a shorter lane.
        waiting.await.map_err(|_| Refused::Full)
    }

    /// Returns a view of the gate.
    pub fn monitor(&self) -> QueueMonitor
    where
        K: Send + 'static,
    {
        QueueMonitor::new(self.shared.clone())
    }
}

impl<K: Clone + Eq + Hash> Clone for Gate<K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Gate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a permit back, and hands out what is free now.
    fn release(self: &Arc<Self>, lane: &K) {
        let mut state = self.lock();
        state.take_back(lane);
        while let Some((lane, caller)) = state.next(&self.limits) {
            if let Err(mut permit) = caller.send(state.grant(lane.clone(), self)) {
                // The caller went away. Its permit is taken back here, because its drop needs the lock.
                permit.shared = None;
                state.take_back(&lane);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Returns `true` if a lane may have a permit now. Nobody who waits could: they were served when the last
    /// permit came back.
    fn may_go(&self, lane: &K, limits: &GateLimits) -> bool {
        self.free > 0 && is_below(&self.held, lane, limits)
    }

    fn grant(&mut self, lane: K, shared: &Arc<Shared<K>>) -> Permit<K> {
        self.free -= 1;
        *self.held.entry(lane.clone()).or_default() += 1;
        Permit {
            lane,
            shared: Some(Arc::clone(shared)),
        }
    }

    fn take_back(&mut self, lane: &K) {
        self.free += 1;
        if let Some(held) = self.held.get_mut(lane) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(lane);
            }
        }
    }

    /// Queues a caller of a lane.
    fn wait(&mut self, lane: K) -> Result<oneshot::Receiver<Permit<K>>, Refused> {
        let (caller, waiting) = oneshot::channel();
        let mut pushed = self.waiting.push(lane.clone(), caller);
        if let Push::LaneFull(caller) = pushed {
            self.waiting
                .retain_in_lane(&lane, |caller| !caller.is_closed());
            pushed = self.waiting.push(lane, caller);
        }
        match pushed {
            Push::Queued => {}
            // Dropping it tells its task.
            Push::Displaced(_) => self.refusals.by_all += 1,
            Push::LaneFull(_) => {
                self.refusals.by_lane += 1;
                return Err(Refused::LaneFull);
            }
            Push::Full(_) => {
                self.refusals.by_all += 1;
                return Err(Refused::Full);
            }
        }
        Ok(waiting)
    }

    /// Removes the next caller that may have a permit now.
    fn next(&mut self, limits: &GateLimits) -> Option<(K, oneshot::Sender<Permit<K>>)> {
        if self.free == 0 {
            return None;
        }
        let held = &self.held;
        self.waiting.pop_where(|lane| is_below(held, lane, limits))
    }
}

fn is_below<K: Eq + Hash>(held: &HashMap<K, usize>, lane: &K, limits: &GateLimits) -> bool {
    held.get(lane).copied().unwrap_or(0) < limits.permits_per_lane.max(1)
}

impl<K: Clone + Eq + Hash + Send> Observe for Shared<K> {
    fn statuses(&self) -> Vec<QueueStatus> {
        let state = self.lock();
        let running = self.limits.permits.max(1) - state.free;
        let waiting = state.waiting.len();
        vec![state.refusals.status(self.limits.name, waiting, running)]
    }
}

/// A permit, which is given back when it is dropped.
pub struct Permit<K: Clone + Eq + Hash> {
    lane: K,
    /// `None` of a permit that was never received.
    shared: Option<Arc<Shared<K>>>,
}

impl<K: Clone + Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.release(&self.lane);
        }
    }
}

impl<K: Clone + Eq + Hash> fmt::Debug for Permit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Three permits, of which one lane holds two; four tasks wait, three of a lane.
    fn gate() -> Gate<char> {
        Gate::new(GateLimits {
            name: "gate",
            permits: 3,
            permits_per_lane: 2,
            waiting: QueueLimits {
                per_lane: 3,
                in_all: 4,
            },
        })
    }

    type Acquiring<'g> = Pin<Box<dyn Future<Output = Result<Permit<char>, Refused>> + 'g>>;

    /// Begins to acquire: polls once.
    fn begin(
        gate: &Gate<char>,
        lane: char,
    ) -> Result<Result<Permit<char>, Refused>, Acquiring<'_>> {
        let mut acquiring: Acquiring<'_> = Box::pin(gate.acquire(lane));
        match poll(&mut acquiring) {
            Poll::Ready(result) => Ok(result),
            Poll::Pending => Err(acquiring),
        }
    }

    fn poll(acquiring: &mut Acquiring<'_>) -> Poll<Result<Permit<char>, Refused>> {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(acquiring).poll(&mut cx)
    }

    fn acquire(gate: &Gate<char>, lane: char) -> Permit<char> {
        begin(gate, lane).ok().unwrap().unwrap()
    }

    fn wait(gate: &Gate<char>, lane: char) -> Acquiring<'_> {
        begin(gate, lane).unwrap_err()
    }

    /// Returns the permit that came.
    fn granted(acquiring: &mut Acquiring<'_>) -> Permit<char> {
        match poll(acquiring) {
            Poll::Ready(result) => result.unwrap(),
            Poll::Pending => panic!("it still waits"),
        }
    }

    fn is_waiting(acquiring: &mut Acquiring<'_>) -> bool {
        poll(acquiring).is_pending()
    }

    #[test]
    fn lane_leaves_permits_to_others() {
        let gate = gate();
        let held = [acquire(&gate, 'a'), acquire(&gate, 'a')];
        let mut third = wait(&gate, 'a');
        let other = acquire(&gate, 'b');
        drop(other);
        assert!(is_waiting(&mut third), "the free permit is for others");
        drop(held);
        granted(&mut third);
    }

    #[test]
    fn freed_permit_goes_to_lanes_in_turn() {
        let gate = gate();
        let first = acquire(&gate, 'a');
        let second = acquire(&gate, 'a');
        let third = acquire(&gate, 'b');
        let mut waiting = [wait(&gate, 'a'), wait(&gate, 'a'), wait(&gate, 'c')];
        drop(third);
        // The lane of both others holds all it may.
        let _other = granted(&mut waiting[2]);
        drop(first);
        let _next = granted(&mut waiting[0]);
        assert!(is_waiting(&mut waiting[1]));
        drop(second);
        granted(&mut waiting[1]);
    }

    #[test]
    fn permit_of_departed_task_goes_on() {
        let gate = gate();
        let held = [
            acquire(&gate, 'a'),
            acquire(&gate, 'a'),
            acquire(&gate, 'b'),
        ];
        let departed = wait(&gate, 'b');
        let mut stays = wait(&gate, 'b');
        // One goes away before its permit comes, one after it came and before it was received.
        drop(departed);
        let received_late = wait(&gate, 'c');
        drop(held);
        drop(received_late);
        granted(&mut stays);
        let status = gate.monitor().statuses()[0];
        assert_eq!((status.running, status.waiting), (0, 0));
    }

    #[test]
    fn waiting_is_bounded_by_lane_and_in_all() {
        let gate = gate();
        let _held = [
            acquire(&gate, 'a'),
            acquire(&gate, 'a'),
            acquire(&gate, 'b'),
        ];
        let mut waiting = [wait(&gate, 'a'), wait(&gate, 'a'), wait(&gate, 'a')];
        assert_eq!(
            begin(&gate, 'a').ok().unwrap().unwrap_err(),
            Refused::LaneFull
        );
        let _others = [wait(&gate, 'b'), wait(&gate, 'c')];
        // The longest lane gave a place up, its newest.
        let newest = poll(&mut waiting[2]);
        assert!(matches!(newest, Poll::Ready(Err(Refused::Full))));
        let status = gate.monitor().statuses()[0];
        assert_eq!((status.running, status.waiting), (3, 4));
        assert_eq!((status.refused_by_lane, status.refused_by_all), (1, 1));
    }

    #[test]
    fn departed_tasks_make_room_in_their_lane() {
        let gate = gate();
        let held = [acquire(&gate, 'a'), acquire(&gate, 'a')];
        let departed: Vec<_> = (0..3).map(|_| wait(&gate, 'a')).collect();
        drop(departed);
        let mut waiting = wait(&gate, 'a');
        drop(held);
        granted(&mut waiting);
    }
}
