//! The other end of connections, as the limits see it.

use std::net::{IpAddr, Ipv4Addr};

/// The other end of connections that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    /// This machine. Proxies connect from here for any number of clients: not limited.
    Loopback,
    V4(Ipv4Addr),
    /// An IPv6 network of 64 bits: one customer of a provider has at least that.
    V6(u128),
}

const V6_NETWORK: u128 = !0 << 64;

impl Peer {
    /// Returns the peer that an address belongs to.
    pub(super) fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        match address {
            _ if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address.to_bits() & V6_NETWORK),
        }
    }
}
