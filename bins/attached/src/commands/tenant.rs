//! `tenant`: creates and lists tenants.

use anyhow::bail;
use attache::model::Tenant;
use attache::{Administration, InstallationOptions, TenantSlug};
use serde::Serialize;

use super::with_database;
use crate::config::{ListArgs, TenantCommand};
use crate::output::{print, print_json, table};

pub(super) async fn run(
    command: TenantCommand,
    options: &InstallationOptions,
) -> anyhow::Result<()> {
    with_database(options, async |database| {
        let administration = database.administration();
        match command {
            TenantCommand::Create { slug } => create(administration, &slug).await,
            TenantCommand::List(args) => list(administration, args).await,
        }
    })
    .await
}

async fn create(administration: &Administration, slug: &TenantSlug) -> anyhow::Result<()> {
    let Some(tenant) = administration.create_tenant(slug).await? else {
        bail!("the tenant {slug} already exists")
    };
    print(&format!("created tenant {slug} (id {})\n", tenant.id))
}

async fn list(administration: &Administration, args: ListArgs) -> anyhow::Result<()> {
    let tenants = administration.list_tenants().await?;
    if args.json {
        let tenants: Vec<_> = tenants.iter().map(TenantView::new).collect();
        return print_json(&serde_json::json!({ "tenants": tenants }));
    }
    let row = |tenant: &Tenant| {
        [
            tenant.id.to_string(),
            tenant.slug.to_string(),
            tenant.created_at.to_string(),
        ]
    };
    let rows: Vec<_> = tenants.iter().map(row).collect();
    print(&table(["ID", "TENANT", "CREATED"], rows))
}

/// A tenant in a JSON document.
#[derive(Debug, Serialize)]
pub(super) struct TenantView {
    id: i64,
    slug: String,
    created_at: String,
}

impl TenantView {
    pub(super) fn new(tenant: &Tenant) -> Self {
        Self {
            id: tenant.id.get(),
            slug: tenant.slug.to_string(),
            created_at: tenant.created_at.to_string(),
        }
    }
}
