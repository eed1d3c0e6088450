//! The command line and its environment twins: what can be said, and what it means.

mod data;
mod destination;
mod serve;
mod values;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub(crate) use self::data::DataArgs;
pub(crate) use self::destination::DestinationArgs;
pub(crate) use self::serve::{ServeArgs, local_url};
use self::values::{parse_key_id, parse_key_name, parse_lifetime, parse_scopes, parse_slug};
use attache::{Scopes, TenantSlug};
use std::ffi::OsString;
use std::time::Duration;

/// Keeps files that belong to people and to records, and serves them over HTTP.
///
/// Without a command it serves. With nothing configured it keeps everything in ./attache-data and
/// listens on 127.0.0.1:8080; the first start prints an API key.
#[derive(Debug, Parser)]
#[command(name = "attached", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// What `serve` takes, where no command is named.
    #[command(flatten)]
    serve: ServeArgs,
    /// Where the data is.
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How to log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve HTTP until told to end. The default
    Serve(Box<ServeArgs>),
    /// Make tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make the database, or bring it to this program's schema
    Migrate,
    /// Carry everything from SQLite over to Postgres and another store. The flags that name the data
    /// name the source, which no server may use meanwhile. Run again, it goes on where it ended
    MigrateData(Box<DestinationArgs>),
    /// Check the configuration and whether database and storage can be used
    Check,
}

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant
    Create {
        /// Its name in URLs: a letter or digit, then up to 63 more of those, `.`, `_` or `-`
        #[arg(value_parser = parse_slug)]
        slug: TenantSlug,
    },
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print its secret, alone and only this once, on standard output
    Create(KeyCreateArgs),
    /// List keys: never their secrets
    List {
        /// Only the keys of this tenant
        #[arg(long, value_name = "SLUG", value_parser = parse_slug)]
        tenant: Option<TenantSlug>,
    },
    /// Revoke a key, for good and at once
    Revoke {
        /// Its id, as `key list` shows it
        #[arg(value_name = "KEYID", value_parser = parse_key_id)]
        key_id: KeyIdArg,
    },
}

/// The id of a key, taken out of the whole key where somebody pasted that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyIdArg(pub(crate) String);

/// A key to make.
#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    /// The tenant it acts for
    #[arg(long, value_name = "SLUG", value_parser = parse_slug)]
    pub(crate) tenant: TenantSlug,
    /// What people call it
    #[arg(long, value_parser = parse_key_name)]
    pub(crate) name: Option<String>,
    /// What it may do: a comma list of files:read, content:read, files:write, files:claim,
    /// files:delete, links:create [default: all]
    #[arg(long, value_name = "SCOPES", value_parser = parse_scopes)]
    pub(crate) scopes: Option<Scopes>,
    /// How long it lives, such as 90d or 12h [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = parse_lifetime)]
    pub(crate) expires_in: Option<Duration>,
}

/// How to log, to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LogArgs {
    /// The form of log lines
    #[arg(
        long,
        env = "ATTACHE_LOG_FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub(crate) log_format: LogFormat,
    /// What to log: error, warn, info, debug or trace, also by part, such as `info,attached=debug`
    #[arg(
        long = "log",
        env = "ATTACHE_LOG",
        default_value = "info",
        global = true
    )]
    pub(crate) log_filter: String,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Cli {
    /// Reads the command line, or ends the process with a message.
    pub(crate) fn from_process() -> Self {
        Self::try_from_args(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    fn try_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(args)?;
        if let Some((name, _)) = matches.subcommand() {
            refuse_misplaced(&mut command, &matches, name)?;
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// What to do.
    pub(crate) fn into_command(self) -> (Command, DataArgs) {
        let serve = || Command::Serve(Box::new(self.serve));
        (self.command.unwrap_or_else(serve), self.data)
    }

    /// Ends the process with a message about a value that was given.
    pub(crate) fn refuse(problem: impl std::fmt::Display) -> ! {
        Self::command()
            .error(ErrorKind::ValueValidation, problem)
            .exit()
    }
}

/// Refuses flags of `serve` before a command, where they would be lost without a word.
fn refuse_misplaced(
    command: &mut clap::Command,
    matches: &clap::ArgMatches,
    subcommand: &str,
) -> Result<(), clap::Error> {
    let flags = ServeArgs::augment_args(clap::Command::new("serve"));
    for flag in flags.get_arguments() {
        let id = flag.get_id().as_str();
        if matches.value_source(id) == Some(ValueSource::CommandLine) {
            let long = flag.get_long().unwrap_or(id);
            let problem = if subcommand == "serve" {
                format!("--{long} is written after `serve`")
            } else {
                format!("--{long} belongs to `serve`, not to `{subcommand}`")
            };
            return Err(command.error(ErrorKind::ArgumentConflict, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        let args = std::iter::once(&"attached").chain(args).map(OsString::from);
        Cli::try_from_args(args)
    }

    fn refusal(args: &[&str]) -> String {
        parse(args).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default_and_takes_the_same_flags() {
        for args in [
            &["--listen", "127.0.0.1:0", "--data-dir", "d"][..],
            &["serve", "--listen", "127.0.0.1:0", "--data-dir", "d"],
            &["--data-dir", "d", "serve", "--listen", "127.0.0.1:0"],
        ] {
            let (command, data) = parse(args).unwrap().into_command();
            let Command::Serve(serve) = command else {
                panic!("{command:?}")
            };
            assert_eq!(serve.listen.port(), 0);
            assert_eq!(data.data_dir.to_str(), Some("d"));
        }
    }

    #[test]
    fn flags_of_serve_are_never_lost() {
        let refused = refusal(&["--listen", "127.0.0.1:0", "serve"]);
        assert!(refused.contains("after `serve`"), "{refused}");
        let refused = refusal(&["--cors-origins", "https://a", "tenant", "create", "a"]);
        assert!(
            refused.contains("--cors-origins belongs to `serve`"),
            "{refused}"
        );
        assert!(parse(&["tenant", "create", "a", "--listen", "127.0.0.1:0"]).is_err());
    }

    #[test]
    fn every_command_takes_the_flags_that_name_the_data() {
        for args in [
            &["tenant", "create", "a"][..],
            &["key", "create", "--tenant", "a"],
            &["key", "list"],
            &["key", "revoke", "0123456789ab"],
            &["migrate"],
            &[
                "migrate-data",
                "--to-database-url",
                "postgres://h/d",
                "--to-storage-url",
                "file:x",
            ],
            &["check"],
        ] {
            let after: Vec<_> = args.iter().chain(&["--data-dir", "d"]).copied().collect();
            let before: Vec<_> = ["--data-dir", "d"].iter().chain(args).copied().collect();
            for args in [after, before] {
                let cli = parse(&args).unwrap();
                assert_eq!(cli.data.data_dir.to_str(), Some("d"), "{args:?}");
            }
        }
    }

    #[test]
    fn keys_are_described_and_checked() {
        let args =
            "key create --tenant a --name ci --scopes files:read,links:create --expires-in 90d";
        let cli = parse(&args.split(' ').collect::<Vec<_>>()).unwrap();
        let (Command::Key(KeyCommand::Create(key)), _) = cli.into_command() else {
            panic!()
        };
        assert_eq!(key.expires_in.unwrap().as_secs(), 90 * 86_400);
        assert_eq!(key.scopes.unwrap().to_string(), "files:read,links:create");
        for (flag, value, hint) in [
            ("--scopes", "files:raed", "files:read"),
            ("--scopes", "", "at least one"),
            ("--expires-in", "soon", "90d"),
            ("--expires-in", "0s", "longer"),
            ("--name", "", "empty"),
            ("--tenant", "a/b", "A-Z"),
        ] {
            let mut args = vec!["key", "create"];
            if flag != "--tenant" {
                args.extend(["--tenant", "a"]);
            }
            args.extend([flag, value]);
            let refused = refusal(&args);
            assert!(refused.contains(hint), "{refused}");
        }
    }
}
