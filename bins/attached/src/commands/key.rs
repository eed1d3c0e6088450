//! `key`: creates, lists and revokes API keys.

use anyhow::{Context as _, bail};
use attache::metadata::ApiKeyRecord;
use attache::model::Timestamp;
use attache::{Administration, ApiKeyRequest, InstallationOptions, Scopes, TenantSlug};

use super::with_database;
use crate::config::{KeyCommand, KeyCreateArgs};
use crate::output::print;

pub(super) async fn run(command: KeyCommand, options: &InstallationOptions) -> anyhow::Result<()> {
    let now = options.clock.now();
    with_database(options, async |database| {
        let administration = database.administration();
        match command {
            KeyCommand::Create(args) => create(administration, args).await,
            KeyCommand::List { tenant } => list(administration, tenant.as_ref(), now).await,
            KeyCommand::Revoke { key_id } => revoke(administration, &key_id.0).await,
        }
    })
    .await
}

async fn create(administration: &Administration, args: KeyCreateArgs) -> anyhow::Result<()> {
    let tenant = args.tenant.clone();
    let request = ApiKeyRequest {
        tenant: args.tenant,
        name: args.name,
        scopes: args.scopes.unwrap_or_else(Scopes::all),
        lifetime: args.expires_in,
    };
    let issued = administration.create_api_key(request).await?;
    let issued = issued.with_context(|| unknown_tenant(&tenant))?;
    print(&format!("{}\n", *issued.key.reveal()))
}

async fn list(
    administration: &Administration,
    tenant: Option<&TenantSlug>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let keys = administration.list_api_keys(tenant).await?;
    match (keys, tenant) {
        (Some(keys), _) => print(&table(&keys, now)),
        (None, Some(tenant)) => bail!(unknown_tenant(tenant)),
        (None, None) => Ok(()),
    }
}

async fn revoke(administration: &Administration, key_id: &str) -> anyhow::Result<()> {
    let revoked = administration.revoke_api_key(key_id).await?;
    if revoked.is_none() {
        bail!("there is no key {key_id}");
    }
    print(&format!("revoked key {key_id}\n"))
}

fn unknown_tenant(tenant: &TenantSlug) -> String {
    format!("there is no tenant {tenant}: create it with `attached tenant create {tenant}`")
}

/// Formats aligned columns under headings.
fn table(keys: &[ApiKeyRecord], now: Timestamp) -> String {
    // NO is the value of a record's `uploaded_by`; the tenant's id follows its slug.
    let headings = [
        "KEY ID", "NO", "TENANT", "STATE", "CREATED", "EXPIRES", "SCOPES", "NAME",
    ];
    let mut rows = vec![headings.map(str::to_owned)];
    rows.extend(keys.iter().map(|key| row(key, now)));
    let widths: [usize; 8] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(key: &ApiKeyRecord, now: Timestamp) -> [String; 8] {
    let state = match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    };
    [
        key.key_id.clone(),
        key.principal.seq.to_string(),
        format!(
            "{} ({})",
            key.principal.tenant.slug, key.principal.tenant.id
        ),
        state.to_owned(),
        key.created_at.to_string(),
        key.expires_at
            .map_or_else(|| "never".to_owned(), |end| end.to_string()),
        if key.principal.scopes == Scopes::all() {
            "all".to_owned()
        } else {
            key.principal.scopes.to_string()
        },
        key.name.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use attache::Principal;
    use attache::model::{PrincipalSeq, Tenant, TenantId};

    use super::*;

    fn key(name: &str, revoked: bool, expires_at: Option<i64>) -> ApiKeyRecord {
        ApiKeyRecord {
            key_id: "0123456789ab".to_owned(),
            secret_hash: [0; 32],
            name: Some(name.to_owned()),
            principal: Principal {
                seq: PrincipalSeq::new(1),
                tenant: Tenant {
                    id: TenantId::new(1),
                    slug: "default".parse().unwrap(),
                    created_at: Timestamp::from_millis(0),
                },
                scopes: Scopes::all(),
            },
            created_at: Timestamp::from_millis(0),
            expires_at: expires_at.map(Timestamp::from_millis),
            revoked_at: revoked.then(|| Timestamp::from_millis(5)),
        }
    }

    #[test]
    fn table_is_aligned_and_shows_the_state() {
        let keys = [
            key("née", false, None),
            key("b", false, Some(10)),
            key("", true, None),
        ];
        let text = table(&keys, Timestamp::from_millis(10));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let column = lines[0].find("STATE").unwrap();
        for (line, state) in lines[1..].iter().zip(["live", "expired", "revoked"]) {
            assert!(line[column..].starts_with(state), "{line}");
            assert_eq!(line.trim_end(), *line);
        }
        assert!(lines[1].ends_with("all     née"), "{}", lines[1]);
    }
}
