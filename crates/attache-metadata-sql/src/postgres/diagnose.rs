//! Looking a server over: what its operator should know.

use attache_model::{Clock, Finding};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::failure::Failure;
use super::migrate;
use super::open::PostgresRepository;

const OPERATION: &str = "diagnose";

/// The oldest server that the tests run on, and its name.
const TESTED_SERVER: (i64, &str) = (150_000, "15");

/// The settings of the server, not those that our sessions have; and its time.
const LOOK: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num')::bigint AS number, \
    current_setting('fsync') AS fsync, \
    current_setting('full_page_writes') AS full_page_writes, \
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit, \
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

/// What was seen.
struct Seen {
    version: String,
    number: i64,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    now_millis: i64,
}

impl PostgresRepository {
    /// Looks the server over: its version, the schema, settings that durability rests on, its clock
    /// against `clock`. Changes nothing.
    pub async fn diagnose(&self, clock: &dyn Clock) -> Vec<Finding> {
        let mut connection = match self.reader(OPERATION).await {
            Ok(connection) => connection,
            Err(error) => return vec![Finding::failure(&error)],
        };
        let before = clock.now().as_millis();
        let seen = match look(&mut connection).await {
            Ok(seen) => seen,
            Err(error) => {
                let error = Failure::from(error).in_operation(OPERATION);
                return vec![Finding::failure(&error)];
            }
        };
        let between = i64::midpoint(before, clock.now().as_millis());
        let mut findings = seen.findings();
        findings.push(Finding::of_clock_skew(
            "the database",
            seen.now_millis - between,
        ));
        findings
    }
}

async fn look(connection: &mut PgConnection) -> Result<Seen, sqlx::Error> {
    let row = sqlx::query(LOOK).fetch_one(connection).await?;
    read(&row)
}

fn read(row: &PgRow) -> Result<Seen, sqlx::Error> {
    Ok(Seen {
        version: row.try_get("version")?,
        number: row.try_get("number")?,
        fsync: row.try_get("fsync")?,
        full_page_writes: row.try_get("full_page_writes")?,
        synchronous_commit: row.try_get("synchronous_commit")?,
        now_millis: row.try_get("now")?,
    })
}

impl Seen {
    fn findings(&self) -> Vec<Finding> {
        let (tested, name) = TESTED_SERVER;
        let version = &self.version;
        let schema = migrate::newest();
        let mut findings = vec![if self.number < tested {
            Finding::warning(format!(
                "PostgreSQL {version}, older than {name}, the oldest it is tested on; schema {schema}"
            ))
        } else {
            Finding::fine(format!("PostgreSQL {version}, schema {schema}"))
        }];
        for (name, value) in [
            ("fsync", &self.fsync),
            ("full_page_writes", &self.full_page_writes),
        ] {
            if value != "on" {
                findings.push(Finding::warning(format!(
                    "{name} is {value}: a crash of the server's machine loses files that were confirmed"
                )));
            }
        }
        match self.synchronous_commit.as_str() {
            "on" | "remote_apply" => {}
            "off" => findings.push(Finding::warning(
                "synchronous_commit is off; sessions of attache turn it on for themselves",
            )),
            other => findings.push(Finding::warning(format!(
                "synchronous_commit is {other}: a failover to a standby may lose files that were confirmed"
            ))),
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use attache_model::FindingLevel;

    use super::*;

    fn seen(number: i64, fsync: &str, synchronous_commit: &str) -> Seen {
        Seen {
            version: "x".to_owned(),
            number,
            fsync: fsync.to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: synchronous_commit.to_owned(),
            now_millis: 0,
        }
    }

    fn warnings(seen: &Seen) -> Vec<String> {
        let warnings = seen
            .findings()
            .into_iter()
            .filter(|finding| finding.level == FindingLevel::Warning);
        warnings.map(|finding| finding.text).collect()
    }

    #[test]
    fn what_costs_durability_is_warned_of() {
        assert_eq!(warnings(&seen(170_002, "on", "on")), Vec::<String>::new());
        assert_eq!(
            warnings(&seen(150_000, "on", "remote_apply")),
            Vec::<String>::new()
        );
        for (seen, word) in [
            (seen(149_999, "on", "on"), "older than 15"),
            (seen(170_002, "off", "on"), "fsync is off"),
            (seen(170_002, "on", "off"), "synchronous_commit is off"),
            (seen(170_002, "on", "local"), "synchronous_commit is local"),
        ] {
            let warnings = warnings(&seen);
            assert!(
                warnings.len() == 1 && warnings[0].contains(word),
                "{warnings:?}"
            );
        }
    }
}
