//! Properties of the fair queue, under any sequence of calls.

use std::collections::HashMap;

use proptest::prelude::*;

use crate::{FairQueue, Push, QueueLimits};

#[derive(Debug, Clone)]
enum Call {
    Push(u8),
    Pop,
    PopOf(u8),
    Retain(u8),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        6 => (0..5_u8).prop_map(Call::Push),
        3 => Just(Call::Pop),
        1 => (0..5_u8).prop_map(Call::PopOf),
        1 => (0..5_u8).prop_map(Call::Retain),
    ];
    prop::collection::vec(call, 0..200)
}

/// The jobs that wait in each lane, oldest first, and how often a lane was passed over since it last had a turn.
#[derive(Default)]
struct Model {
    lanes: HashMap<u8, Vec<usize>>,
    passed_over: HashMap<u8, usize>,
}

impl Model {
    fn len(&self) -> usize {
        self.lanes.values().map(Vec::len).sum()
    }

    fn lane_len(&self, lane: u8) -> usize {
        self.lanes.get(&lane).map_or(0, Vec::len)
    }

    fn longest(&self) -> usize {
        self.lanes.values().map(Vec::len).max().unwrap_or(0)
    }

    fn pushed(&mut self, lane: u8, number: usize, outcome: &Push<usize>, limits: QueueLimits) {
        let (own, is_full) = (self.lane_len(lane), self.len() == limits.in_all);
        match outcome {
            Push::LaneFull(_) => assert_eq!(own, limits.per_lane),
            Push::Full(_) => assert!(is_full && self.longest() <= own + 1),
            Push::Queued | Push::Displaced(_) => {
                assert_eq!(is_full, matches!(outcome, Push::Displaced(_)));
                if let Push::Displaced(newest) = outcome {
                    let longest = self.longest();
                    let loser = self.lanes.values_mut().find(|it| it.last() == Some(newest));
                    let loser = loser.unwrap();
                    assert_eq!(loser.len(), longest, "only the longest lane loses");
                    loser.pop();
                }
                self.lanes.entry(lane).or_default().push(number);
            }
        }
    }

    fn popped(&mut self, lane: u8, number: usize, has_turns: bool) {
        let waiting = self.lanes.get_mut(&lane).unwrap();
        assert_eq!(waiting.remove(0), number, "a lane keeps its order");
        self.passed_over.insert(lane, 0);
        if !has_turns {
            return;
        }
        for (other, waiting) in &self.lanes {
            let passed = self.passed_over.entry(*other).or_default();
            *passed = if waiting.is_empty() || *other == lane {
                0
            } else {
                *passed + 1
            };
            assert!(
                *passed < 5,
                "each of the other lanes goes once at most before it"
            );
        }
    }
}

proptest! {
    #[test]
    fn queue_is_bounded_fair_and_in_order(
        calls in calls(),
        per_lane in 1..8_usize,
        in_all in 1..20_usize,
    ) {
        let limits = QueueLimits { per_lane, in_all };
        let mut queue = FairQueue::new(limits);
        let mut model = Model::default();
        for (number, call) in calls.into_iter().enumerate() {
            match call {
                Call::Push(lane) => {
                    let outcome = queue.push(lane, number);
                    model.pushed(lane, number, &outcome, limits);
                }
                Call::Pop => {
                    if let Some((lane, number)) = queue.pop() {
                        model.popped(lane, number, true);
                    } else {
                        prop_assert_eq!(model.len(), 0);
                    }
                }
                Call::PopOf(wanted) => {
                    if let Some((lane, number)) = queue.pop_where(|lane| *lane == wanted) {
                        model.popped(lane, number, false);
                    } else {
                        prop_assert_eq!(model.lane_len(wanted), 0);
                    }
                }
                Call::Retain(lane) => {
                    queue.retain_in_lane(&lane, |number| number % 2 == 0);
                    // A lane that was emptied begins behind the others.
                    model.passed_over.remove(&lane);
                    if let Some(waiting) = model.lanes.get_mut(&lane) {
                        waiting.retain(|number| number % 2 == 0);
                    }
                }
            }
            prop_assert_eq!(queue.len(), model.len());
            prop_assert!(queue.len() <= in_all);
            for lane in 0..5 {
                prop_assert_eq!(queue.lane_len(&lane), model.lane_len(lane));
                prop_assert!(queue.lane_len(&lane) <= per_lane);
            }
        }
        // Everything that waits comes out.
        while let Some((lane, number)) = queue.pop() {
            model.popped(lane, number, true);
        }
        prop_assert_eq!(model.len(), 0);
    }
}
