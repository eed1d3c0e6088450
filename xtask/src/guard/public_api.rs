//! The public API of the crates below `attache-http` names no SQL, SDK or HTTP type.
//!
//! rustdoc writes the API as JSON. That format is unstable, so the walk relies on little: every
//! mention of a type or trait is an object with a `path` and an `id`, wherever it stands.

mod document;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::guard::confinement::matches;
use crate::guard::layers::LAYERS;
use crate::test;
use crate::workspace::{self, Workspace};
use document::{Document, Mention};

/// Crates as rustdoc names them, with `_`.
const FORBIDDEN: &[&str] = &[
    "aws_*",
    "axum*",
    "headers",
    "http",
    "http_body*",
    "hyper*",
    "libsqlite3*",
    "rusqlite",
    "sqlx*",
    "tower*",
];

/// Returns the mentions of forbidden crates in the public API of every core crate.
pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let members = workspace.members();
    let crates: Vec<_> = LAYERS
        .iter()
        .filter(|layer| layer.is_core && members.iter().any(|member| member.name == layer.name))
        .map(|layer| layer.name)
        .collect();
    write_documents(workspace, &crates)?;

    let mut found = Vec::new();
    let mut mentions_seen = 0;
    for name in crates {
        let path = document_path(workspace, name);
        let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let json = serde_json::from_slice(&json)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        let mentions = Document::new(&json)?.mentions();
        mentions_seen += mentions.len();
        found.extend(violations(name, &mentions));
    }
    if mentions_seen == 0 {
        bail!("no path was found in rustdoc's JSON: its format has changed, adapt the guard");
    }
    Ok(found)
}

fn violations(name: &str, mentions: &[Mention]) -> Vec<String> {
    let forbidden = |mention: &&Mention| {
        FORBIDDEN
            .iter()
            .any(|pattern| matches(pattern, &mention.crate_name))
    };
    mentions
        .iter()
        .filter(forbidden)
        .map(|mention| {
            let Mention {
                place,
                path,
                crate_name,
            } = mention;
            format!("{name}: {place} names `{path}` of crate {crate_name}")
        })
        .collect()
}

/// Has rustdoc describe the libraries, with what `#[doc(hidden)]` hides.
///
/// The selection of packages and features is that of the other steps of the gate, so that nothing
/// is compiled for this alone. For the same reason the variable that allows rustdoc its unstable
/// output is set in a wrapper: build scripts of dependencies would run again for it.
fn write_documents(workspace: &Workspace, crates: &[&str]) -> Result<()> {
    for name in crates {
        // Never judge what an earlier run wrote.
        let path = document_path(workspace, name);
        if path.exists() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    let mut command = workspace.cargo(["doc", "--quiet", "--workspace", "--no-deps", "--lib"]);
    command
        .args(test::ALL_BACKENDS)
        .env("RUSTDOC", write_wrapper(workspace)?)
        .env(
            "RUSTDOCFLAGS",
            "-Z unstable-options --output-format json --document-hidden-items",
        );
    workspace::run(&mut command).context("rustdoc cannot describe the libraries")
}

/// Writes a program that runs rustdoc with its unstable options allowed.
fn write_wrapper(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target_directory().join("guard");
    fs::create_dir_all(&folder)?;
    let wrapper = folder.join("rustdoc");
    let rustdoc = std::env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    let script = format!("#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec {rustdoc} \"$@\"\n");
    fs::write(&wrapper, script)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}

fn document_path(workspace: &Workspace, name: &str) -> PathBuf {
    let name = name.replace('-', "_");
    let folder = workspace.target_directory().join("doc");
    folder.join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(crate_name: &str) -> Option<String> {
        let mention = Mention {
            place: "function `open` (src/lib.rs:7)".to_owned(),
            path: "Pool".to_owned(),
            crate_name: crate_name.to_owned(),
        };
        violations("attache-metadata-sql", &[mention]).pop()
    }

    #[test]
    fn drivers_sdks_and_http_are_forbidden() {
        assert_eq!(
            violation("sqlx_core").as_deref(),
            Some(
                "attache-metadata-sql: function `open` (src/lib.rs:7) names `Pool` of crate sqlx_core"
            )
        );
        for name in [
            "http",
            "hyper",
            "http_body_util",
            "aws_sdk_s3",
            "tower_http",
            "axum_core",
        ] {
            assert!(violation(name).is_some(), "{name}");
        }
    }

    #[test]
    fn standard_library_and_plain_data_are_free() {
        for name in [
            "core",
            "std",
            "bytes",
            "futures_core",
            "attache_http",
            "httparse",
        ] {
            assert_eq!(violation(name), None, "{name}");
        }
    }
}
