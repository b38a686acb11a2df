//! quinn's many settings, each with its reason.

use std::sync::Arc;
use std::time::Duration;

use quinn::congestion::{BbrConfig, CubicConfig};
use quinn::{
    EndpointConfig, IdleTimeout, MtuDiscoveryConfig, NoneTokenLog, NoneTokenStore, TransportConfig,
    ValidationTokenConfig, VarInt,
};
use quinn_proto::RandomConnectionIdGenerator;

use super::connection_id::TaggedIds;
use super::error::TransportError;
use super::options::{Congestion, DialOptions, ListenOptions, ResetKey};
use super::tls::{self, ClientTls, ServerTls};
use super::window::{WINDOW_BASE, WINDOW_MAX};
use crate::pki::JOIN_ALPN;

/// Silence after which QUIC gives a connection up without a word. Longer than the link's own limit
/// (`link::SILENCE_MAX`), which closes with a reason. There is no QUIC keep-alive: the link's
/// heartbeats are what proves that an agent lives, where a keep-alive proves only its library.
const IDLE_MAX_MS: u32 = 15_000;

/// RFC 9002 §6.2.2. A first packet that is lost is repeated after three times this.
const INITIAL_RTT: Duration = Duration::from_millis(333);

/// Streams that an agent may have open to its hub: the control stream, and a feed of each kind with
/// room for later kinds. QUIC keeps a place for each, and these are what a table of 16 holds.
const HUB_STREAMS: Streams = Streams { bidi: 2, uni: 12 };

/// Streams that a hub may have open to its agent: carried API calls, and feeds of the directory.
const AGENT_STREAMS: Streams = Streams { bidi: 64, uni: 16 };

/// What one feed may have on its way to a hub: all that its connection's window ever comes to.
const HUB_STREAM_WINDOW: u32 = WINDOW_MAX;

/// What one feed may have on its way to an agent.
const AGENT_STREAM_WINDOW: u32 = 1 << 20;

/// What all streams may have on their way to an agent. Four feeds that stand still leave room for
/// the control stream.
const AGENT_WINDOW: u32 = 4 * AGENT_STREAM_WINDOW + (256 << 10);

/// What a hub keeps for one agent to repeat it. 10,000 agents behind a dead line then take 2.5 GB
/// at the very worst, and the directory still flows at 1.2 MB/s over 200 ms.
pub(super) const HUB_SEND_WINDOW: u64 = 256 << 10;

/// What an agent keeps for its hub to repeat it: as much as the hub may want.
pub(super) const AGENT_SEND_WINDOW: u64 = WINDOW_MAX as u64;

/// Connection attempts that wait to be looked at, for each handshake that there may be. They are
/// looked at as fast as they come, unless the listener's task stands still.
const INCOMING_PER_HANDSHAKE: usize = 4;

/// Further bytes kept of an attempt that waits. Nobody sends more before an answer.
const INCOMING_BYTES_MAX: u64 = 4 << 10;

/// The same of all together: what was repeated by whoever waits for long.
const INCOMING_BYTES_TOTAL_MAX: u64 = 16 << 20;

/// Bytes of UDP payload that an Ethernet frame of 1,500 holds over IPv6.
const MTU_ETHERNET: u16 = 1452;

/// The search for a path's largest packet takes no smaller steps. Just over half of what there is
/// to gain over [`INITIAL_MTU`]: so it asks for all of it first, and then for half, where smaller
/// steps would have every agent send five large packets of padding as soon as it is connected.
const MTU_STEP: u16 = (MTU_ETHERNET - INITIAL_MTU) / 2 + 1;

/// What every path of QUIC carries (RFC 9000 §14.1).
const INITIAL_MTU: u16 = 1200;

/// What a door may have on its way to a hub: its one answer.
const DOOR_WINDOW: u32 = 32 << 10;

/// Two of these may be lost before QUIC takes the hub for gone.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// Bytes of an agent's connection ids, which stand in each packet that it gets. It has a connection
/// or two at a time, and an id that is taken already is drawn again.
const AGENT_ID_BYTES: usize = 4;

struct Streams {
    bidi: u32,
    uni: u32,
}

pub(super) fn server(
    tls: ServerTls,
    options: &ListenOptions,
) -> Result<quinn::ServerConfig, TransportError> {
    let mut transport = transport(options.congestion, options.mtu_discovery);
    streams(&mut transport, &HUB_STREAMS);
    transport
        // It would keep room for eleven packets on each connection, for a hub that sends few.
        .enable_segmentation_offload(false)
        .stream_receive_window(VarInt::from_u32(HUB_STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW_BASE))
        .send_window(HUB_SEND_WINDOW);
    let mut config = quinn::ServerConfig::with_crypto(tls::server(tls)?);
    let mut tokens = ValidationTokenConfig::default();
    // Tokens would save agents a Retry that they are hardly ever asked for.
    tokens.sent(0).log(Arc::new(NoneTokenLog));
    config
        .transport_config(Arc::new(transport))
        .validation_token_config(tokens)
        .max_incoming(options.waiting_max + INCOMING_PER_HANDSHAKE * options.handshakes_max)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL_MAX);
    Ok(config)
}

/// A hub's configuration for a door. A hub waits for it longer than QUIC bears silence, and says
/// all the while that it is there.
pub(super) fn door_client(tls: ClientTls) -> Result<quinn::ClientConfig, TransportError> {
    let mut transport = transport(Congestion::Cubic, false);
    // Nobody may open a stream towards the hub.
    streams(&mut transport, &Streams { bidi: 0, uni: 0 });
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        .stream_receive_window(VarInt::from_u32(DOOR_WINDOW))
        .receive_window(VarInt::from_u32(DOOR_WINDOW));
    let mut config = quinn::ClientConfig::new(tls::client(tls)?);
    config
        .transport_config(Arc::new(transport))
        .token_store(Arc::new(NoneTokenStore));
    Ok(config)
}

pub(super) fn client(
    tls: ClientTls,
    options: &DialOptions,
) -> Result<quinn::ClientConfig, TransportError> {
    // Who joins sends one small frame.
    let joins = tls.alpn_protocols.iter().any(|it| it == JOIN_ALPN);
    let mut transport = transport(options.congestion, options.mtu_discovery && !joins);
    streams(&mut transport, &AGENT_STREAMS);
    transport
        .stream_receive_window(VarInt::from_u32(AGENT_STREAM_WINDOW))
        .receive_window(VarInt::from_u32(AGENT_WINDOW))
        .send_window(AGENT_SEND_WINDOW);
    let mut config = quinn::ClientConfig::new(tls::client(tls)?);
    config
        .transport_config(Arc::new(transport))
        .token_store(Arc::new(NoneTokenStore));
    Ok(config)
}

pub(super) fn server_endpoint(reset_key: &ResetKey) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(reset_key.hmac()));
    let key = reset_key.clone();
    config
        .cid_generator(move || Box::new(TaggedIds::new(&key)))
        // The library's 20 ms would let most agents of a restarted hub wait for their timeouts.
        .min_reset_interval(Duration::ZERO);
    config
}

pub(super) fn client_endpoint() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.cid_generator(|| Box::new(RandomConnectionIdGenerator::new(AGENT_ID_BYTES)));
    config
}

fn transport(congestion: Congestion, mtu_discovery: bool) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MAX_MS))))
        .keep_alive_interval(None)
        .initial_rtt(INITIAL_RTT)
        .initial_mtu(INITIAL_MTU)
        .mtu_discovery_config(mtu_discovery.then(mtu_search))
        .datagram_receive_buffer_size(None)
        // The spin bit shows round trips to whoever looks on.
        .allow_spin(false);
    match congestion {
        Congestion::Cubic => {
            config.congestion_controller_factory(Arc::new(CubicConfig::default()));
        }
        Congestion::Bbr => {
            config.congestion_controller_factory(Arc::new(BbrConfig::default()));
        }
    }
    config
}

fn mtu_search() -> MtuDiscoveryConfig {
    let mut search = MtuDiscoveryConfig::default();
    search.upper_bound(MTU_ETHERNET).minimum_change(MTU_STEP);
    search
}

fn streams(config: &mut TransportConfig, streams: &Streams) {
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams.bidi))
        .max_concurrent_uni_streams(VarInt::from_u32(streams.uni));
}
