//! `tenant`: making tenants.

use anyhow::bail;
use attache::EmbeddedOptions;

use super::with_database;
use crate::config::TenantCommand;
use crate::output::print;

pub(super) async fn run(command: TenantCommand, options: &EmbeddedOptions) -> anyhow::Result<()> {
    let TenantCommand::Create { slug } = command;
    with_database(options, async |database| {
        if database
            .administration()
            .create_tenant(&slug)
            .await?
            .is_none()
        {
            bail!("there is a tenant {slug} already");
        }
        print(&format!("tenant {slug} made\n"))
    })
    .await
}
