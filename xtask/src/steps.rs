//! Named steps that run in order until one fails.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// A step, with the remedy for its failure.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Workspace) -> Result<()>,
    pub(crate) remedy: &'static str,
}

/// Runs the steps and prints the seconds of each; stops at the first that fails.
///
/// # Errors
/// Names the failed step, its cause and its remedy.
pub(crate) fn run<'a>(
    workspace: &Workspace,
    steps: impl IntoIterator<Item = &'a Step>,
) -> Result<()> {
    for step in steps {
        timed(step.name, || (step.run)(workspace))
            .with_context(|| format!("step `{}` failed ({})", step.name, step.remedy))?;
    }
    Ok(())
}

/// Runs a part of a task and prints its seconds.
pub(crate) fn timed<T>(name: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let started = Instant::now();
    let result = run();
    let seconds = started.elapsed().as_secs_f32();
    let verdict = if result.is_ok() { "ok" } else { "FAILED" };
    println!("<== {name}: {verdict} in {seconds:.1} s");
    result
}
