//! `migrate`: creates the database, or upgrades its schema.

use attache::{InstallationDatabase, InstallationOptions};

use crate::output::print;

pub(super) async fn run(options: &InstallationOptions) -> anyhow::Result<()> {
    let report = InstallationDatabase::migrate(options).await?;
    let to = report.to_version;
    let place = &options.database;
    print(&match report.from_version {
        from if from == to => {
            format!("the database schema is up to date (version {to}): {place}\n")
        }
        0 => format!("created the database with schema version {to}: {place}\n"),
        from => format!("upgraded the database schema from version {from} to {to}: {place}\n"),
    })
}
