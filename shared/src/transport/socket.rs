//! UDP sockets with room for a fleet.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use quinn::udp::UdpSocketState;

/// Bytes that the system is asked to hold for a socket, each way: 10,000 agents that greet a hub
/// within the same tenth of a second send some 3 MB. The system may give less (Linux:
/// `net.core.rmem_max`), which costs repeats and nothing else.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

pub(super) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    let state = UdpSocketState::new((&socket).into())?;
    // Refused is as good as cut short: the system's own size holds.
    let _ = state.set_recv_buffer_size((&socket).into(), SOCKET_BUFFER_BYTES);
    let _ = state.set_send_buffer_size((&socket).into(), SOCKET_BUFFER_BYTES);
    Ok(socket)
}

/// The address as people know it: IPv4 stays IPv4 on a socket that serves both.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
