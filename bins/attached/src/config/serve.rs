//! The flags of `serve`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use attache::{Dialects, Downloads, OriginPattern, PublicUrl};
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use super::listen::parse_listen;
use super::values::{parse_bytes, parse_delay, parse_dialects, parse_lifetime};

/// The flags of `serve`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Serving")]
pub(crate) struct ServeArgs {
    /// The address to listen on. With port 0 a free port is chosen and printed
    #[arg(
        long,
        env = "ATTACHE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080",
        value_parser = parse_listen
    )]
    pub(crate) listen: SocketAddr,
    /// The URL at which clients reach the server, used in links; may include a path that a proxy
    /// strips [default: the listen address]
    #[arg(long, env = "ATTACHE_PUBLIC_URL", value_name = "URL", value_parser = PublicUrl::parse)]
    public_url: Option<PublicUrl>,
    /// Published APIs to serve beside the native one: `all`, `none`, or a comma-separated list of
    /// credentials-portal, participant-files, dokstamp, biometricscloud, flexportal
    #[arg(
        long,
        env = "ATTACHE_DIALECTS",
        value_name = "DIALECTS",
        default_value_t,
        value_parser = parse_dialects
    )]
    pub(crate) dialects: Dialects,
    /// The maximum size of one upload, all its files together: in bytes, or with KiB, MiB, GiB
    #[arg(
        long,
        env = "ATTACHE_MAX_UPLOAD_BYTES",
        value_name = "BYTES",
        default_value = "5GiB",
        value_parser = parse_bytes
    )]
    pub(crate) max_upload_bytes: u64,
    /// The silence after which an upload counts as abandoned, and its bytes are deleted
    #[arg(
        long,
        env = "ATTACHE_UPLOAD_LEASE",
        value_name = "DURATION",
        default_value = "90s",
        value_parser = parse_lifetime
    )]
    pub(crate) upload_lease: Duration,
    /// Origins of web pages that may call the API with a key: a comma-separated list, such as
    /// `https://app.example.org` or `https://*.example.org` [default: none]
    #[arg(
        long,
        env = "ATTACHE_CORS_ORIGINS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        value_parser = OriginPattern::parse
    )]
    pub(crate) cors_origins: Vec<OriginPattern>,
    /// Origins of web pages that may show links and public files in a frame: a comma-separated list, as
    /// for `--cors-origins` [default: none]
    #[arg(
        long,
        env = "ATTACHE_FRAME_ANCESTORS",
        value_name = "ORIGINS",
        value_delimiter = ',',
        value_parser = OriginPattern::parse
    )]
    pub(crate) frame_ancestors: Vec<OriginPattern>,
    /// Serve downloads through the server, or by a redirect to a URL that the store signs for a
    /// minute. Inline content always comes through the server
    #[arg(
        long,
        env = "ATTACHE_DOWNLOADS",
        value_name = "MODE",
        value_enum,
        default_value_t = DownloadsArg::Stream
    )]
    pub(crate) downloads: DownloadsArg,
    /// The maximum number of open connections. When all are taken, the one that has been idle for the
    /// longest time makes room; more wait to be accepted
    #[arg(
        long,
        env = "ATTACHE_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) max_connections: u32,
    /// The maximum number of open connections from one address other than this machine's (of IPv6: from
    /// one /64 network) [default: half of --max-connections]
    #[arg(
        long,
        env = "ATTACHE_MAX_CONNECTIONS_PER_PEER",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) max_connections_per_peer: Option<u32>,
    /// The number of refused requests of one address (of IPv6: of one /64 network) in a second that get
    /// their own response and log line; more get 429, except from this machine, and are counted in the log
    #[arg(
        long,
        env = "ATTACHE_MAX_REFUSALS_PER_SECOND",
        value_name = "COUNT",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) max_refusals_per_second: u32,
    /// Log the address of the client with each request: behind a proxy, the proxy's
    #[arg(
        long,
        env = "ATTACHE_LOG_ADDRESSES",
        value_parser = BoolishValueParser::new()
    )]
    pub(crate) log_addresses: bool,
    /// The time after a signal to stop in which `/readyz` responds with 503 while connections are still
    /// accepted, so that a load balancer notices first
    #[arg(
        long,
        env = "ATTACHE_SHUTDOWN_DELAY",
        value_name = "DURATION",
        default_value = "0s",
        value_parser = parse_delay
    )]
    pub(crate) shutdown_delay: Duration,
    /// The address to serve metrics on, at /metrics; keep it off public networks [default: none]
    #[arg(
        long,
        env = "ATTACHE_ADMIN_LISTEN",
        value_name = "ADDRESS:PORT",
        value_parser = parse_listen
    )]
    pub(crate) admin_listen: Option<SocketAddr>,
}

/// The values of `--downloads`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DownloadsArg {
    Stream,
    Redirect,
}

impl From<DownloadsArg> for Downloads {
    fn from(arg: DownloadsArg) -> Self {
        match arg {
            DownloadsArg::Stream => Self::Stream,
            DownloadsArg::Redirect => Self::Redirect,
        }
    }
}

impl ServeArgs {
    /// Returns the configured public URL, or the URL of the bound address.
    ///
    /// # Errors
    ///
    /// Never for a socket address.
    pub(crate) fn public_url(&self, bound: SocketAddr) -> anyhow::Result<PublicUrl> {
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => Ok(PublicUrl::parse(&local_url(bound))?),
        }
    }

    /// Returns `true` if links will contain an address that only this machine can reach.
    pub(crate) fn links_stay_local(&self, bound: SocketAddr) -> bool {
        self.public_url.is_none() && bound.ip().is_unspecified()
    }
}

/// Returns the URL at which this machine reaches a server that listens on `bound`.
pub(crate) fn local_url(mut bound: SocketAddr) -> String {
    match bound.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => bound.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => bound.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{bound}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_url_of_unspecified_address_is_loopback() {
        for (bound, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
        ] {
            assert_eq!(local_url(bound.parse().unwrap()), url);
        }
    }
}
