//! The URLs of databases and stores.

use std::path::PathBuf;

use attache::s3::{S3Credentials, S3Options, S3OptionsError};
use attache::sql::PostgresOptions;
use attache::{DatabaseLocation, StorageLocation};

/// Parses the URL of a database.
pub(super) fn parse_database_url(url: &str) -> Result<DatabaseLocation, String> {
    if is_scheme(url, "postgres") || is_scheme(url, "postgresql") {
        let options = PostgresOptions::parse(url).map_err(|error| error.to_string())?;
        return Ok(DatabaseLocation::Postgres(options));
    }
    let alternative = "or postgres://USER:PASSWORD@HOST/DATABASE";
    match local_path(url, "sqlite", alternative)? {
        path if path.as_os_str() == ":memory:" => {
            Err("a database in memory would lose all files when the server stops".to_owned())
        }
        path => Ok(DatabaseLocation::Sqlite(path)),
    }
}

/// Parses the URL of a store, and finds its credentials in the environment.
pub(super) fn parse_storage_url(
    url: &str,
    environment: impl Fn(&'static str) -> Option<String>,
) -> Result<StorageLocation, String> {
    if is_scheme(url, "s3") {
        let message = |error: S3OptionsError| error.to_string();
        let options = S3Options::parse(url).map_err(message)?;
        let options = options.with_environment(&environment).map_err(message)?;
        let credentials = credentials(&environment).map_err(message)?;
        return Ok(StorageLocation::S3 {
            options: Box::new(options),
            credentials,
        });
    }
    let path = local_path(url, "file", "or s3://BUCKET/PREFIX?endpoint=URL");
    path.map(StorageLocation::Local)
}

/// Returns the access key from the environment, or else the AWS provider chain. Half an access key is
/// an error, not a reason to fall back.
fn credentials(
    environment: impl Fn(&'static str) -> Option<String>,
) -> Result<S3Credentials, S3OptionsError> {
    let is_set = |name| environment(name).is_some_and(|value| !value.is_empty());
    if is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY") {
        S3Credentials::from_lookup(environment)
    } else {
        Ok(S3Credentials::discovered())
    }
}

fn is_scheme(url: &str, scheme: &str) -> bool {
    url.split_once(':')
        .is_some_and(|(found, _)| found.eq_ignore_ascii_case(scheme))
}

/// Returns the path of `scheme:PATH` or, for an absolute path, `scheme:///PATH`. The error message also
/// names the alternative to such a URL.
fn local_path(url: &str, scheme: &str, alternative: &str) -> Result<PathBuf, String> {
    let path = url
        .split_once(':')
        .filter(|_| is_scheme(url, scheme))
        .map(|(_, path)| path)
        .filter(|path| !path.is_empty())
        .ok_or_else(|| {
            format!("write {scheme}:PATH, such as {scheme}:/var/lib/attache/x, {alternative}")
        })?;
    let path = match path.strip_prefix("//") {
        None => path,
        Some(absolute) if absolute.starts_with('/') => absolute,
        Some(_) => {
            return Err(format!(
                "{scheme}://NAME would name a host: write {scheme}:PATH"
            ));
        }
    };
    if path.contains('?') {
        return Err("accepts no parameters".to_owned());
    }
    Ok(PathBuf::from(path))
}
