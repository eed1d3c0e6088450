//! The address of a database, which is a secret.

use std::str::FromStr as _;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::open_error::OpenError;

/// The parameters that may stand behind the `?` of an address. The driver would log an unknown one,
/// value and all.
const PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

fn is_known(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    name.is_empty() || name.starts_with("options[") || PARAMETERS.contains(&name)
}

/// Parses an address.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions, OpenError> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let is_known_form = is_postgres && parameters.split('&').all(is_known);
    let options = is_known_form.then(|| PgConnectOptions::from_str(url).ok());
    let options = options.flatten();
    let options = options.ok_or(OpenError::Address)?;
    let named = options.get_application_name().is_some();
    let options = if named {
        options
    } else {
        options.application_name("attache")
    };
    Ok(options.disable_statement_logging())
}
