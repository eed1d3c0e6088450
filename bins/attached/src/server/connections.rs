//! The open connections: how many there may be in all and of one peer, and which one makes room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::limits::{ADMISSION_RETRY, IDLE_BEFORE_EVICTION};
use super::peer::Peer;
use crate::metrics;

/// The open connections of the server.
///
/// If all places are taken, the connection that has been idle for the longest time makes room, of
/// the peer that has the most. So neither idle connections nor one peer keep others out.
#[derive(Debug)]
pub(super) struct Connections {
    max: usize,
    max_of_peer: usize,
    state: Mutex<State>,
    /// Notified when a connection has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    open: HashMap<u64, Open>,
    count_of_peer: HashMap<Peer, usize>,
}

#[derive(Debug)]
struct Open {
    peer: Peer,
    activity: Arc<Activity>,
    evicted: CancellationToken,
}

/// The place of one connection. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    pub(super) activity: Arc<Activity>,
    /// Cancelled when the connection must make room.
    pub(super) evicted: CancellationToken,
    _counted: metrics::OpenConnection,
}

enum Admission {
    Admitted(Place),
    Refused,
    /// Another connection must leave first.
    Full,
}

impl Connections {
    /// Creates an empty registry with at most `max` connections, and `max_of_peer` of each peer.
    pub(super) fn new(max: usize, max_of_peer: usize) -> Arc<Self> {
        Arc::new(Self {
            max: max.max(1),
            max_of_peer: max_of_peer.max(1),
            state: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Waits for a place for a connection from `address`. Returns `None` if its peer has all it may
    /// have, and all of them are busy.
    pub(super) async fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let peer = Peer::of(address);
        loop {
            match self.try_admit(peer) {
                Admission::Admitted(place) => return Some(place),
                Admission::Refused => {
                    metrics::record_refused_connection();
                    return None;
                }
                // A busy connection that becomes idle notifies nobody.
                Admission::Full => {
                    let _ = tokio::time::timeout(ADMISSION_RETRY, self.left.notified()).await;
                }
            }
        }
    }

    fn try_admit(self: &Arc<Self>, peer: Peer) -> Admission {
        let mut state = self.state();
        let of_peer = state.count_of_peer.get(&peer).copied().unwrap_or(0);
        if peer != Peer::Loopback && of_peer >= self.max_of_peer {
            return if state.make_room(|open| open.peer == peer) {
                Admission::Full
            } else {
                Admission::Refused
            };
        }
        if state.open.len() >= self.max {
            state.make_room(|_| true);
            return Admission::Full;
        }
        Admission::Admitted(state.add(self, peer))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, connections: &Arc<Connections>, peer: Peer) -> Place {
        let (activity, evicted) = (Activity::new(), CancellationToken::new());
        let id = self.next_id;
        self.next_id += 1;
        *self.count_of_peer.entry(peer).or_insert(0) += 1;
        let open = Open {
            peer,
            activity: activity.clone(),
            evicted: evicted.clone(),
        };
        self.open.insert(id, open);
        Place {
            connections: connections.clone(),
            id,
            activity,
            evicted,
            _counted: metrics::count_connection(),
        }
    }

    /// Evicts an idle connection among `candidates`, unless one of them is leaving already. Returns
    /// `false` if none is idle.
    fn make_room(&self, candidates: impl Fn(&Open) -> bool) -> bool {
        let candidates = || self.open.values().filter(|open| candidates(open));
        if candidates().any(|open| open.evicted.is_cancelled()) {
            return true;
        }
        let latest = Instant::now().checked_sub(IDLE_BEFORE_EVICTION);
        let idle = candidates().filter_map(|open| {
            let since = open.activity.idle_since()?;
            (Some(since) <= latest).then_some((open, since))
        });
        let victim = idle.max_by_key(|(open, since)| {
            let of_peer = self.count_of_peer.get(&open.peer).copied().unwrap_or(0);
            (of_peer, std::cmp::Reverse(*since))
        });
        if let Some((open, _)) = victim {
            metrics::record_evicted_connection();
            open.evicted.cancel();
        }
        victim.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        if let Some(open) = state.open.remove(&self.id)
            && let Some(count) = state.count_of_peer.get_mut(&open.peer)
        {
            *count -= 1;
            if *count == 0 {
                state.count_of_peer.remove(&open.peer);
            }
        }
        drop(state);
        self.connections.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Frees the place of an evicted connection, as its task does.
    fn leave_when_evicted(place: Place) -> CancellationToken {
        let evicted = place.evicted.clone();
        tokio::spawn(async move {
            place.evicted.cancelled().await;
            drop(place);
        });
        evicted
    }

    async fn is_refused(connections: &Arc<Connections>, from: &str) -> bool {
        connections.admit(address(from)).await.is_none()
    }

    #[tokio::test(start_paused = true)]
    async fn oldest_idle_connection_makes_room() {
        let connections = Connections::new(3, 3);
        let mut evicted = Vec::new();
        for _ in 0..3 {
            let place = connections.admit(address("127.0.0.1")).await.unwrap();
            evicted.push(leave_when_evicted(place));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let _new = connections.admit(address("127.0.0.1")).await.unwrap();
        let evicted: Vec<_> = evicted
            .iter()
            .map(CancellationToken::is_cancelled)
            .collect();
        assert_eq!(evicted, [true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn busy_connection_is_not_evicted() {
        let connections = Connections::new(1, 1);
        let place = connections.admit(address("127.0.0.1")).await.unwrap();
        let request = place.activity.start_request();
        let evicted = leave_when_evicted(place);
        let waiting = connections.admit(address("127.0.0.1"));
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        assert!(waited.is_err() && !evicted.is_cancelled());
        drop(request);
        connections.admit(address("127.0.0.1")).await.unwrap();
        assert!(evicted.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn peer_with_the_most_makes_room() {
        let connections = Connections::new(4, 3);
        let old = connections.admit(address("192.0.2.1")).await.unwrap();
        let old = leave_when_evicted(old);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut many = Vec::new();
        for _ in 0..3 {
            let place = connections.admit(address("192.0.2.2")).await.unwrap();
            many.push(leave_when_evicted(place));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let _new = connections.admit(address("192.0.2.3")).await.unwrap();
        assert!(!old.is_cancelled());
        assert_eq!(
            many.iter().filter(|evicted| evicted.is_cancelled()).count(),
            1
        );
    }

    #[tokio::test(start_paused = true)]
    async fn peer_is_limited_and_loopback_is_not() {
        for (one, same, other) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ] {
            let connections = Connections::new(9, 1);
            let place = connections.admit(address(one)).await.unwrap();
            let _busy = place.activity.start_request();
            assert!(is_refused(&connections, same).await, "{same}");
            assert!(!is_refused(&connections, other).await, "{other}");
        }
        let connections = Connections::new(9, 1);
        let place = connections.admit(address("127.0.0.1")).await.unwrap();
        let _busy = place.activity.start_request();
        for local in ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"] {
            assert!(!is_refused(&connections, local).await, "{local}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connection_of_full_peer_makes_room() {
        let connections = Connections::new(9, 1);
        let place = connections.admit(address("192.0.2.1")).await.unwrap();
        let evicted = leave_when_evicted(place);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!is_refused(&connections, "192.0.2.1").await);
        assert!(evicted.is_cancelled());
        // Nothing is kept of peers that have left.
        tokio::task::yield_now().await;
        assert!(connections.state().count_of_peer.is_empty());
    }
}
