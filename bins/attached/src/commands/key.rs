//! `key`: creates, lists and revokes API keys.

use anyhow::{Context as _, bail};
use attache::metadata::ApiKeyRecord;
use attache::model::{Tenant, Timestamp};
use attache::{Administration, ApiKeyRequest, InstallationOptions, Scope, Scopes, TenantSlug};
use serde::Serialize;
use serde_json::json;

use super::tenant::TenantView;
use super::with_database;
use crate::config::{KeyCommand, KeyCreateArgs, ListArgs};
use crate::output::{print, print_json, table};

pub(super) async fn run(command: KeyCommand, options: &InstallationOptions) -> anyhow::Result<()> {
    let now = options.clock.now();
    with_database(options, async |database| {
        let administration = database.administration();
        match command {
            KeyCommand::Create(args) => create(administration, args).await,
            KeyCommand::List { tenant, list: args } => {
                list(administration, tenant.as_ref(), args, now).await
            }
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
    args: ListArgs,
    now: Timestamp,
) -> anyhow::Result<()> {
    let keys = administration.list_api_keys(tenant).await?;
    let (keys, tenants) = match (keys, tenant) {
        (Some(keys), Some(tenant)) => (
            keys,
            administration
                .find_tenant(tenant)
                .await?
                .into_iter()
                .collect(),
        ),
        (Some(keys), None) => (keys, administration.list_tenants().await?),
        (None, Some(tenant)) => bail!(unknown_tenant(tenant)),
        (None, None) => return Ok(()),
    };
    let has_key = |tenant: &Tenant| keys.iter().any(|key| key.principal.tenant.id == tenant.id);
    let keyless: Vec<_> = tenants.iter().filter(|tenant| !has_key(tenant)).collect();
    if args.json {
        let keys: Vec<_> = keys.iter().map(|key| KeyView::new(key, now)).collect();
        let keyless: Vec<_> = keyless.into_iter().map(TenantView::new).collect();
        return print_json(&json!({ "keys": keys, "tenants_without_keys": keyless }));
    }
    print(&text(&keys, &keyless, now))
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

/// Formats a table of keys, with a row for each tenant without one.
fn text(keys: &[ApiKeyRecord], keyless: &[&Tenant], now: Timestamp) -> String {
    // NO is the value of a record's `uploaded_by`; the tenant's id follows its slug.
    let headings = [
        "KEY ID", "NO", "TENANT", "STATE", "CREATED", "EXPIRES", "SCOPES", "NAME",
    ];
    let mut rows: Vec<_> = keys.iter().map(|key| row(key, now)).collect();
    rows.extend(keyless.iter().map(|tenant| {
        let tenant = format!("{} ({})", tenant.slug, tenant.id);
        ["-", "-", &tenant, "no key", "-", "-", "-", ""].map(str::to_owned)
    }));
    table(headings, rows)
}

fn state(key: &ApiKeyRecord, now: Timestamp) -> &'static str {
    match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    }
}

/// An API key in a JSON document.
#[derive(Debug, Serialize)]
struct KeyView<'k> {
    key_id: &'k str,
    /// The value of a record's `uploaded_by`.
    number: i64,
    tenant: TenantView,
    state: &'static str,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    scopes: Vec<&'static str>,
    name: Option<&'k str>,
}

impl<'k> KeyView<'k> {
    fn new(key: &'k ApiKeyRecord, now: Timestamp) -> Self {
        Self {
            key_id: &key.key_id,
            number: key.principal.seq.get(),
            tenant: TenantView::new(&key.principal.tenant),
            state: state(key, now),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|end| end.to_string()),
            revoked_at: key.revoked_at.map(|end| end.to_string()),
            scopes: key.principal.scopes.iter().map(Scope::as_str).collect(),
            name: key.name.as_deref(),
        }
    }
}

fn row(key: &ApiKeyRecord, now: Timestamp) -> [String; 8] {
    [
        key.key_id.clone(),
        key.principal.seq.to_string(),
        format!(
            "{} ({})",
            key.principal.tenant.slug, key.principal.tenant.id
        ),
        state(key, now).to_owned(),
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
    use attache::model::{PrincipalSeq, TenantId};

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
    fn list_shows_states_and_tenants_without_keys() {
        let keys = [
            key("née", false, None),
            key("b", false, Some(10)),
            key("", true, None),
        ];
        let keyless = Tenant {
            id: TenantId::new(2),
            slug: "empty".parse().unwrap(),
            created_at: Timestamp::from_millis(0),
        };
        let now = Timestamp::from_millis(10);
        let text = text(&keys, &[&keyless], now);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        let column = lines[0].find("STATE").unwrap();
        for (line, state) in lines[1..]
            .iter()
            .zip(["live", "expired", "revoked", "no key"])
        {
            assert!(line[column..].starts_with(state), "{line}");
        }
        assert!(lines[1].ends_with("all     née"), "{}", lines[1]);
        assert!(lines[4].contains("empty (2)"), "{}", lines[4]);
        let view = serde_json::to_value(KeyView::new(&keys[1], now)).unwrap();
        assert_eq!(view["state"], "expired");
        assert_eq!(view["tenant"]["slug"], "default");
        assert_eq!(view["expires_at"], "1970-01-01T00:00:00.010Z");
        assert_eq!(view["scopes"].as_array().unwrap().len(), 6);
    }
}
