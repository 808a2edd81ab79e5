//! A TCP port for a server that a test starts.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ports that systems give to outgoing connections and to listeners that ask for any: one of those
/// could take the port while its server is down.
const PORTS: Range<u16> = 20_000..32_000;

/// The ports of this process that were looked at.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// A port of this machine that no other test gets while this lives, whether or not its server runs.
pub(crate) struct Port {
    number: u16,
    /// The UDP port of the same number, which tells the tests of all processes that it is taken.
    _taken: UdpSocket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let count = u32::from(PORTS.end - PORTS.start);
        let first = process::id().wrapping_mul(97);
        (0..count)
            .map(|_| u32::from(LOOKED_AT.fetch_add(1, Ordering::Relaxed)).wrapping_add(first))
            .map(|looked_at| PORTS.start + u16::try_from(looked_at % count).unwrap())
            .find_map(Self::take)
            .expect("every port that a test may use is taken")
    }

    fn take(number: u16) -> Option<Self> {
        let address = (Ipv4Addr::LOCALHOST, number);
        let taken = UdpSocket::bind(address).ok()?;
        TcpListener::bind(address).ok()?;
        Some(Self { number, _taken: taken })
    }

    pub(crate) const fn number(&self) -> u16 {
        self.number
    }
}
