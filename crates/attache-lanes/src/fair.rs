//! The data structure: lanes that take turns, each and all of them bounded.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The bounds of a [`FairQueue`]. A bound of 0 counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// The most items that wait in one lane.
    pub per_lane: usize,
    /// The most items that wait in all lanes together.
    pub in_all: usize,
}

/// The outcome of a [`push`](FairQueue::push).
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Push<T> {
    /// The item waits.
    Queued,
    /// The item waits, in place of this newest item of the longest lane: all lanes were full together.
    Displaced(T),
    /// The item was not queued: its lane is full.
    LaneFull(T),
    /// The item was not queued: all lanes are full together, and its own is among the longest.
    Full(T),
}

/// A queue of lanes. Items of one lane keep their order; lanes with items take turns, one item a turn.
///
/// A lane that is empty takes no memory.
#[derive(Debug)]
pub struct FairQueue<K, T> {
    limits: QueueLimits,
    lanes: HashMap<K, VecDeque<T>>,
    /// The lanes with items, the next one first.
    turns: VecDeque<K>,
    length: usize,
}

impl<K: Clone + Eq + Hash, T> FairQueue<K, T> {
    /// Creates an empty queue.
    pub fn new(limits: QueueLimits) -> Self {
        Self {
            limits: QueueLimits {
                per_lane: limits.per_lane.max(1),
                in_all: limits.in_all.max(1),
            },
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            length: 0,
        }
    }

    /// Returns the number of items in all lanes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns `true` if no item waits.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns the number of items in a lane.
    pub fn lane_len(&self, lane: &K) -> usize {
        self.lanes.get(lane).map_or(0, VecDeque::len)
    }

    /// Queues an item behind those of its lane, if there is a place.
    ///
    /// If all places are taken, a lane that has fewer than the longest one gets a place of that one: no
    /// owner keeps another out by being there first.
    pub fn push(&mut self, lane: K, item: T) -> Push<T> {
        let own = self.lane_len(&lane);
        if own >= self.limits.per_lane {
            return Push::LaneFull(item);
        }
        let displaced = if self.length < self.limits.in_all {
            None
        } else {
            match self.displace(own) {
                Some(displaced) => Some(displaced),
                None => return Push::Full(item),
            }
        };
        self.add(lane, item);
        displaced.map_or(Push::Queued, Push::Displaced)
    }

    /// Removes the next item: the oldest of the lane whose turn it is.
    pub fn pop(&mut self) -> Option<(K, T)> {
        self.pop_where(|_| true)
    }

    /// Removes the next item of the lanes that `may_go` accepts. The others keep their turn.
    pub fn pop_where(&mut self, may_go: impl Fn(&K) -> bool) -> Option<(K, T)> {
        let turn = self.turns.iter().position(may_go)?;
        let lane = self.turns.remove(turn)?;
        let items = self.lanes.get_mut(&lane)?;
        let item = items.pop_front()?;
        self.length -= 1;
        if items.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.turns.push_back(lane.clone());
        }
        Some((lane, item))
    }

    /// Removes the items of a lane that `keep` does not accept.
    pub fn retain_in_lane(&mut self, lane: &K, keep: impl FnMut(&T) -> bool) {
        let Some(items) = self.lanes.get_mut(lane) else {
            return;
        };
        let before = items.len();
        items.retain(keep);
        self.length -= before - items.len();
        if items.is_empty() {
            self.lanes.remove(lane);
            self.turns.retain(|turn| turn != lane);
        }
    }

    fn add(&mut self, lane: K, item: T) {
        let items = self.lanes.entry(lane.clone()).or_default();
        if items.is_empty() {
            self.turns.push_back(lane);
        }
        items.push_back(item);
        self.length += 1;
    }

    /// Removes the newest item of the longest lane, if a lane with `own` items stays the shorter one with one
    /// more.
    fn displace(&mut self, own: usize) -> Option<T> {
        let longest = self.lanes.iter().max_by_key(|(_, items)| items.len())?;
        if longest.1.len() <= own + 1 {
            return None;
        }
        let lane = longest.0.clone();
        // It had more than one: it keeps its turn.
        let displaced = self.lanes.get_mut(&lane)?.pop_back()?;
        self.length -= 1;
        Some(displaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(per_lane: usize, in_all: usize) -> FairQueue<char, u32> {
        FairQueue::new(QueueLimits { per_lane, in_all })
    }

    fn fill(queue: &mut FairQueue<char, u32>, lane: char, count: u32) {
        for number in 0..count {
            assert_eq!(queue.push(lane, number), Push::Queued);
        }
    }

    #[test]
    fn late_lane_has_the_next_turn() {
        let mut queue = queue(100, 100);
        fill(&mut queue, 'a', 50);
        assert_eq!(queue.pop(), Some(('a', 0)));
        fill(&mut queue, 'b', 2);
        let next: Vec<_> = std::iter::from_fn(|| queue.pop()).take(5).collect();
        assert_eq!(next, [('a', 1), ('b', 0), ('a', 2), ('b', 1), ('a', 3)]);
    }

    #[test]
    fn full_lane_refuses_its_own_items_only() {
        let mut queue = queue(2, 100);
        fill(&mut queue, 'a', 2);
        assert_eq!(queue.push('a', 9), Push::LaneFull(9));
        assert_eq!(queue.push('b', 9), Push::Queued);
        assert_eq!(queue.len(), 3);
    }

    #[test]
    fn full_queue_takes_place_of_longest_lane() {
        let mut queue = queue(100, 4);
        fill(&mut queue, 'a', 4);
        assert_eq!(queue.push('b', 0), Push::Displaced(3));
        assert_eq!(queue.push('b', 1), Push::Displaced(2));
        // Both have two: neither has more of a right to the place.
        assert_eq!(queue.push('b', 2), Push::Full(2));
        assert_eq!(queue.push('a', 2), Push::Full(2));
        assert!(matches!(queue.push('c', 0), Push::Displaced(1)));
        assert!(matches!(queue.push('d', 0), Push::Displaced(1)));
        assert_eq!(
            queue.push('e', 0),
            Push::Full(0),
            "every lane has one place"
        );
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn lane_that_may_not_go_keeps_its_turn() {
        let mut queue = queue(100, 100);
        fill(&mut queue, 'a', 2);
        fill(&mut queue, 'b', 1);
        assert_eq!(queue.pop_where(|lane| *lane == 'b'), Some(('b', 0)));
        assert_eq!(queue.pop_where(|lane| *lane == 'b'), None);
        assert_eq!(queue.pop(), Some(('a', 0)));
    }

    #[test]
    fn emptied_lane_is_forgotten() {
        let mut queue = queue(100, 100);
        fill(&mut queue, 'a', 3);
        queue.retain_in_lane(&'a', |number| *number == 1);
        assert_eq!((queue.len(), queue.lane_len(&'a')), (1, 1));
        queue.retain_in_lane(&'a', |_| false);
        queue.retain_in_lane(&'b', |_| false);
        assert!(queue.is_empty() && queue.lanes.is_empty() && queue.turns.is_empty());
    }
}
