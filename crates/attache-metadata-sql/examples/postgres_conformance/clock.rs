//! The clock of a database in which the suite runs: it can be put forward.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};

/// A short lease, as the suite calls it. It is never waited for, so that it may outlast whatever a slow
/// machine does meanwhile.
pub(crate) const SHORT_LEASE: Duration = Duration::from_mins(5);

/// Lets the clock that leases and the reaper go by show `by` more, in this database and from the next
/// transaction of every session on.
///
/// # Errors
///
/// The driver's error if the role may not replace the functions that the migrations made.
pub(crate) async fn put_forward(
    connection: &mut PgConnection,
    by: Duration,
) -> Result<(), sqlx::Error> {
    let by_millis = by.as_millis();
    // Each function goes on as it was written, with a sum around it.
    let sql = format!(
        "DO $do$ DECLARE clock RECORD; BEGIN \
        FOR clock IN SELECT prosrc, pg_get_functiondef(oid) AS definition FROM pg_proc \
            WHERE oid IN ('database_now'::regproc, 'database_clock'::regproc) \
        LOOP \
            EXECUTE replace(clock.definition, clock.prosrc, \
                format(' SELECT (%s) + {by_millis} ', clock.prosrc)); \
        END LOOP; END $do$"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
