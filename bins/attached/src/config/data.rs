//! The flags that name the data, which every command takes.

use std::fmt;
use std::path::PathBuf;

use attache::signing::KeyId;
use attache::{EmbeddedOptions, KeyRing, SigningKeySource};
use clap::Args;

use super::values::parse_size;

/// Where the data is. `Debug` shows none of the values that may hold a secret.
#[derive(Clone, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// The directory everything is in, unless one of the flags below says otherwise
    #[arg(
        long,
        env = "ATTACHE_DATA_DIR",
        value_name = "DIR",
        default_value = "./attache-data",
        global = true
    )]
    pub(crate) data_dir: PathBuf,
    /// The database, as `sqlite:PATH` [default: attache.db in the data directory]
    #[arg(
        long,
        env = "ATTACHE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<String>,
    /// Where the bytes are, as `file:PATH` [default: blobs in the data directory]
    #[arg(
        long,
        env = "ATTACHE_STORAGE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    storage_url: Option<String>,
    /// The file of the keys that links are signed with; it must be there unless it is the default.
    /// A value of the form `id:secret` is taken as the keys themselves, which is meant for the
    /// environment [default: signing-keys in the data directory, made at the first start]
    #[arg(
        long,
        env = "ATTACHE_SIGNING_KEYS",
        value_name = "FILE",
        hide_env_values = true,
        global = true
    )]
    signing_keys: Option<String>,
    /// Room that uploads leave free on the disk, for the database: in bytes, or with KiB, MiB, GiB
    #[arg(
        long,
        env = "ATTACHE_RESERVE_BYTES",
        value_name = "BYTES",
        default_value = "64MiB",
        value_parser = parse_size,
        global = true
    )]
    reserve_bytes: u64,
}

impl DataArgs {
    /// What the flags mean.
    ///
    /// # Errors
    ///
    /// Names the flag and what is wrong with it, and repeats none of its value.
    pub(crate) fn options(&self) -> Result<EmbeddedOptions, String> {
        if self.data_dir.as_os_str().is_empty() {
            return Err("--data-dir: is empty".to_owned());
        }
        let mut options = EmbeddedOptions::new(&self.data_dir);
        options.reserved_bytes = self.reserve_bytes;
        let named = |flag: &'static str| move |problem: String| format!("{flag}: {problem}");
        if let Some(url) = &self.database_url {
            options.database = Some(database_path(url).map_err(named("--database-url"))?);
        }
        if let Some(url) = &self.storage_url {
            options.blobs = Some(storage_path(url).map_err(named("--storage-url"))?);
        }
        if let Some(keys) = &self.signing_keys {
            options.signing_keys = signing_keys(keys).map_err(named("--signing-keys"))?;
        }
        Ok(options)
    }
}

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataArgs")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

fn database_path(url: &str) -> Result<PathBuf, String> {
    if is_scheme(url, "postgres") || is_scheme(url, "postgresql") {
        return Err("this build has no Postgres backend".to_owned());
    }
    match local_path(url, "sqlite")? {
        path if path.as_os_str() == ":memory:" => {
            Err("a database in memory would lose every file at the end".to_owned())
        }
        path => Ok(path),
    }
}

fn storage_path(url: &str) -> Result<PathBuf, String> {
    if is_scheme(url, "s3") {
        return Err("this build has no S3 backend".to_owned());
    }
    local_path(url, "file")
}

fn is_scheme(url: &str, scheme: &str) -> bool {
    let found = url.split_once(':').map_or("", |(found, _)| found);
    found.eq_ignore_ascii_case(scheme)
}

/// The path of `scheme:PATH`, where `scheme:///PATH` is the same for one that is absolute.
fn local_path(url: &str, scheme: &str) -> Result<PathBuf, String> {
    let path = url
        .split_once(':')
        .filter(|_| is_scheme(url, scheme))
        .map(|(_, path)| path)
        .filter(|path| !path.is_empty())
        .ok_or_else(|| format!("write {scheme}:PATH, such as {scheme}:/var/lib/attache/x"))?;
    let path = match path.strip_prefix("//") {
        None => path,
        Some(absolute) if absolute.starts_with('/') => absolute,
        Some(_) => {
            return Err(format!(
                "{scheme}://NAME would be a host: write {scheme}:PATH"
            ));
        }
    };
    if path.contains('?') {
        return Err("takes no parameters".to_owned());
    }
    Ok(PathBuf::from(path))
}

/// Tells a file from keys: what has several lines, or begins with a key's id and a colon, is keys. A
/// file whose name looks so can be written with `./` before it.
fn signing_keys(value: &str) -> Result<SigningKeySource, String> {
    if value.is_empty() {
        return Err("is empty".to_owned());
    }
    let id = value.split_once(':').map(|(id, _)| id.trim());
    let begins_with_id = id.is_some_and(|id| KeyId::parse(id).is_ok());
    if !begins_with_id && !value.contains('\n') {
        return Ok(SigningKeySource::File(PathBuf::from(value)));
    }
    // The error names a line and never shows the text.
    let ring = KeyRing::parse(value).map_err(|error| error.to_string())?;
    Ok(SigningKeySource::Ring(ring))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SECRET: &str = "9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297";

    fn args() -> DataArgs {
        DataArgs {
            data_dir: PathBuf::from("/data"),
            database_url: None,
            storage_url: None,
            signing_keys: None,
            reserve_bytes: 64 << 20,
        }
    }

    #[test]
    fn everything_is_in_the_data_directory_unless_said_otherwise() {
        let options = args().options().unwrap();
        assert_eq!(options.database_path(), Path::new("/data/attache.db"));
        assert_eq!(options.blobs_path(), Path::new("/data/blobs"));
        let keys = options.signing_keys_path();
        assert_eq!(keys.as_deref(), Some(Path::new("/data/signing-keys")));

        let mut elsewhere = args();
        elsewhere.database_url = Some("sqlite:///var/a.db".to_owned());
        elsewhere.storage_url = Some("file:blobs".to_owned());
        let options = elsewhere.options().unwrap();
        assert_eq!(options.database_path(), Path::new("/var/a.db"));
        assert_eq!(options.blobs_path(), Path::new("blobs"));
    }

    #[test]
    fn other_backends_are_refused_without_showing_their_url() {
        for (url, hint) in [
            (
                "postgres://u:hunter2@h/d",
                "this build has no Postgres backend",
            ),
            (
                "postgresql://u:hunter2@h/d",
                "this build has no Postgres backend",
            ),
            ("mysql://u:hunter2@h/d", "write sqlite:PATH"),
            ("sqlite::memory:", "in memory"),
            ("sqlite://host/x", "host"),
            ("sqlite:x?mode=ro", "parameters"),
            ("sqlite:", "write sqlite:PATH"),
            ("", "write sqlite:PATH"),
        ] {
            let mut args = args();
            args.database_url = Some(url.to_owned());
            let refused = args.options().unwrap_err();
            assert!(refused.contains(hint), "{refused}");
            let shown = format!("{refused} {args:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(
            storage_path("s3://bucket").unwrap_err(),
            "this build has no S3 backend"
        );
        assert!(storage_path("/var/x").is_err());
    }

    #[test]
    fn keys_are_told_from_files_and_never_shown() {
        let inline = signing_keys(&format!("one:{SECRET}")).unwrap();
        assert!(matches!(inline, SigningKeySource::Ring(_)));
        for path in ["/run/secrets/keys", "keys", "./one:two", "Keys:x"] {
            let source = signing_keys(path).unwrap();
            assert!(matches!(source, SigningKeySource::File(file) if file == Path::new(path)));
        }
        let short = &SECRET[..30];
        for broken in [
            format!("one:{short}"),
            format!("# keys\none:{short}"),
            String::new(),
        ] {
            let mut args = args();
            args.signing_keys = Some(broken);
            let refused = args.options().unwrap_err();
            let shown = format!("{refused} {args:?}");
            assert!(!shown.contains(short), "{shown}");
        }
    }

    #[test]
    fn a_commented_ring_is_a_ring() {
        let text = format!("# keys\n\none:{SECRET}\n");
        assert!(matches!(
            signing_keys(&text).unwrap(),
            SigningKeySource::Ring(_)
        ));
    }
}
