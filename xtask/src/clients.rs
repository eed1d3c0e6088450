//! `cargo xtask clients`: clients that generators make of the OpenAPI document, each with a story that it
//! tells a real server. The stories are in `tests/clients/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::interpreters::{self, Node};
use crate::server::{self, Server};
use crate::steps;
use crate::workspace::{self, Workspace};

/// The clients that the gate makes: the quickest one for each language that has no compiler here.
pub(crate) const IN_THE_GATE: [&str; 2] = ["openapi-python-client", "openapi-fetch"];

/// The clients to make.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Folders of `tests/clients/`; all of them if none is named
    names: Vec<String>,
}

/// Makes the named clients, or all.
///
/// # Errors
/// Names the clients that were not made or whose story failed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let names = if options.names.is_empty() {
        all(workspace)?
    } else {
        options.names.clone()
    };
    run_named(workspace, names.iter().map(String::as_str))
}

/// Makes these clients, all of them whatever becomes of the first.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_named<'a>(
    workspace: &Workspace,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    interpreters::require_python()?;
    let node = Node::require(workspace)?;
    let program = server::build(workspace)?;
    let mut failed = Vec::new();
    for name in names {
        if let Err(error) = steps::timed(name, || tell(workspace, &node, &program, name)) {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("not every client works: {}", failed.join(", "));
    }
    Ok(())
}

fn all(workspace: &Workspace) -> Result<Vec<String>> {
    let folders = fs::read_dir(sources(workspace)).context("no folder of clients")?;
    let mut names = Vec::new();
    for folder in folders {
        let folder = folder?;
        if folder.file_type()?.is_dir() {
            names.push(folder.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn sources(workspace: &Workspace) -> std::path::PathBuf {
    workspace.root().join("tests/clients")
}

/// Makes one client and runs its story, on a server of its own.
fn tell(workspace: &Workspace, node: &Node, program: &Path, name: &str) -> Result<()> {
    let source = sources(workspace).join(name);
    let script = source.join("run");
    ensure!(script.is_file(), "tests/clients/{name} has no `run`");
    // Kept for inspection, and made again by the next run.
    let made = workspace.target_directory().join("clients").join(name);
    if made.exists() {
        fs::remove_dir_all(&made)?;
    }
    fs::create_dir_all(&made)?;
    // The native API alone: nobody needs a client of a dialect, which has clients already.
    let server = Server::start(program, "none")?;
    let mut story = node.command("bash")?;
    story
        .arg(script)
        .current_dir(made)
        .env("HERE", source)
        .env("DOCUMENT", server.document()?)
        .env("BASE", &server.url)
        .env("KEY", &server.key);
    workspace::run(&mut story)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_the_gate_exist() {
        let workspace = Workspace::load().expect("the workspace");
        let all = all(&workspace).expect("folders");
        for name in IN_THE_GATE {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
        for name in all {
            assert!(
                sources(&workspace).join(&name).join("run").is_file(),
                "{name}"
            );
        }
    }
}
