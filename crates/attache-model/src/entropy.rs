//! Randomness, as a parameter, so that tests are reproducible.

use std::fmt;

/// A source of random bytes for ids and secrets.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills the whole slice with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source, for use outside tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    ///
    /// Panics if the operating system has no random source: there is no safe alternative.
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the system's randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has a random source");
    }
}
