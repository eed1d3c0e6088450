//! `migrate`: making the database, or bringing it to this program's schema.

use attache::{InstallationDatabase, InstallationOptions};

use crate::output::print;

pub(super) async fn run(options: &InstallationOptions) -> anyhow::Result<()> {
    let report = InstallationDatabase::migrate(options).await?;
    let to = report.to_version;
    print(&match report.from_version {
        from if from == to => format!("the database is at schema {to}: nothing to do\n"),
        0 => format!("the database was made, at schema {to}\n"),
        from => format!("the database went from schema {from} to {to}\n"),
    })
}
