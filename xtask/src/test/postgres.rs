//! The programs of a PostgreSQL server, which the tests start themselves: found, or installed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::apt;

/// Makes sure that there is a server for the tests to start.
///
/// # Errors
/// When there is none and none can be installed; the message has the remedy.
pub(super) fn require() -> Result<()> {
    let otherwise = "name the directory of `initdb` and `postgres` in PG_BIN";
    apt::require("PostgreSQL", "postgresql", is_there, otherwise)
}

fn is_there() -> bool {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut places = named.into_iter().chain(debian).chain(path);
    places.any(|place| has_server(&place))
}

fn has_server(place: &Path) -> bool {
    place.join("initdb").is_file() && place.join("postgres").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_both_programs_in_one_place() {
        let place = std::env::temp_dir().join(format!("xtask-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        assert!(!has_server(&place));
        std::fs::write(place.join("initdb"), "").unwrap();
        assert!(!has_server(&place));
        std::fs::write(place.join("postgres"), "").unwrap();
        assert!(has_server(&place));
        std::fs::remove_dir_all(place).unwrap();
    }
}
