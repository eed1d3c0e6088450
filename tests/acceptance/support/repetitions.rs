//! The number of repetitions of a test that repeats something to hit a race.

/// Returns `count`, multiplied by `ATTACHE_TEST_ROUNDS` if it is set.
pub(crate) fn repetitions(count: u64) -> u64 {
    let factor = std::env::var("ATTACHE_TEST_ROUNDS").ok();
    let factor = factor.map_or(1, |factor| factor.parse().expect("a number of rounds"));
    count * factor
}
