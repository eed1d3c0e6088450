//! Checks of the OpenAPI document with tools of others: linters, and requests made from it. Their settings
//! and versions are in `tests/document/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::interpreters::{self, Node};
use crate::server::{self, Server};
use crate::steps;
use crate::workspace::{self, Workspace};

/// The documents to check: that of the native API alone, and that with every dialect.
const DIALECTS: [&str; 2] = ["none", "all"];

/// Runs the linters.
///
/// # Errors
/// At the first document with a finding.
pub(crate) fn lint(workspace: &Workspace) -> Result<()> {
    let node = Node::require(workspace)?;
    let program = server::build(workspace)?;
    for dialects in DIALECTS {
        let server = Server::start(&program, dialects)?;
        steps::timed(&format!("lint, dialects: {dialects}"), || {
            let mut command = node.command("bash")?;
            describe(&mut command, workspace, "lint");
            workspace::run(command.env("DOCUMENT", server.document()?))
        })?;
    }
    Ok(())
}

/// The number and the kinds of requests made from a document.
pub(crate) struct Requests {
    /// Random requests to each operation.
    pub(crate) examples: u32,
    /// The phases of schemathesis.
    pub(crate) phases: &'static str,
    /// The documents: those with these dialects.
    pub(crate) dialects: &'static [&'static str],
}

/// Every example, and every limit on both sides, each once. The document with all dialects has the native API, too.
pub(crate) const FEW: Requests = Requests {
    examples: 1,
    phases: "examples,coverage",
    dialects: &["all"],
};

/// The same, and many at random.
pub(crate) const MANY: Requests = Requests {
    examples: 100,
    phases: "examples,coverage,fuzzing",
    dialects: &DIALECTS,
};

/// Sends requests made from the documents and checks the responses.
///
/// # Errors
/// At the first document that the server contradicts.
pub(crate) fn try_requests(workspace: &Workspace, requests: &Requests) -> Result<()> {
    interpreters::require_python()?;
    let program = server::build(workspace)?;
    for dialects in requests.dialects {
        let server = Server::start(&program, dialects)?;
        steps::timed(&format!("requests, dialects: {dialects}"), || {
            let mut command = Command::new("bash");
            describe(&mut command, workspace, "requests");
            command
                .env("BASE", &server.url)
                .env("KEY", &server.key)
                .env("PHASES", requests.phases)
                .env("EXAMPLES", requests.examples.to_string());
            workspace::run(&mut command)
        })?;
    }
    Ok(())
}

/// Makes bash run a tool, in a folder that keeps its installation.
fn describe(bash: &mut Command, workspace: &Workspace, name: &str) {
    let source: PathBuf = workspace.root().join("tests/document").join(name);
    bash.arg(source.join("run"))
        .env(
            "WORK",
            workspace.target_directory().join("document").join(name),
        )
        .env("HERE", source);
}
