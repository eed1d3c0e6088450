//! `serve`: opening everything, serving until told to end, closing everything.

use std::net::SocketAddr;

use anyhow::Context as _;
use attache::{
    Administration, ApiKeyRequest, HttpConfig, HttpService, Installation, InstallationOptions,
    Limits, Scopes, ServiceBuilder, SigningKeySource, TenantSlug,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::explain;
use crate::config::{ServeArgs, local_url};
use crate::output::print;
use crate::server::{Server, room_for_connections, serve_metrics};
use crate::{metrics, shutdown};

/// The tenant that the first start makes.
const FIRST_TENANT: &str = "default";

pub(super) async fn run(args: ServeArgs, options: InstallationOptions) -> anyhow::Result<()> {
    // From here on a signal to end is heard, and comes to its turn.
    let stop = shutdown::listen()?;
    let makes_keys =
        matches!(&options.signing_keys, SigningKeySource::Generated(path) if !path.exists());
    let is_shared = options.database.is_shared();
    let installation = open(&args, options).await?;
    if makes_keys && installation.administration().has_api_keys().await? {
        tracing::warn!(
            "new signing keys were made: links and cursors made before do not work any more"
        );
    }
    let (listener, bound) = bind(args.listen, "--listen").await?;
    let admin = start_admin(&args).await?;
    let first_key = if is_shared {
        // Servers that start together would each make one.
        remind_of_tenants(installation.administration()).await?;
        String::new()
    } else {
        first_start(installation.administration(), bound).await?
    };
    if let Err(error) = installation.service().check_health().await {
        let reason = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(reason, "not ready yet, and /readyz says so");
    }

    let config = HttpConfig::new(args.public_url(bound)?)
        .allowed_origins(args.cors_origins.clone())
        .dialects(args.dialects);
    let http = HttpService::new(installation.service().clone(), config);
    let max_connections = usize::try_from(args.max_connections).unwrap_or(usize::MAX);
    let server = Server::new(http.clone(), room_for_connections(max_connections));
    if args.links_stay_local(bound) {
        tracing::warn!(
            "links will point at this machine: set --public-url to where clients reach it"
        );
    }
    print(&format!(
        "{first_key}attached listening on http://{bound}\n"
    ))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address = %bound, "serving");

    let unready = async {
        let signal = stop.await;
        tracing::info!(signal, "ending: requests under way may finish");
        http.set_ready(false);
    };
    server.run(listener, unready).await;
    drop(admin);
    installation.close().await;
    tracing::info!("ended");
    Ok(())
}

async fn open(args: &ServeArgs, options: InstallationOptions) -> anyhow::Result<Installation> {
    let limits = Limits {
        max_upload_bytes: args.max_upload_bytes,
        ..Limits::default()
    };
    let lease = args.upload_lease;
    let downloads = args.downloads.into();
    let configure =
        |builder: ServiceBuilder| builder.limits(limits).lease(lease).downloads(downloads);
    let opened = Installation::open_with(options, configure).await;
    opened.map_err(explain)
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("{flag}: cannot listen on {address}"))?;
    let bound = listener
        .local_addr()
        .context("the listener has no address")?;
    Ok((listener, bound))
}

/// A task that ends with its owner.
struct Aborting(JoinHandle<()>);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start_admin(args: &ServeArgs) -> anyhow::Result<Option<Aborting>> {
    let Some(address) = args.admin_listen else {
        return Ok(None);
    };
    let (listener, bound) = bind(address, "--admin-listen").await?;
    let handle = metrics::install()?;
    tracing::info!(address = %bound, "serving metrics at /metrics");
    Ok(Some(Aborting(tokio::spawn(serve_metrics(
        listener, handle,
    )))))
}

/// Tells how to make the first tenant and key of a database that several servers share.
async fn remind_of_tenants(administration: &Administration) -> anyhow::Result<()> {
    if !administration.has_tenants().await? {
        tracing::warn!(
            "there is no tenant yet: run `attached tenant create SLUG`, then \
             `attached key create --tenant SLUG`"
        );
    }
    Ok(())
}

/// Makes the first tenant and its key where there is no tenant yet; answers what to print of it.
async fn first_start(administration: &Administration, bound: SocketAddr) -> anyhow::Result<String> {
    let tenant = TenantSlug::parse(FIRST_TENANT)?;
    if administration.has_api_keys().await? {
        return Ok(String::new());
    }
    // A tenant without a key is what a first start leaves that was cut between the two.
    let made = administration.find_tenant(&tenant).await?.is_some();
    if administration.has_tenants().await? && !made {
        return Ok(String::new());
    }
    administration.create_tenant(&tenant).await?;
    let request = ApiKeyRequest {
        tenant,
        name: Some("first start".to_owned()),
        scopes: Scopes::all(),
        lifetime: None,
    };
    let issued = administration.create_api_key(request).await?;
    let key = issued
        .context("the tenant that was just made is gone")?
        .key
        .reveal();
    let (key, url) = (key.as_str(), local_url(bound));
    Ok(format!(
        "This is the first start. The tenant `{FIRST_TENANT}` was made, with an API key that is shown only now:\n\
         \n    {key}\n\
         \nStore a file with it:\n\
         \n    curl -H \"Authorization: Bearer {key}\" -F file=@README.md {url}/v1/files\n\n"
    ))
}
