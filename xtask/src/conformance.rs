//! `cargo xtask conformance`: the public suites, run on the user's own servers.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The servers to try.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Options {
    /// A bucket, `s3://bucket/folder?endpoint=…`; credentials come from `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`
    #[arg(long, value_name = "URL", value_parser = s3_url)]
    s3: Option<String>,
    /// A database, `postgres://user:password@host/database`, whose role may make databases; the suite
    /// works beside it, in databases of its own
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    postgres: Option<String>,
}

/// Runs the suites asked for, all of them whatever becomes of the first.
///
/// # Errors
/// Names the servers that did not pass.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut verdicts = Vec::new();
    if let Some(url) = &options.s3 {
        let mut command = workspace.cargo(["run", "--quiet", "--package", "attache-storage-s3"]);
        command.args(["--example", "conformance", "--", url]);
        verdicts.push(("s3", has_passed("s3", command)?));
    }
    if let Some(url) = &options.postgres {
        let mut command = workspace.cargo(["run", "--quiet", "--package", "attache-metadata-sql"]);
        command
            .args(["--features", "postgres"])
            .args(["--example", "postgres_conformance"])
            // Not as an argument, which everybody on the machine can read.
            .env("ATTACHE_DATABASE_URL", url);
        verdicts.push(("postgres", has_passed("postgres", command)?));
    }
    for (name, has_passed) in &verdicts {
        println!("{name}: {}", if *has_passed { "ok" } else { "FAIL" });
    }
    let failed = verdicts.iter().filter(|(_, has_passed)| !has_passed);
    let failed: Vec<_> = failed.map(|(name, _)| *name).collect();
    if !failed.is_empty() {
        bail!("the suite did not pass on {}", failed.join(" and "));
    }
    Ok(())
}

fn has_passed(name: &str, mut command: Command) -> Result<bool> {
    println!("==> {name}");
    let status = command.status().context("cannot start cargo")?;
    Ok(status.success())
}

fn s3_url(text: &str) -> Result<String, String> {
    url(text, &["s3://"])
}

fn postgres_url(text: &str) -> Result<String, String> {
    url(text, &["postgres://", "postgresql://"])
}

/// Refuses the address of another kind of server before anything is built.
fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    if schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text.to_owned());
    }
    Err(format!("an address that begins with {}", schemes[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(arguments: &[&str]) -> Option<Options> {
        let program = std::iter::once(&"conformance");
        let line = Line::try_parse_from(program.chain(arguments));
        line.ok().map(|line| line.options)
    }

    #[test]
    fn one_server_at_least_is_asked_for() {
        assert!(parse(&[]).is_none());
        let both = parse(&["--s3", "s3://a", "--postgres", "postgresql://b/c"]);
        let both = both.expect("both servers");
        assert!(both.s3.is_some() && both.postgres.is_some());
        assert!(parse(&["--s3", "s3://a"]).is_some_and(|it| it.postgres.is_none()));
    }

    #[test]
    fn servers_of_another_kind_are_refused() {
        assert!(parse(&["--s3", "https://a"]).is_none());
        assert!(parse(&["--postgres", "mysql://a/b"]).is_none());
    }
}
