//! Tenants, keys and health.

use attache_model::{PrincipalSubject, Scope, Scopes, TenantId, TenantSlug, Timestamp};

use super::world::{CheckResult, Problem, World, ensure, ensure_eq};
use crate::{ApiKeyRecord, NewApiKey};

pub(super) async fn slugs_are_taken_once(world: &World) -> CheckResult {
    let repository = world.repository();
    ensure!(
        !repository.has_tenants().await?,
        "a new repository has tenants"
    );
    let slug = TenantSlug::parse("North")?;
    let now = world.now();
    let created = repository.create_tenant(&slug, now).await?;
    let created = created.ok_or_else(|| Problem::new("a free slug is refused"))?;
    ensure_eq!(
        (&created.slug, created.created_at),
        (&slug, now),
        "the tenant"
    );
    ensure!(repository.has_tenants().await?, "a tenant is not counted");

    let again = repository.create_tenant(&slug, world.now()).await?;
    ensure_eq!(again, None, "a slug taken twice");
    let other = TenantSlug::parse("north")?;
    let other = repository.create_tenant(&other, world.now()).await?;
    ensure!(
        other.as_ref().is_some_and(|other| other.id != created.id),
        "slugs that differ in case are taken for one"
    );

    let found = repository.find_tenant(created.id).await?;
    ensure_eq!(found.as_ref(), Some(&created), "the tenant by its number");
    let found = repository.find_tenant_by_slug(&slug).await?;
    ensure_eq!(found.as_ref(), Some(&created), "the tenant by its slug");
    let unknown = TenantId::new(i64::MAX);
    ensure_eq!(
        repository.find_tenant(unknown).await?,
        None,
        "an unknown tenant"
    );
    let unknown = TenantSlug::parse("nowhere")?;
    let found = repository.find_tenant_by_slug(&unknown).await?;
    ensure_eq!(found, None, "an unknown slug");
    Ok(())
}

pub(super) async fn tenants_are_listed_in_pages(world: &World) -> CheckResult {
    let repository = world.repository();
    ensure_eq!(
        repository.list_tenants(None, 2).await?,
        Vec::new(),
        "the tenants of a new repository"
    );
    let mut created = Vec::new();
    for slug in ["west", "east", "north"] {
        let slug = TenantSlug::parse(slug)?;
        created.extend(repository.create_tenant(&slug, world.now()).await?);
    }
    let first = repository.list_tenants(None, 2).await?;
    ensure_eq!(first, created[..2], "the first page of tenants");
    let after = first.last().map(|tenant| tenant.id);
    let second = repository.list_tenants(after, 2).await?;
    ensure_eq!(second, created[2..], "the second page of tenants");
    Ok(())
}

fn new_key(tenant: TenantId, key_id: &str) -> NewApiKey {
    NewApiKey {
        tenant,
        key_id: key_id.to_owned(),
        secret_hash: [3; 32],
        name: Some("of the portal".to_owned()),
        scopes: [Scope::FilesRead, Scope::FilesClaim].into_iter().collect(),
        expires_at: Some(Timestamp::from_millis(1_900_000_000_000)),
    }
}

async fn create(world: &World, key: &NewApiKey) -> Result<ApiKeyRecord, Problem> {
    let created = world.repository().create_api_key(key, world.now()).await?;
    created.ok_or_else(|| Problem::new("a key of a tenant that exists is refused"))
}

/// Describes a key for comparison; its record has no equality, so that secrets are not compared by it.
fn describe(key: &ApiKeyRecord) -> String {
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?}",
        key.key_id,
        key.secret_hash,
        key.name,
        key.principal,
        key.created_at,
        key.expires_at,
        key.revoked_at
    )
}

pub(super) async fn keys_are_kept_and_found(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let tenant = &tenancy.principal.tenant;
    let unknown = new_key(TenantId::new(i64::MAX), "k0");
    let created = repository.create_api_key(&unknown, world.now()).await?;
    ensure!(created.is_none(), "a key of an unknown tenant is created");
    ensure!(
        repository.find_api_key("k0").await?.is_none(),
        "a key that was not created is found"
    );

    let wanted = new_key(tenant.id, "k1");
    let created = create(world, &wanted).await?;
    ensure_eq!(created.key_id, wanted.key_id, "the key's id");
    ensure_eq!(created.secret_hash, wanted.secret_hash, "the key's hash");
    ensure_eq!(created.name, wanted.name, "the key's name");
    ensure_eq!(created.principal.scopes, wanted.scopes, "the key's scopes");
    ensure_eq!(&created.principal.tenant, tenant, "the key's tenant");
    ensure_eq!(created.expires_at, wanted.expires_at, "the key's end");
    ensure_eq!(created.revoked_at, None, "a new key's revocation");
    let other = create(world, &new_key(tenant.id, "k2")).await?;
    ensure!(
        other.principal.seq > created.principal.seq,
        "principals are not numbered in order"
    );

    let found = repository.find_api_key("k1").await?;
    ensure_eq!(
        found.as_ref().map(describe),
        Some(describe(&created)),
        "the key found"
    );
    let none = NewApiKey {
        name: None,
        expires_at: None,
        scopes: Scopes::default(),
        ..new_key(tenant.id, "k3")
    };
    let bare = create(world, &none).await?;
    ensure_eq!(
        (bare.name, bare.expires_at),
        (None, None),
        "a key without name and end"
    );
    ensure_eq!(
        bare.principal.scopes,
        Scopes::default(),
        "a key without scopes"
    );
    Ok(())
}

pub(super) async fn keys_are_listed_in_pages(world: &World) -> CheckResult {
    let repository = world.repository();
    let north = world.tenant("north").await?.principal.tenant.id;
    let south = world.tenant("south").await?.principal.tenant.id;
    for number in 0..5 {
        create(world, &new_key(north, &format!("n{number}"))).await?;
        create(world, &new_key(south, &format!("s{number}"))).await?;
    }
    for tenant in [Some(north), Some(south), None] {
        let all = repository.list_api_keys(tenant, None, 100).await?;
        let expected = if tenant.is_some() { 6 } else { 12 };
        ensure_eq!(all.len(), expected, "keys of {tenant:?}");
        let sorted = all.is_sorted_by_key(|key| key.principal.seq);
        ensure!(sorted, "keys are not listed in the order of their creation");
        let own = |key: &ApiKeyRecord| tenant.is_none_or(|id| key.principal.tenant.id == id);
        ensure!(all.iter().all(own), "a list of keys holds a foreign one");

        let mut paged = Vec::new();
        let mut after = None;
        while paged.len() < all.len() {
            let page = repository.list_api_keys(tenant, after, 4).await?;
            ensure!(
                (1..=4).contains(&page.len()),
                "a page of {} keys",
                page.len()
            );
            after = page.last().map(|key| key.principal.seq);
            paged.extend(page);
        }
        let ids = |keys: &[ApiKeyRecord]| -> Vec<String> {
            keys.iter().map(|key| key.key_id.clone()).collect()
        };
        ensure_eq!(ids(&paged), ids(&all), "keys paged through");
    }
    Ok(())
}

pub(super) async fn keys_are_revoked_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenant = world.tenant("north").await?.principal.tenant.id;
    create(world, &new_key(tenant, "k1")).await?;
    let first = world.now();
    for at in [first, world.now()] {
        let revoked = repository.revoke_api_key("k1", at).await?;
        let revoked_at = revoked.and_then(|key| key.revoked_at);
        ensure_eq!(revoked_at, Some(first), "the time of revocation");
    }
    let found = repository.find_api_key("k1").await?;
    let found = found.ok_or_else(|| Problem::new("a revoked key is not found"))?;
    ensure_eq!(found.revoked_at, Some(first), "the revocation found");
    let unknown = repository.revoke_api_key("k9", world.now()).await?;
    ensure!(unknown.is_none(), "an unknown key is revoked");
    Ok(())
}

pub(super) async fn subjects_are_registered_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let north = world.tenant("north").await?.principal.tenant.id;
    let south = world.tenant("south").await?.principal.tenant.id;
    let key = create(world, &new_key(north, "k1")).await?.principal;
    let register = async |tenant, subject: &str| -> Result<_, Problem> {
        let subject = PrincipalSubject::parse(subject)?;
        let now = world.now();
        Ok(repository.register_principal(tenant, &subject, now).await?)
    };
    let first = register(north, "user:7").await?;
    ensure!(first.is_some(), "a principal is not registered");
    ensure_eq!(register(north, "user:7").await?, first, "the same again");
    let others = [
        register(north, "User:7").await?,
        register(south, "user:7").await?,
        register(north, "key:k1").await?,
        Some(key.seq),
    ];
    ensure!(
        !others.contains(&first) && !others.contains(&None),
        "principals that differ are taken for one"
    );
    ensure_eq!(register(north, "key:k1").await?, others[2], "like a key's");
    ensure!(
        others[2] != Some(key.seq),
        "a subject is taken for the key it is named like"
    );
    let unknown = register(TenantId::new(i64::MAX), "user:7").await?;
    ensure_eq!(unknown, None, "a principal of an unknown tenant");
    let keys = repository.list_api_keys(Some(north), None, 100).await?;
    let listed = |key: &ApiKeyRecord| Some(key.principal.seq) == first;
    ensure!(!keys.iter().any(listed), "a principal is listed as a key");
    Ok(())
}

pub(super) async fn healthy_repositories_respond(world: &World) -> CheckResult {
    world.repository().health().await?;
    Ok(())
}
