//! The environment variables whose names begin with `ATTACHE_`: a misspelt one is refused.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use super::nearest::nearest;

const PREFIX: &str = "ATTACHE_";

/// The variables that Kubernetes adds to every container beside a service that is named `attache`.
const SERVICE_LINKS: [&str; 2] = ["ATTACHE_PORT", "ATTACHE_SERVICE_"];

/// Checks the variables of the process against those that `command` and its subcommands read. Returns
/// warnings about variables that nothing reads.
///
/// # Errors
///
/// Returns a message about a variable that is set and empty, or whose name is nearly that of a setting.
pub(super) fn check(
    command: &clap::Command,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<String>, String> {
    let mut known = BTreeSet::new();
    collect(command, &mut known);
    let mut warnings = Vec::new();
    for (name, value) in variables {
        // A name that is not text is nobody's misspelling.
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        if known.contains(name) {
            if value.is_empty() {
                return Err(format!(
                    "{name} is set and empty: give it a value, or unset it"
                ));
            }
        } else if !SERVICE_LINKS.iter().any(|link| name.starts_with(link)) {
            let unknown = format!("{name} is not a setting of attached");
            let endings = known.iter().filter_map(|known| known.strip_prefix(PREFIX));
            match nearest(&name[PREFIX.len()..], endings) {
                Some(like) => {
                    return Err(format!("{unknown}; did you mean {PREFIX}{like}?"));
                }
                None => warnings.push(unknown),
            }
        }
    }
    Ok(warnings)
}

fn collect(command: &clap::Command, known: &mut BTreeSet<String>) {
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    known.extend(variables.filter_map(OsStr::to_str).map(str::to_owned));
    for subcommand in command.get_subcommands() {
        collect(subcommand, known);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    fn checked(name: &str, value: &str) -> Result<Vec<String>, String> {
        check(&Cli::command(), [(name.into(), value.into())])
    }

    #[test]
    fn misspelt_variable_is_refused_with_the_right_name() {
        for (name, right) in [
            ("ATTACHE_LISTN", "ATTACHE_LISTEN"),
            ("ATTACHE_DATABASE_URI", "ATTACHE_DATABASE_URL"),
            ("ATTACHE_DATADIR", "ATTACHE_DATA_DIR"),
            ("ATTACHE_LOG_LEVEL", "ATTACHE_LOG"),
            ("ATTACHE_SIGNING_KEY", "ATTACHE_SIGNING_KEYS"),
            ("ATTACHE_TO_DATABASE", "ATTACHE_TO_DATABASE_URL"),
            ("ATTACHE_listen", "ATTACHE_LISTEN"),
        ] {
            let refused = checked(name, "canary").unwrap_err();
            assert!(refused.contains(right), "{refused}");
            assert!(!refused.contains("canary"), "{refused}");
        }
    }

    #[test]
    fn empty_variable_is_refused_by_name() {
        let refused = checked("ATTACHE_LISTEN", "").unwrap_err();
        assert!(
            refused.starts_with("ATTACHE_LISTEN is set and empty"),
            "{refused}"
        );
    }

    #[test]
    fn other_variables_are_let_through() {
        for name in [
            "ATTACHE_LISTEN",
            "ATTACHE_TO_STORAGE_URL",
            "ATTACHE_PORT",
            "ATTACHE_PORT_8080_TCP_ADDR",
            "ATTACHE_SERVICE_HOST",
            "LISTEN",
        ] {
            assert_eq!(checked(name, "x"), Ok(Vec::new()), "{name}");
        }
        let warned = checked("ATTACHE_XYZZY", "canary").unwrap();
        assert_eq!(warned, ["ATTACHE_XYZZY is not a setting of attached"]);
    }
}
