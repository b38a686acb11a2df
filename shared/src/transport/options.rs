//! What the daemons may choose about their end.

use std::fmt;

use zeroize::Zeroizing;

/// How a sender finds out how fast it may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Congestion {
    /// CUBIC (RFC 9438): takes every lost packet for a full queue. The one that QUIC libraries have
    /// used longest.
    Cubic,
    /// BBR: measures what the path carries. The library calls it experimental.
    Bbr,
}

/// Signs stateless resets (RFC 9000 §10.3), by which a restarted hub tells its agents at once that
/// their connections are gone. Kept secret, and over restarts: who knows it can cut connections.
#[derive(Clone)]
pub struct ResetKey(Zeroizing<[u8; Self::BYTES]>);

impl ResetKey {
    /// A block of the hash that resets are signed with.
    pub const BYTES: usize = 64;

    /// Takes the key as the daemon has stored it.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn hmac(&self) -> aws_lc_rs::hmac::Key {
        aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.0.as_slice())
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey(..)")
    }
}

/// A hub's end.
#[derive(Debug, Clone)]
pub struct ListenOptions {
    /// See [`ResetKey`].
    pub reset_key: ResetKey,
    /// Of what the hub sends: acknowledgements and orders, for which CUBIC will do, and which has
    /// the smaller state in a place where 10,000 of them stand.
    pub congestion: Congestion,
    /// Whether to look for larger packets than 1,200 bytes towards the agents. Off: what a hub
    /// sends is small, and the search keeps state for each connection.
    pub mtu_discovery: bool,
    /// Connections in all, those that are closing included; what comes beyond is not answered. At
    /// some 30 kB each, the default is 600 MB.
    pub connections_max: usize,
    /// Handshakes at once; who comes beyond waits for a place. The default is a tenth of a second's
    /// work for one core.
    pub handshakes_max: usize,
    /// Proven callers that wait for a place. A datagram of each is kept, and with it the whole
    /// train of datagrams that it was received in, 64 KiB at most: 256 MB where each is an
    /// attacker's. A fleet of 5,000 that comes back spreads itself over two seconds, in which one
    /// core serves half of them.
    pub waiting_max: usize,
    /// Handshakes at once from which on an address must first prove itself by a `Retry`
    /// (RFC 9000 §8.1.2). It costs a round trip, so it is not asked for in peace; under a flood
    /// with forged addresses it is all that the forger gets.
    pub retry_above: usize,
    /// Handshakes at once of one proven source: an IPv4 address, or an IPv6 network of 64 bits.
    /// Many regions may stand behind one address, so this is no small number.
    pub handshakes_per_source_max: usize,
    /// Joins at once. Each is one request by one administrator, or by an agent that recovers. Where
    /// all are taken, the longest silent one of the source that has most gives way to one of a
    /// source that has fewer.
    pub joins_max: usize,
    /// Joins at once of one source.
    pub joins_per_source_max: usize,
    /// Bytes by which all connections' receive windows together may exceed their beginning of
    /// 128 KiB, so that a hub that does not keep up is not filled by its fleet.
    pub window_budget_bytes: usize,
}

impl ListenOptions {
    /// What a hub of 10,000 regions on a small machine wants.
    pub fn new(reset_key: ResetKey) -> Self {
        Self {
            reset_key,
            congestion: Congestion::Cubic,
            mtu_discovery: false,
            connections_max: 20_000,
            handshakes_max: 256,
            waiting_max: 4096,
            retry_above: 64,
            handshakes_per_source_max: 64,
            joins_max: 64,
            joins_per_source_max: 8,
            window_budget_bytes: 1 << 30,
        }
    }
}

impl ListenOptions {
    /// What an unjoined agent's door wants: one administrator calls, once or twice, so everything
    /// beyond a handful is strangers. A reset key is of no use to who calls once.
    pub fn door() -> Self {
        Self {
            connections_max: 16,
            handshakes_max: 8,
            waiting_max: 8,
            retry_above: 2,
            handshakes_per_source_max: 4,
            joins_max: 4,
            joins_per_source_max: 2,
            window_budget_bytes: 0,
            ..Self::new(ResetKey::from_bytes(rand::random()))
        }
    }
}

/// An agent's end, or a child hub's.
#[derive(Debug, Clone)]
pub struct DialOptions {
    /// Of what the agent sends, which is the bulk. BBR: at a round trip of 200 ms with 1 % loss it
    /// carried four times what CUBIC did, since CUBIC halves its rate for losses that no queue
    /// caused. The library calls it experimental, so it can be chosen.
    pub congestion: Congestion,
    /// Whether to look for larger packets than 1,200 bytes towards the hub. On: a fifth fewer
    /// packets is work saved at the hub.
    pub mtu_discovery: bool,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self {
            congestion: Congestion::Bbr,
            mtu_discovery: true,
        }
    }
}
