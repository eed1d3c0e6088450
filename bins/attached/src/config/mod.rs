//! The command line and its environment variables.

mod data;
mod environment;
mod listen;
mod locations;
mod log_filter;
mod nearest;
mod serve;
mod target;
mod values;

use std::ffi::OsString;
use std::time::Duration;

use attache::{Scopes, TenantSlug};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub(crate) use self::data::DataArgs;
pub(crate) use self::log_filter::LogFilterSource;
pub(crate) use self::serve::{ServeArgs, local_url};
pub(crate) use self::target::TargetArgs;
use self::values::{KeyIdArg, parse_key_id, parse_key_name, parse_lifetime, parse_scopes};

/// Keeps files that belong to people and records, and serves them over HTTP.
///
/// Without a command it serves. Without configuration it keeps everything in ./attache-data and
/// listens on 127.0.0.1:8080; the first start prints an API key.
#[derive(Debug, Parser)]
#[command(name = "attached", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// The flags of `serve`, which is the default command.
    #[command(flatten)]
    serve: ServeArgs,
    /// The location of the data.
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The logging flags.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Warnings about variables that nothing reads, for the log.
    #[arg(skip)]
    pub(crate) warnings: Vec<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve HTTP until stopped (the default command)
    Serve(Box<ServeArgs>),
    /// Create and list tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Create the database, or upgrade it to this version's schema
    Migrate,
    /// Accept the database and the store after one of them was restored from a backup.
    ///
    /// No server may be running. No bytes are deleted for what the copy of the database knew of uploads
    /// and deletions that were under way.
    Restore {
        /// Also accept a store that belongs to another installation, or to none: it becomes this
        /// database's
        #[arg(long)]
        adopt_store: bool,
    },
    /// Copy all data to PostgreSQL and another store. Re-running resumes.
    ///
    /// The flags under "Data" name the source, an installation on SQLite. No server may use it
    /// meanwhile, and it is not changed. Run `attached migrate` on the target first.
    MigrateData(Box<TargetArgs>),
    /// Check the configuration, the signing keys, the database and the storage
    Check,
    /// Verify that the stored bytes of every record are there and right
    ///
    /// Works beside a running server, and deletes nothing. Exits with 0 if all is right, with 3 if the
    /// bytes of a file are missing or wrong, with 4 if the store only has blobs that nothing knows, and
    /// with 1 if the verification could not be completed.
    Verify(VerifyArgs),
}

/// The verification to run.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Read every byte and compare digests; otherwise presence and size are compared
    #[arg(long)]
    pub(crate) deep: bool,
    /// Verify only this tenant
    #[arg(long, value_name = "SLUG", value_parser = TenantSlug::parse)]
    pub(crate) tenant: Option<TenantSlug>,
    /// Mark the blobs that are missing or wrong, so that the next upload of the same bytes repairs them,
    /// and remove the marks of those that are right again
    #[arg(long)]
    pub(crate) mark: bool,
    /// Print one JSON object a line: each finding, and a summary as the last one
    #[arg(long)]
    pub(crate) json: bool,
}

/// The commands for tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Create a tenant
    Create {
        /// The tenant's name: a letter or digit, then up to 63 letters, digits, `.`, `_` or `-`
        #[arg(value_parser = TenantSlug::parse)]
        slug: TenantSlug,
    },
    /// List all tenants
    List(ListArgs),
}

/// The form of a list.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ListArgs {
    /// Print one JSON document, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// The commands for API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create a key and print it to standard output. It cannot be shown again
    Create(KeyCreateArgs),
    /// List keys, without their secrets, and tenants without keys
    List {
        /// List only this tenant's keys
        #[arg(long, value_name = "SLUG", value_parser = TenantSlug::parse)]
        tenant: Option<TenantSlug>,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Revoke a key immediately and permanently
    Revoke {
        /// The id that `key list` shows, or the whole key
        #[arg(value_name = "KEYID", value_parser = parse_key_id)]
        key_id: KeyIdArg,
    },
}

/// The key to create.
#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    /// The tenant that the key gives access to
    #[arg(long, value_name = "SLUG", value_parser = TenantSlug::parse)]
    pub(crate) tenant: TenantSlug,
    /// A name to recognise the key by
    #[arg(long, value_parser = parse_key_name)]
    pub(crate) name: Option<String>,
    /// The permissions of the key, a comma-separated list of files:read, content:read, files:write,
    /// files:claim, files:delete, links:create [default: all of them]
    #[arg(long, value_name = "SCOPES", value_parser = parse_scopes)]
    pub(crate) scopes: Option<Scopes>,
    /// The lifetime of the key, such as 90d or 12h [default: unlimited]
    #[arg(long, value_name = "DURATION", value_parser = parse_lifetime)]
    pub(crate) expires_in: Option<Duration>,
}

/// The logging flags. Logs go to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LogArgs {
    /// The format of log lines on standard error
    #[arg(
        long,
        env = "ATTACHE_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub(crate) log_format: LogFormat,
    /// The log level: error, warn, info, debug, trace or off, also per module, such as
    /// `info,attached=debug`; or `@` and a file that holds them, which SIGHUP makes `serve` read again
    #[arg(
        long = "log",
        env = "ATTACHE_LOG",
        value_name = "FILTER",
        default_value = "info",
        value_parser = LogFilterSource::parse,
        global = true
    )]
    pub(crate) log_filter: LogFilterSource,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// Human-readable lines.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Cli {
    /// Parses the command line, or exits with a message.
    pub(crate) fn from_process() -> Self {
        let warnings = environment::check(&Self::command(), std::env::vars_os());
        let warnings = warnings.unwrap_or_else(|problem| Self::refuse(problem));
        let parsed = Self::try_from_args(std::env::args_os());
        Self {
            warnings,
            ..parsed.unwrap_or_else(|error| error.exit())
        }
    }

    fn try_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(args)?;
        if let Some((name, _)) = matches.subcommand() {
            refuse_misplaced(&mut command, &matches, name)?;
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// Returns the command and the location of the data.
    pub(crate) fn into_command(self) -> (Command, DataArgs) {
        let serve = || Command::Serve(Box::new(self.serve));
        (self.command.unwrap_or_else(serve), self.data)
    }

    /// Exits with a message about an invalid value.
    pub(crate) fn refuse(problem: impl std::fmt::Display) -> ! {
        Self::command()
            .error(ErrorKind::ValueValidation, problem)
            .exit()
    }
}

/// Refuses flags of `serve` before a command, where they would be ignored silently.
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
                format!("--{long} must come after `serve`")
            } else {
                format!("--{long} is a flag of `serve`, not of `{subcommand}`")
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
    fn command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn default_command_is_serve_with_the_same_flags() {
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
    fn misplaced_serve_flags_are_refused() {
        let refused = refusal(&["--listen", "127.0.0.1:0", "serve"]);
        assert!(refused.contains("after `serve`"), "{refused}");
        let refused = refusal(&["--cors-origins", "https://a", "tenant", "create", "a"]);
        assert!(
            refused.contains("--cors-origins is a flag of `serve`"),
            "{refused}"
        );
        assert!(parse(&["tenant", "create", "a", "--listen", "127.0.0.1:0"]).is_err());
    }

    #[test]
    fn all_commands_accept_the_data_flags() {
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
            &["verify", "--deep"],
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
    fn key_create_validates_its_flags() {
        let args =
            "key create --tenant a --name ci --scopes files:read,links:create --expires-in 90d";
        let cli = parse(&args.split(' ').collect::<Vec<_>>()).unwrap();
        let (Command::Key(KeyCommand::Create(key)), _) = cli.into_command() else {
            panic!()
        };
        assert_eq!(key.expires_in.unwrap().as_secs(), 90 * 86_400);
        assert_eq!(key.scopes.unwrap().to_string(), "files:read,links:create");
        for (flag, value, hint) in [
            ("--scopes", "files:raed", "did you mean `files:read`?"),
            (
                "--scopes",
                "files:write,link:create",
                "did you mean `links:create`?",
            ),
            ("--scopes", "everything", "omit the flag for all"),
            ("--scopes", "", "at least one"),
            ("--expires-in", "soon", "90d"),
            ("--expires-in", "0s", "at least"),
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
