//! The flags that locate the data, which all commands accept.

use std::fmt;
use std::path::PathBuf;

use attache::signing::KeyId;
use attache::{DatabaseLocation, InstallationOptions, KeyRing, SigningKeySource, StorageLocation};
use clap::Args;

use super::locations::{parse_database_url, parse_storage_url};
use super::values::parse_size;

/// The location of the data. `Debug` shows no values that may contain a secret.
#[derive(Clone, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// The directory for everything that the flags below do not place elsewhere
    #[arg(
        long,
        env = "ATTACHE_DATA_DIR",
        value_name = "DIR",
        default_value = "./attache-data",
        global = true
    )]
    pub(crate) data_dir: PathBuf,
    /// The database: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`, which several servers
    /// may share [default: attache.db in the data directory]
    #[arg(
        long,
        env = "ATTACHE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<String>,
    /// The maximum number of connections to PostgreSQL
    #[arg(
        long,
        env = "ATTACHE_DATABASE_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        global = true
    )]
    database_connections: u32,
    /// The store for the bytes: `file:PATH`, or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`, with
    /// credentials from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or from the AWS role or
    /// profile of the machine [default: blobs in the data directory]
    #[arg(
        long,
        env = "ATTACHE_STORAGE_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    storage_url: Option<String>,
    /// The file with the keys that sign links. It must exist, unless it is the default. In the
    /// environment variable, `id:secret` gives the keys themselves. Required with PostgreSQL
    /// [default: signing-keys in the data directory, generated at the first start]
    #[arg(
        long,
        env = "ATTACHE_SIGNING_KEYS",
        value_name = "FILE",
        hide_env_values = true,
        global = true
    )]
    signing_keys: Option<String>,
    /// The disk space that uploads leave free for the database: in bytes, or with KiB, MiB, GiB
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
    /// Converts the flags, and the environment of the store, to options.
    ///
    /// # Errors
    ///
    /// Names the flag and the problem, never the value.
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
        let signing_keys = match &self.signing_keys {
            Some(keys) => {
                signing_keys(keys).map_err(|problem| format!("--signing-keys: {problem}"))?
            }
            None if database.is_shared() => SigningKeySource::Absent,
            None => SigningKeySource::Generated(self.data_dir.join("signing-keys")),
        };
        let needs_data_dir = matches!(signing_keys, SigningKeySource::Generated(_))
            || self.database_url.is_none()
            || self.storage_url.is_none();
        let mut options = InstallationOptions::new(database, storage);
        options.signing_keys = signing_keys;
        options.reserved_bytes = self.reserve_bytes;
        if needs_data_dir {
            options.data_dir = Some(self.data_dir.clone());
        }
        Ok(options)
    }

    fn database(&self) -> Result<DatabaseLocation, String> {
        let Some(url) = &self.database_url else {
            return Ok(DatabaseLocation::Sqlite(self.data_dir.join("attache.db")));
        };
        Ok(match parse_database_url(url)? {
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
        parse_storage_url(url, environment)
    }
}

impl fmt::Debug for DataArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataArgs")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Distinguishes a file from keys: a value with several lines, or that starts with a key id and a colon,
/// contains keys. A file with such a name can be written with a leading `./`.
fn signing_keys(value: &str) -> Result<SigningKeySource, String> {
    if value.is_empty() {
        return Err("is empty".to_owned());
    }
    let id = value.split_once(':').map(|(id, _)| id.trim());
    let begins_with_id = id.is_some_and(|id| KeyId::parse(id).is_ok());
    if !begins_with_id && !value.contains('\n') {
        return Ok(SigningKeySource::File(PathBuf::from(value)));
    }
    // The error names a line and never the text.
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

    /// Returns the environment of a store, with a canary as the secret.
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
    fn data_directory_is_the_default_location() {
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
        let parsed = options(&elsewhere).unwrap();
        assert_eq!(local(&parsed), (Path::new("/var/a.db"), Path::new("blobs")));
        assert_eq!(parsed.data_dir.as_deref(), Some(data));
        elsewhere.signing_keys = Some("keys".to_owned());
        assert_eq!(options(&elsewhere).unwrap().data_dir, None);
    }

    #[test]
    fn shared_backends_need_no_data_directory() {
        let mut shared = args();
        shared.database_url = Some("postgresql://u:canary@h/d?sslmode=require".to_owned());
        shared.storage_url = Some("s3://bucket/a?region=r".to_owned());
        let parsed = options(&shared).unwrap();
        assert_eq!(parsed.data_dir, None);
        assert!(matches!(parsed.signing_keys, SigningKeySource::Absent));
        assert!(matches!(parsed.storage, StorageLocation::S3 { .. }));
        let DatabaseLocation::Postgres(postgres) = &parsed.database else {
            panic!("{parsed:?}")
        };
        assert_eq!(postgres.max_connections, 7);
        let shown = format!("{parsed:?} {shared:?} {}", parsed.database);
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
        // Without a key, the role of the machine is looked up when it is needed.
        let role = shared.options(|_| None).unwrap();
        assert!(format!("{role:?}").contains("AwsChain"), "{role:?}");
        // With local bytes there is a directory, for one server.
        shared.storage_url = None;
        assert!(options(&shared).unwrap().data_dir.is_some());
    }

    #[test]
    fn invalid_url_is_refused_without_its_secrets() {
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
    fn signing_keys_and_files_are_distinguished() {
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
    fn commented_keys_are_keys() {
        let text = format!("# keys\n\none:{SECRET}\n");
        assert!(matches!(
            signing_keys(&text).unwrap(),
            SigningKeySource::Ring(_)
        ));
    }
}
