//! Diagnosis of a server: what its operator should know.

use attache_model::{Clock, Finding};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::open::Postgres;
use crate::failure::Failure;
use crate::migrations;
use crate::repository::SqlRepository;

/// The oldest server that the tests run on, and its name.
const TESTED_SERVER: (i64, &str) = (150_000, "15");

/// The settings of the server, not those of this program's sessions; and its time.
const STATE: &str = "SELECT current_setting('server_version') AS version, \
    current_setting('server_version_num')::bigint AS number, \
    current_setting('fsync') AS fsync, \
    current_setting('full_page_writes') AS full_page_writes, \
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS synchronous_commit, \
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now";

/// The state of a server.
struct ServerState {
    version: String,
    number: i64,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    now_millis: i64,
}

impl SqlRepository<Postgres> {
    /// Diagnoses the server: its version, the schema, settings that durability rests on, its clock
    /// against `clock`. Changes nothing.
    pub async fn diagnose(&self, clock: &dyn Clock) -> Vec<Finding> {
        let mut connection = match self.backend.link.pool().acquire().await {
            Ok(connection) => connection,
            Err(error) => return vec![failed(error)],
        };
        let before = clock.now().as_millis();
        let state = match look(&mut connection).await {
            Ok(state) => state,
            Err(error) => return vec![failed(error)],
        };
        let between = i64::midpoint(before, clock.now().as_millis());
        let mut findings = state.findings();
        findings.push(Finding::of_clock_skew(
            "the database",
            state.now_millis - between,
        ));
        findings
    }
}

fn failed(error: sqlx::Error) -> Finding {
    Finding::failure(&Failure::from(error).in_operation("diagnose"))
}

async fn look(connection: &mut PgConnection) -> Result<ServerState, sqlx::Error> {
    let row = sqlx::query(STATE).fetch_one(connection).await?;
    read(&row)
}

fn read(row: &PgRow) -> Result<ServerState, sqlx::Error> {
    Ok(ServerState {
        version: row.try_get("version")?,
        number: row.try_get("number")?,
        fsync: row.try_get("fsync")?,
        full_page_writes: row.try_get("full_page_writes")?,
        synchronous_commit: row.try_get("synchronous_commit")?,
        now_millis: row.try_get("now")?,
    })
}

impl ServerState {
    fn findings(&self) -> Vec<Finding> {
        let (tested, name) = TESTED_SERVER;
        let version = &self.version;
        let schema = migrations::newest::<PgConnection>();
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

    fn state(number: i64, fsync: &str, synchronous_commit: &str) -> ServerState {
        ServerState {
            version: "x".to_owned(),
            number,
            fsync: fsync.to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: synchronous_commit.to_owned(),
            now_millis: 0,
        }
    }

    fn warnings(state: &ServerState) -> Vec<String> {
        let warnings = state
            .findings()
            .into_iter()
            .filter(|finding| finding.level == FindingLevel::Warning);
        warnings.map(|finding| finding.text).collect()
    }

    #[test]
    fn loss_of_durability_is_warned_of() {
        assert_eq!(warnings(&state(170_002, "on", "on")), Vec::<String>::new());
        assert_eq!(
            warnings(&state(150_000, "on", "remote_apply")),
            Vec::<String>::new()
        );
        for (state, word) in [
            (state(149_999, "on", "on"), "older than 15"),
            (state(170_002, "off", "on"), "fsync is off"),
            (state(170_002, "on", "off"), "synchronous_commit is off"),
            (state(170_002, "on", "local"), "synchronous_commit is local"),
        ] {
            let warnings = warnings(&state);
            assert!(
                warnings.len() == 1 && warnings[0].contains(word),
                "{warnings:?}"
            );
        }
    }
}
