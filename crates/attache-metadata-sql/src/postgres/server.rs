//! The server: what it must be.

use sqlx::{PgConnection, Row as _};

use crate::failure::Failure;
use crate::open_error::OpenError;

/// The oldest server that is supported by its makers.
const OLDEST_SERVER: i64 = 140_000;

/// Refuses a server that this program does not support, and warns of one that loses what it
/// confirmed.
pub(crate) async fn require_server(connection: &mut PgConnection) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version'), \
        current_setting('server_version_num')::bigint, current_setting('server_encoding'), \
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'";
    let row = sqlx::query(sql)
        .fetch_one(connection)
        .await
        .map_err(Failure::from)?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok::<(String, i64, String, bool), sqlx::Error>((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        ))
    };
    let (found, number, encoding, is_safe) = read(&row).map_err(Failure::from)?;
    if number < OLDEST_SERVER {
        let (name, needed) = ("server_version", "14 or later");
        return Err(OpenError::Server {
            name,
            found,
            needed,
        });
    }
    if encoding != "UTF8" {
        let (name, found, needed) = ("server_encoding", encoding, "UTF8");
        return Err(OpenError::Server {
            name,
            found,
            needed,
        });
    }
    if !is_safe {
        tracing::warn!(
            "the database server runs with fsync or full_page_writes off: a crash of \
            its machine loses files that were confirmed"
        );
    }
    Ok(())
}
