//! Checks of the OpenAPI document with tools of others: linters, and requests made from it. Their settings
//! and versions are in `tests/document/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

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
    let program = server::build(workspace)?;
    for dialects in DIALECTS {
        let server = Server::start(&program, dialects)?;
        steps::timed(&format!("lint, dialects: {dialects}"), || {
            workspace::run(tool(workspace, "lint").env("DOCUMENT", server.document()?))
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
}

/// Many, with every limit tried on both sides.
pub(crate) const MANY: Requests = Requests {
    examples: 100,
    phases: "examples,coverage,fuzzing",
};

/// Sends requests made from the documents and checks the responses.
///
/// # Errors
/// At the first document that the server contradicts.
pub(crate) fn try_requests(workspace: &Workspace, requests: &Requests) -> Result<()> {
    let program = server::build(workspace)?;
    for dialects in DIALECTS {
        let server = Server::start(&program, dialects)?;
        steps::timed(&format!("requests, dialects: {dialects}"), || {
            let mut command = tool(workspace, "requests");
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

/// Returns the command of a tool, in a folder that keeps its installation.
fn tool(workspace: &Workspace, name: &str) -> Command {
    let source: PathBuf = workspace.root().join("tests/document").join(name);
    let mut command = Command::new("bash");
    command
        .arg(source.join("run"))
        .env(
            "WORK",
            workspace.target_directory().join("document").join(name),
        )
        .env("HERE", source);
    command
}
