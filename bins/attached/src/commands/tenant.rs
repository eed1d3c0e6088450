//! `tenant`: making tenants.

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
        let made = database.administration().create_tenant(&slug).await?;
        let Some(tenant) = made else {
            bail!("there is a tenant {slug} already")
        };
        print(&format!(
            "tenant {slug} made, with the number {}\n",
            tenant.id
        ))
    })
    .await
}
