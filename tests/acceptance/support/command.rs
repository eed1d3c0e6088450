//! Runs commands that have to come to their end.

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long a command may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a command to its end, which has to come.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = piped.stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = Pid::from_child(&child);
    let (ended, output) = mpsc::channel();
    // The receiver is gone where the command was given up.
    thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(PATIENCE) else {
        // It was still running just now; where it has ended since, nothing is to be killed.
        let _ = kill_process(pid, Signal::KILL);
        panic!("{command:?} did not end in {PATIENCE:?}");
    };
    output.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command that has to succeed; answers its stdout without the line's end.
#[track_caller]
pub(super) fn run_well(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    told.trim_end().to_owned()
}
