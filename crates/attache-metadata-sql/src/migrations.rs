//! The schema: embedded migrations, and the table that notes which were applied.

use sha2::{Digest as _, Sha384};

use crate::columns::Columns;
use crate::failure::Failure;
use crate::open_error::{MigrationReport, OpenError};
use crate::session::{Session, Statement};

/// A migration of this program.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) description: &'static str,
    pub(crate) sql: &'static str,
}

impl Migration {
    /// Returns the SHA-384 of the text, as `sqlx` notes it: databases of older releases were migrated
    /// by that.
    fn checksum(&self) -> Vec<u8> {
        Sha384::digest(self.sql).to_vec()
    }
}

/// Embeds the migrations of one database, oldest first.
macro_rules! embed_migrations {
    ($folder:literal) => {
        crate::migrations::embed_migrations!(
            $folder,
            (1, "initial", "0001_initial"),
            (2, "uploads", "0002_uploads"),
            (3, "more lists", "0003_more_lists"),
            (5, "installation", "0005_installation"),
            (6, "blob health", "0006_blob_health"),
            (7, "tenant sequences", "0007_tenant_sequences")
        )
    };
    ($folder:literal, $(($version:literal, $description:literal, $file:literal)),+) => {
        &[$(crate::migrations::Migration {
            version: $version,
            description: $description,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $folder, "/", $file, ".sql"
            )),
        }),+]
    };
}
pub(crate) use embed_migrations;

/// A session on a database that has, or gets, a schema of this program.
pub(crate) trait Migrate: Session {
    const MIGRATIONS: &'static [Migration];

    /// The question whether the table of what was applied exists.
    const FIND_TABLE: &'static str;

    /// The statement that creates it where it does not.
    const CREATE_TABLE: &'static str;

    /// Runs the statements of a migration.
    fn run_script(&mut self, sql: &'static str)
    -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Returns the version of the schema that this program works on.
pub(crate) fn newest<S: Migrate>() -> i64 {
    S::MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Applies what is missing. The caller holds a lock and a transaction around it.
pub(crate) async fn apply<S: Migrate>(session: &mut S) -> Result<MigrationReport, OpenError> {
    let from_version = version(session).await?;
    session.run_script(S::CREATE_TABLE).await?;
    for migration in S::MIGRATIONS.iter().filter(|it| it.version > from_version) {
        session.run_script(migration.sql).await?;
        let checksum = migration.checksum();
        let sql = "INSERT INTO _sqlx_migrations \
            (version, description, success, checksum, execution_time) \
            VALUES ($1, $2, TRUE, $3, 0)";
        let note = Statement::new(sql)
            .bind(migration.version)
            .bind(migration.description)
            .bind(checksum.as_slice());
        session.execute(note).await?;
    }
    Ok(MigrationReport {
        from_version,
        to_version: newest::<S>(),
    })
}

/// Refuses a schema that is not the one this program works on.
pub(crate) async fn require_newest<S: Migrate>(session: &mut S) -> Result<(), OpenError> {
    let (found, needed) = (version(session).await?, newest::<S>());
    if found < needed {
        return Err(OpenError::SchemaOlder { found, needed });
    }
    Ok(())
}

/// Returns the version of a schema, 0 where nothing was applied. Newer and altered ones are refused.
async fn version<S: Migrate>(session: &mut S) -> Result<i64, OpenError> {
    if !session.exists(Statement::new(S::FIND_TABLE)).await? {
        return Ok(0);
    }
    let sql = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";
    let read = |row: &dyn Columns| Ok((row.integer(0)?, row.bytes(1)?.to_vec()));
    let applied = session.rows(Statement::new(sql), read).await?;
    let (known, found) = (newest::<S>(), applied.last().map_or(0, |last| last.0));
    if found > known {
        return Err(OpenError::SchemaNewer { found, known });
    }
    for (version, checksum) in applied {
        let migration = S::MIGRATIONS.iter().find(|it| it.version == version);
        if migration.is_none_or(|it| it.checksum() != checksum) {
            return Err(OpenError::SchemaAltered { version });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the beginnings of the checksums, which databases of older releases have noted.
    fn beginnings(migrations: &[Migration]) -> Vec<u64> {
        let beginning = |it: &Migration| u64::from_be_bytes(it.checksum()[..8].try_into().unwrap());
        migrations.iter().map(beginning).collect()
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn checksums_of_sqlite_stay_the_same() {
        let migrations = crate::sqlite::session::SqliteSession::MIGRATIONS;
        let noted = [
            0x9df2_91ec_b553_4c49,
            0xb725_751d_842b_69c0,
            0x6fd9_b763_6013_a838,
            0xbe10_792c_2af7_c3b6,
            0x82a3_e320_5de9_fca9,
            0xc255_1ded_c473_4f1f,
        ];
        assert_eq!(beginnings(migrations), noted);
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn checksums_of_postgres_stay_the_same() {
        let noted = [
            0x6729_5a5c_4291_db10,
            0x97e5_73ab_8a41_fd65,
            0xd809_6249_4771_2a02,
            0x9eef_d11c_8984_6cc3,
            0x55cc_0ec0_fb54_d348,
            0xe3f5_9ead_3e89_0212,
        ];
        assert_eq!(beginnings(sqlx::PgConnection::MIGRATIONS), noted);
    }
}
