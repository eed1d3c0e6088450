//! The flags that name the data, which every command takes.

use std::fmt;
use std::path::PathBuf;

use attache::s3::{S3Credentials, S3Options, S3OptionsError};
use attache::signing::KeyId;
use attache::sql::PostgresOptions;
use attache::{DatabaseLocation, InstallationOptions, KeyRing, SigningKeySource, StorageLocation};
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
    /// The database: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE` for one that several
    /// servers share [default: sqlite, attache.db in the data directory]
    #[arg(
        long,
        env = "ATTACHE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<String>,
    /// The most connections to open to a Postgres server
    #[arg(
        long,
        env = "ATTACHE_DATABASE_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        global = true
    )]
    database_connections: u32,
    /// Where the bytes are: `file:PATH`, or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` with the
    /// credentials in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or from the role or profile
    /// that AWS has for the machine [default: file, blobs in the data directory]
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
    /// environment. With Postgres they must be given [default: signing-keys in the data directory,
    /// made at the first start]
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
    /// What the flags and the environment of the store mean.
    ///
    /// # Errors
    ///
    /// Names the flag and what is wrong with it, and repeats none of its value.
    pub(crate) fn options(
        &self,
        environment: impl Fn(&'static str) -> Option<String>,
    ) -> Result<InstallationOptions, String> {
        if self.data_dir.as_os_str().is_empty() {
            return Err("--data-dir: is empty".to_owned());
        }
        let database = self.database();
        let database = database.map_err(|problem| format!("--database-url: {problem}"))?;
        let storage = self.storage(environment);
        let storage = storage.map_err(|problem| format!("--storage-url: {problem}"))?;
        let is_shared = database.is_shared();
        let signing_keys = match &self.signing_keys {
            Some(keys) => {
                signing_keys(keys).map_err(|problem| format!("--signing-keys: {problem}"))?
            }
            None if is_shared => SigningKeySource::Absent,
            None => SigningKeySource::Generated(self.data_dir.join("signing-keys")),
        };
        let keeps_keys = matches!(signing_keys, SigningKeySource::Generated(_));
        let keeps_records = self.database_url.is_none();
        let keeps_bytes = self.storage_url.is_none();
        let mut options = InstallationOptions::new(database, storage);
        options.signing_keys = signing_keys;
        options.reserved_bytes = self.reserve_bytes;
        if keeps_keys || keeps_records || keeps_bytes {
            options.data_dir = Some(self.data_dir.clone());
        }
        Ok(options)
    }

    fn database(&self) -> Result<DatabaseLocation, String> {
        let Some(url) = &self.database_url else {
            return Ok(DatabaseLocation::Sqlite(self.data_dir.join("attache.db")));
        };
        Ok(match database_at(url)? {
            DatabaseLocation::Postgres(options) => {
                let options = options.with_max_connections(self.database_connections);
                DatabaseLocation::Postgres(options)
            }
            other => other,
        })
    }

    fn storage(
        &self,
        environment: impl Fn(&'static str) -> Option<String>,
    ) -> Result<StorageLocation, String> {
        let Some(url) = &self.storage_url else {
            return Ok(StorageLocation::Local(self.data_dir.join("blobs")));
        };
        storage_at(url, environment)
    }
}

/// The database that a URL names.
pub(super) fn database_at(url: &str) -> Result<DatabaseLocation, String> {
    if is_scheme(url, "postgres") || is_scheme(url, "postgresql") {
        let options = PostgresOptions::parse(url).map_err(|error| error.to_string())?;
        return Ok(DatabaseLocation::Postgres(options));
    }
    let otherwise = "or postgres://USER:PASSWORD@HOST/DATABASE";
    match local_path(url, "sqlite", otherwise)? {
        path if path.as_os_str() == ":memory:" => {
            Err("a database in memory would lose every file at the end".to_owned())
        }
        path => Ok(DatabaseLocation::Sqlite(path)),
    }
}

/// The store that a URL names, with its credentials from the environment.
pub(super) fn storage_at(
    url: &str,
    environment: impl Fn(&'static str) -> Option<String>,
) -> Result<StorageLocation, String> {
    if is_scheme(url, "s3") {
        let told = |error: S3OptionsError| error.to_string();
        let options = S3Options::parse(url).map_err(told)?;
        let options = options.with_environment(&environment).map_err(told)?;
        let credentials = credentials(&environment).map_err(told)?;
        return Ok(StorageLocation::S3 {
            options: Box::new(options),
            credentials,
        });
    }
    let path = local_path(url, "file", "or s3://BUCKET/PREFIX?endpoint=URL");
    path.map(StorageLocation::Local)
}

/// The access key that is set in the environment; where none is, whatever AWS has for the machine.
/// Half a key is a mistake, and not looked past.
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

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataArgs")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

fn is_scheme(url: &str, scheme: &str) -> bool {
    let found = url.split_once(':').map_or("", |(found, _)| found);
    found.eq_ignore_ascii_case(scheme)
}

/// The path of `scheme:PATH`, where `scheme:///PATH` is the same for one that is absolute; a refusal
/// also tells what else there is.
fn local_path(url: &str, scheme: &str, otherwise: &str) -> Result<PathBuf, String> {
    let path = url
        .split_once(':')
        .filter(|_| is_scheme(url, scheme))
        .map(|(_, path)| path)
        .filter(|path| !path.is_empty())
        .ok_or_else(|| {
            format!("write {scheme}:PATH, such as {scheme}:/var/lib/attache/x, {otherwise}")
        })?;
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
            database_connections: 7,
            storage_url: None,
            signing_keys: None,
            reserve_bytes: 64 << 20,
        }
    }

    /// The environment of a store, with a canary for a secret.
    fn environment(name: &'static str) -> Option<String> {
        name.starts_with("AWS_").then(|| "canary".to_owned())
    }

    fn options(args: &DataArgs) -> Result<InstallationOptions, String> {
        args.options(environment)
    }

    fn local(options: &InstallationOptions) -> (&Path, &Path) {
        match (&options.database, &options.storage) {
            (DatabaseLocation::Sqlite(database), StorageLocation::Local(blobs)) => {
                (database, blobs)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_is_in_the_data_directory_unless_said_otherwise() {
        let here = options(&args()).unwrap();
        let data = Path::new("/data");
        let expected = (Path::new("/data/attache.db"), Path::new("/data/blobs"));
        assert_eq!(local(&here), expected);
        assert_eq!(here.data_dir.as_deref(), Some(data));
        assert!(matches!(
            &here.signing_keys,
            SigningKeySource::Generated(path) if *path == data.join("signing-keys")
        ));

        let mut elsewhere = args();
        elsewhere.database_url = Some("sqlite:///var/a.db".to_owned());
        elsewhere.storage_url = Some("file:blobs".to_owned());
        let made = options(&elsewhere).unwrap();
        assert_eq!(local(&made), (Path::new("/var/a.db"), Path::new("blobs")));
        assert_eq!(made.data_dir.as_deref(), Some(data));
        elsewhere.signing_keys = Some("keys".to_owned());
        assert_eq!(options(&elsewhere).unwrap().data_dir, None);
    }

    #[test]
    fn shared_backends_need_no_directory_and_never_make_keys() {
        let mut shared = args();
        shared.database_url = Some("postgresql://u:canary@h/d?sslmode=require".to_owned());
        shared.storage_url = Some("s3://bucket/a?region=r".to_owned());
        let made = options(&shared).unwrap();
        assert_eq!(made.data_dir, None);
        assert!(matches!(made.signing_keys, SigningKeySource::Absent));
        assert!(matches!(made.storage, StorageLocation::S3 { .. }));
        let DatabaseLocation::Postgres(postgres) = &made.database else {
            panic!("{made:?}")
        };
        assert_eq!(postgres.max_connections, 7);
        let shown = format!("{made:?} {shared:?} {}", made.database);
        assert!(
            !shown.contains("canary@") && !shown.contains("secret"),
            "{shown}"
        );

        for (set, missing) in [
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY is not set"),
            ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID is not set"),
        ] {
            let half = |name| (name == set).then(|| "canary".to_owned());
            let refused = shared.options(half).unwrap_err();
            assert!(refused.contains(missing), "{refused}");
        }
        // Without a key the machine's own role is looked for, when it is needed.
        let role = shared.options(|_| None).unwrap();
        assert!(format!("{role:?}").contains("AwsChain"), "{role:?}");
        // The bytes alone are local: then there is a directory, for one server.
        shared.storage_url = None;
        assert!(options(&shared).unwrap().data_dir.is_some());
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for (url, hint) in [
            ("postgres:u:canary@h/d", "postgres://user:password@host"),
            (
                "postgres://h/d?pasword=canary",
                "postgres://user:password@host",
            ),
            ("postgress://u:canary@h/d", "or postgres://USER"),
            ("mysql://u:canary@h/d", "write sqlite:PATH"),
            ("sqlite::memory:", "in memory"),
            ("sqlite://host/x", "host"),
            ("sqlite:x?mode=ro", "parameters"),
            ("sqlite:", "write sqlite:PATH"),
            ("", "write sqlite:PATH"),
        ] {
            let mut args = args();
            args.database_url = Some(url.to_owned());
            let refused = options(&args).unwrap_err();
            assert!(refused.starts_with("--database-url: "), "{refused}");
            assert!(refused.contains(hint), "{refused}");
            let shown = format!("{refused} {args:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
        for (url, hint) in [
            ("s3:bucket", "s3://bucket/prefix"),
            ("s3://u:canary@bucket", "must not hold credentials"),
            ("s3://bucket?regoin=canary", "a parameter other than"),
            ("s4://canary", "or s3://BUCKET"),
            ("/var/canary", "write file:PATH"),
        ] {
            let mut args = args();
            args.storage_url = Some(url.to_owned());
            let refused = options(&args).unwrap_err();
            assert!(refused.starts_with("--storage-url: "), "{refused}");
            assert!(refused.contains(hint), "{refused}");
            assert!(!refused.contains("canary"), "{refused}");
        }
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
            let refused = options(&args).unwrap_err();
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
