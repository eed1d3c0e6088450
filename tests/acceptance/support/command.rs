//! Commands with a time limit.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The time limit of a command, long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Runs a command to its end; fails if it takes too long.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = piped.stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = Pid::from_child(&child);
    let (sender, output) = mpsc::channel();
    // Nobody receives after the time limit.
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(TIMEOUT) else {
        // Fails only if the command has just ended.
        let _ = kill_process(pid, Signal::KILL);
        panic!("{command:?} did not end within {TIMEOUT:?}");
    };
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command that has to succeed; returns its stdout without the final line end.
#[track_caller]
pub(super) fn run_ok(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout.trim_end().to_owned()
}
