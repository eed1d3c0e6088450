//! The address to listen on.

use std::net::{SocketAddr, ToSocketAddrs as _};

const EXAMPLE: &str =
    "write ADDRESS:PORT, such as 127.0.0.1:8080, or 0.0.0.0:8080 for all interfaces";

/// Parses `ADDRESS:PORT`. A host name is resolved; of its addresses an IPv4 one is preferred.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.trim_end_matches('/');
        return Err(format!(
            "is a URL: leave out `{scheme}://` and write {rest}"
        ));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(match text.parse::<u16>() {
            Ok(port) => format!(
                "has no address: write 127.0.0.1:{port}, or 0.0.0.0:{port} for all interfaces"
            ),
            Err(_) => format!("has no port: {EXAMPLE}"),
        });
    };
    let port: u16 = port
        .parse()
        .map_err(|_| format!("the port `{port}` is not a number from 0 to 65535: {EXAMPLE}"))?;
    if host.is_empty() {
        return Err(format!(
            "has no address: write 127.0.0.1:{port}, or 0.0.0.0:{port} for all interfaces"
        ));
    }
    if host.contains(':') {
        let host = host.trim_matches(['[', ']']);
        return Err(format!(
            "an IPv6 address stands in brackets: write [{host}]:{port}"
        ));
    }
    let resolved = (host, port).to_socket_addrs();
    let addresses: Vec<_> = resolved
        .map_err(|error| format!("the host `{host}` cannot be resolved ({error}): {EXAMPLE}"))?
        .collect();
    let first = addresses.iter().find(|address| address.is_ipv4());
    first
        .or(addresses.first())
        .copied()
        .ok_or_else(|| format!("the host `{host}` has no address: {EXAMPLE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_or_name_of_this_machine_is_read() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:8081", "[::1]:8081"),
            ("localhost:8081", "127.0.0.1:8081"),
        ] {
            assert_eq!(parse_listen(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn refused_address_says_what_would_be_right() {
        for (text, hint) in [
            ("8080", "write 127.0.0.1:8080, or 0.0.0.0:8080"),
            (":8080", "write 127.0.0.1:8080, or 0.0.0.0:8080"),
            ("127.0.0.1", "has no port"),
            ("localhost", "has no port"),
            ("localhost:http", "the port `http`"),
            ("127.0.0.1:80800", "from 0 to 65535"),
            ("http://localhost:80/", "write localhost:80"),
            ("::1:8080", "write [::1]:8080"),
            ("no such host:80", "the host `no such host`"),
        ] {
            let refused = parse_listen(text).unwrap_err();
            assert!(refused.contains(hint), "{text}: {refused}");
        }
    }
}
