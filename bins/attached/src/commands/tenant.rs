//! `tenant`: creates tenants.

use anyhow::bail;
use attache::InstallationOptions;

use super::with_database;
use crate::config::TenantCommand;
use crate::output::print;

pub(super) async fn run(
    command: TenantCommand,
    options: &InstallationOptions,
) -> anyhow::Result<()> {
    let TenantCommand::Create { slug } = command;
    with_database(options, async |database| {
        let created = database.administration().create_tenant(&slug).await?;
        let Some(tenant) = created else {
            bail!("the tenant {slug} already exists")
        };
        print(&format!("created tenant {slug} (id {})\n", tenant.id))
    })
    .await
}
