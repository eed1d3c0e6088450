//! The workspace that the tasks work on: its folders, its members, and cargo run inside it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// The output of `cargo metadata --no-deps` for this workspace.
pub(crate) struct Workspace {
    metadata: Metadata,
}

/// A package of the workspace with the dependencies its manifest declares.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One declared dependency, by the name of the package (not by what it was renamed to).
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// True if only tests, benches and examples use it, so that it reaches no user.
    pub(crate) is_dev: bool,
}

impl Workspace {
    /// Reads the manifests of the workspace around the current directory.
    pub(crate) fn load() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .no_deps()
            .exec()
            .context("cargo metadata did not succeed")?;
        Ok(Self { metadata })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// The directory that cargo builds in; follows `CARGO_TARGET_DIR`.
    pub(crate) fn target_directory(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The path of a program that `cargo build` has built.
    pub(crate) fn built(&self, name: &str) -> PathBuf {
        self.target_directory().join("debug").join(name)
    }

    pub(crate) fn members(&self) -> Vec<Member> {
        let packages = self.metadata.workspace_packages();
        packages
            .into_iter()
            .map(|package| Member {
                name: package.name.to_string(),
                dependencies: package
                    .dependencies
                    .iter()
                    .map(|dependency| Dependency {
                        name: dependency.name.clone(),
                        is_dev: dependency.kind == DependencyKind::Development,
                    })
                    .collect(),
            })
            .collect()
    }

    /// Returns the name of each member with the number of its integration test binaries.
    pub(crate) fn test_binaries(&self) -> impl Iterator<Item = (&str, usize)> {
        let packages = self.metadata.workspace_packages();
        packages.into_iter().map(|package| {
            let tests = package.targets.iter().filter(|target| target.is_test());
            (package.name.as_str(), tests.count())
        })
    }

    /// Returns the root files of the members' libraries and binaries, such as `src/lib.rs`.
    pub(crate) fn crate_roots(&self) -> Vec<PathBuf> {
        let packages = self.metadata.workspace_packages();
        let targets = packages.iter().flat_map(|package| &package.targets);
        targets
            .filter(|target| target.is_lib() || target.is_bin())
            .map(|target| target.src_path.clone().into_std_path_buf())
            .collect()
    }

    /// The cargo that started this task, in the root folder.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(self.root()).args(arguments);
        // The variables of this task's own package: a build script that reads them, such as that of `ring`, would
        // see them change between this cargo and one started by hand, and be run and compiled again each time.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }
}

/// Runs a command with its output shown, and fails when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output; its standard error is shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    command.stderr(Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed with {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not print UTF-8", shown(command)))
}

/// The command as one would type it, without folders and environment.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(std::ffi::OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_command_is_named_as_typed() {
        let error = run(Command::new("/bin/false").args(["-a", "b"])).expect_err("a failure");
        assert_eq!(error.to_string(), "`false -a b` failed with exit status: 1");
    }

    #[test]
    fn output_returns_standard_output() {
        assert_eq!(
            output(Command::new("echo").arg("hello")).expect("a success"),
            "hello\n"
        );
        assert!(output(&mut Command::new("/bin/false")).is_err());
    }
}
