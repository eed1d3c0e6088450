//! Where randomness comes from: a parameter, so that tests repeat.

use std::fmt;

/// A source of random bytes for ids and secrets.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills the whole slice with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source; the one to use outside tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    ///
    /// When the operating system has no random source, which leaves nothing safe to do.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's random source answers");
    }
}
