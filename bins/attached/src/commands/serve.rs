//! `serve`: opens the installation, serves until a signal, and closes everything.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use attache::{
    Administration, ApiKeyRequest, HttpConfig, HttpService, Installation, InstallationOptions,
    Limits, Scopes, ServiceBuilder, SigningKeySource, TenantSlug,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::explain;
use crate::config::{ServeArgs, local_url};
use crate::gauges::record_gauges;
use crate::logging::Log;
use crate::metrics::Metrics;
use crate::output::print;
use crate::reload;
use crate::server::{Server, available_connections, serve_metrics};
use crate::shutdown::{self, Reloads};

/// The time limit of commits in flight and of closing the database, after the last request.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(15);

/// The tenant that the first start creates.
const FIRST_TENANT: &str = "default";

pub(super) async fn run(
    args: ServeArgs,
    options: InstallationOptions,
    log: &Log,
) -> anyhow::Result<()> {
    // Install signal handlers first, so a shutdown during startup is not lost.
    let stop = shutdown::listen()?;
    let reloads = Reloads::listen()?;
    let generates_keys =
        matches!(&options.signing_keys, SigningKeySource::Generated(path) if !path.exists());
    let is_shared = options.database.is_shared();
    let installation = open(&args, options).await?;
    if generates_keys && installation.administration().has_api_keys().await? {
        tracing::warn!(
            "new signing keys were generated: earlier links and cursors are no longer valid"
        );
    }
    let (listener, bound) = bind(args.listen, "--listen").await?;
    let admin = start_admin(&args, &installation).await?;
    let first_key = if is_shared {
        // Servers that start at the same time would each create a key.
        warn_without_tenants(installation.administration()).await?;
        String::new()
    } else {
        prepare_first_start(installation.administration(), bound).await?
    };
    if let Err(error) = installation.service().check_health().await {
        let reason = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(reason, "not ready yet: /readyz responds with the same");
    }

    let config = HttpConfig::new(args.public_url(bound)?)
        .allowed_origins(args.cors_origins.clone())
        .frame_ancestors(args.frame_ancestors.clone())
        .dialects(args.dialects.clone());
    let http = HttpService::new(installation.service().clone(), config);
    let server = limited_server(http.clone(), &args);
    if args.links_stay_local(bound) {
        tracing::warn!(
            "links will point to this machine: set --public-url to the URL that clients use"
        );
    }
    print(&format!(
        "{first_key}attached listening on http://{bound}\n"
    ))?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), address = %bound, "serving");

    let shutdown = async {
        let signal = stop.await;
        http.set_ready(false);
        let delay = args.shutdown_delay;
        if !delay.is_zero() {
            let seconds = delay.as_secs_f64();
            tracing::info!(signal, seconds, "not ready any more, but still accepting");
            tokio::time::sleep(delay).await;
        }
        tracing::info!(signal, "shutting down: in-flight requests may finish");
    };
    tokio::select! {
        () = server.run(listener, shutdown) => {}
        () = reload::run(reloads, &installation, log) => {}
    }
    drop(admin);
    if timeout(CLOSE_TIMEOUT, installation.close()).await.is_err() {
        tracing::warn!("the database did not respond to the end; what was acknowledged is kept");
    }
    tracing::info!("stopped");
    Ok(())
}

fn limited_server(http: HttpService, args: &ServeArgs) -> Server {
    let max_connections = usize::try_from(args.max_connections).unwrap_or(usize::MAX);
    let max_connections = available_connections(max_connections);
    let per_peer = args.max_connections_per_peer.map(usize::try_from);
    let per_peer = per_peer.map_or(max_connections.div_ceil(2), |it| it.unwrap_or(usize::MAX));
    Server::new(
        http,
        max_connections,
        per_peer,
        args.max_refusals_per_second,
    )
    .log_addresses(args.log_addresses)
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

/// A task that is aborted on drop.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn start_admin(
    args: &ServeArgs,
    installation: &Installation,
) -> anyhow::Result<Option<AbortOnDrop>> {
    let Some(address) = args.admin_listen else {
        return Ok(None);
    };
    let (listener, bound) = bind(address, "--admin-listen").await?;
    let metrics = Metrics::install(installation.queues())?;
    tracing::info!(address = %bound, "serving metrics at /metrics");
    let gauges = record_gauges(installation.repository(), installation.store());
    let task = tokio::spawn(async move {
        tokio::join!(serve_metrics(listener, metrics), gauges);
    });
    Ok(Some(AbortOnDrop(task)))
}

/// Logs how to create the first tenant and key of a shared database.
async fn warn_without_tenants(administration: &Administration) -> anyhow::Result<()> {
    if !administration.has_tenants().await? {
        tracing::warn!(
            "there is no tenant yet: run `attached tenant create SLUG`, then \
             `attached key create --tenant SLUG`"
        );
    }
    Ok(())
}

/// Creates the first tenant and its key if there is no tenant yet. Returns the text to print.
async fn prepare_first_start(
    administration: &Administration,
    bound: SocketAddr,
) -> anyhow::Result<String> {
    let tenant = TenantSlug::parse(FIRST_TENANT)?;
    if administration.has_api_keys().await? {
        return Ok(String::new());
    }
    // An interrupted first start leaves a tenant without a key.
    let was_interrupted = administration.find_tenant(&tenant).await?.is_some();
    if administration.has_tenants().await? && !was_interrupted {
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
    let key = issued.context("the new tenant is missing")?.key.reveal();
    let (key, url) = (key.as_str(), local_url(bound));
    Ok(format!(
        "First start: created the tenant `{FIRST_TENANT}` and an API key, which is shown only this once:\n\
         \n    {key}\n\
         \nStore a file with it:\n\
         \n    curl -H \"Authorization: Bearer {key}\" -F file=@README.md {url}/v1/files\n\n"
    ))
}
