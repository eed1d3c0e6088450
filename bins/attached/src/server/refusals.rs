//! The refused requests of each peer: how many get their own response and their own log line.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use super::limits::{REFUSAL_BUCKETS, REFUSAL_BURST_SECONDS, REFUSALS_OF_ALL};
use super::peer::Peer;

/// The refused requests of all peers.
///
/// Peers fall by their hash into a fixed number of buckets, so the table does not grow, whatever the
/// number of addresses. Two peers in one bucket share it, which costs them some lines.
#[derive(Debug)]
pub(super) struct Refusals {
    started: Instant,
    hasher: RandomState,
    responses: Box<[Bucket]>,
    lines: Box<[Bucket]>,
    lines_of_all: Bucket,
    /// The lines that were left out since the last summary.
    omitted_lines: AtomicU64,
}

impl Refusals {
    /// Allows each peer this many refusals in a second, and ten seconds' worth at once.
    pub(super) fn new(per_second: u32) -> Arc<Self> {
        let buckets = || {
            let buckets = (0..REFUSAL_BUCKETS).map(|_| Bucket::new(per_second));
            buckets.collect()
        };
        Arc::new(Self {
            started: Instant::now(),
            hasher: RandomState::new(),
            responses: buckets(),
            lines: buckets(),
            lines_of_all: Bucket::new(per_second.saturating_mul(REFUSALS_OF_ALL)),
            omitted_lines: AtomicU64::new(0),
        })
    }

    /// Returns the view of one peer.
    pub(super) fn of(self: &Arc<Self>, peer: Peer) -> PeerRefusals {
        let buckets = REFUSAL_BUCKETS as u64;
        let index = usize::try_from(self.hasher.hash_one(peer) % buckets).unwrap_or(0);
        PeerRefusals {
            refusals: self.clone(),
            peer,
            index,
        }
    }

    /// Returns the number of lines that were left out since the last call.
    pub(super) fn take_omitted_lines(&self) -> u64 {
        self.omitted_lines.swap(0, Ordering::Relaxed)
    }

    fn now_nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The refused requests of one peer.
#[derive(Debug, Clone)]
pub(super) struct PeerRefusals {
    refusals: Arc<Refusals>,
    peer: Peer,
    index: usize,
}

impl PeerRefusals {
    /// Counts a refused request. Returns `false` if the peer has had too many. This machine never has:
    /// a proxy on it speaks for any number of clients.
    pub(super) fn may_respond(&self) -> bool {
        let now = self.refusals.now_nanos();
        self.peer == Peer::Loopback || self.refusals.responses[self.index].take(now)
    }

    /// Counts the log line of a refused request. Returns `false` if it is to be left out, and counted in
    /// the next summary.
    pub(super) fn may_log(&self) -> bool {
        let now = self.refusals.now_nanos();
        let may = self.refusals.lines[self.index].take(now) && self.refusals.lines_of_all.take(now);
        if !may {
            self.refusals.omitted_lines.fetch_add(1, Ordering::Relaxed);
        }
        may
    }
}

/// A leaky bucket, kept as the time at which it will be empty (the generic cell rate algorithm).
#[derive(Debug)]
struct Bucket {
    interval_nanos: u64,
    empty_at_nanos: AtomicU64,
}

impl Bucket {
    fn new(per_second: u32) -> Self {
        Self {
            interval_nanos: 1_000_000_000 / u64::from(per_second.max(1)),
            empty_at_nanos: AtomicU64::new(0),
        }
    }

    /// Adds one, unless that would be more than the burst.
    fn take(&self, now_nanos: u64) -> bool {
        let latest = now_nanos.saturating_add(REFUSAL_BURST_SECONDS * 1_000_000_000);
        let add = |empty_at: u64| {
            let next = empty_at.max(now_nanos).saturating_add(self.interval_nanos);
            (next <= latest).then_some(next)
        };
        self.empty_at_nanos
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(text: &str) -> Peer {
        Peer::of(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn burst_and_then_the_rate_get_their_responses() {
        let refusals = Refusals::new(10);
        let greedy = refusals.of(peer("192.0.2.1"));
        let count = || (0..500).filter(|_| greedy.may_respond()).count();
        assert_eq!(count(), 100);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(count(), 20);
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn peers_are_separate_and_networks_are_one() {
        let refusals = Refusals::new(1);
        let spend = |of: &PeerRefusals| while of.may_respond() {};
        spend(&refusals.of(peer("2001:db8::1")));
        assert!(!refusals.of(peer("2001:db8::2")).may_respond());
        // Two peers share a bucket once in thousands of times.
        let others = ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1"];
        let served = others.map(|other| refusals.of(peer(other)).may_respond());
        assert!(served.iter().filter(|served| **served).count() >= 2);
    }

    #[tokio::test(start_paused = true)]
    async fn lines_beyond_the_rate_are_counted() {
        let refusals = Refusals::new(10);
        let proxy = refusals.of(peer("127.0.0.1"));
        assert!((0..10_000).all(|_| proxy.may_respond()));
        let logged = (0..10_000).filter(|_| proxy.may_log()).count();
        assert_eq!(logged, 100);
        assert_eq!(refusals.take_omitted_lines(), 9_900);
        assert_eq!(refusals.take_omitted_lines(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn many_peers_together_are_bounded() {
        let refusals = Refusals::new(10);
        let mut logged = 0;
        for network in 0..20_000_u32 {
            let address = std::net::Ipv6Addr::from_bits(u128::from(network) << 64 | 1 << 125);
            let one = refusals.of(Peer::of(address.into()));
            logged += usize::from(one.may_log());
        }
        assert_eq!(logged, 1_000);
    }
}
