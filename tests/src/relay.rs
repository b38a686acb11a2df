//! A bad network between a hub and its agents, in this process: a UDP relay that delays, loses,
//! doubles and reorders, each way on its own, from a seed, and changes its mind while it runs.
//!
//! Agents dial [`Relay::address`]; each gets a socket of its own towards the hub, so that the hub
//! sees them apart. [`Relay::move_clients`] exchanges these sockets, as a NAT does that has
//! forgotten its table.

#![allow(
    clippy::disallowed_methods,
    reason = "a test's network is no daemon: its tasks end with it, and its time is real"
)]

mod wire;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

use wire::Wire;

/// The largest datagram that UDP has.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// A quarter of a second of 16 MB/s.
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

/// A way through the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the agents to the hub.
    Up,
    /// From the hub to the agents.
    Down,
}

/// What happens to datagrams of one way. The shares are of 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// Each is that late...
    pub delay: Duration,
    /// ...and up to that much later, so that they overtake each other.
    pub jitter: Duration,
    /// Share that is lost.
    pub loss: f64,
    /// Share that comes twice.
    pub duplication: f64,
    /// Share that is held back by another `delay` and 10 ms.
    pub reordering: f64,
    /// What passes a second; what would wait longer than 0.3 s for it is lost. 0 is no limit.
    pub bytes_per_second: u32,
    /// Nothing passes.
    pub is_cut: bool,
}

/// The relay; it ends when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    reader: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    hub: SocketAddr,
    /// Where the agents send to.
    front: Arc<UdpSocket>,
    up: Wire,
    down: Wire,
    clients: Mutex<HashMap<SocketAddr, Client>>,
}

/// An agent's socket towards the hub, with the task that reads it.
#[derive(Debug)]
struct Client {
    socket: Arc<UdpSocket>,
    reader: AbortHandle,
}

impl Relay {
    /// A faultless relay in front of a hub, on a loopback address of its own.
    pub async fn start(hub: SocketAddr, seed: u64) -> io::Result<Self> {
        let front = Arc::new(bind()?);
        let address = front.local_addr()?;
        let shared = Arc::new(Shared {
            hub,
            front,
            up: Wire::new(seed),
            down: Wire::new(!seed),
            clients: Mutex::default(),
        });
        let reader = tokio::spawn(read_front(Arc::clone(&shared))).abort_handle();
        Ok(Self {
            address,
            shared,
            reader,
        })
    }

    /// Where agents find the hub.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the faults of one way, from the next datagram on.
    pub fn set(&self, way: Way, faults: Faults) {
        self.wire(way).set(faults);
    }

    /// Sets the faults of both ways.
    pub fn set_both(&self, faults: Faults) {
        self.set(Way::Up, faults);
        self.set(Way::Down, faults);
    }

    /// Datagrams that came to one way, lost ones included.
    pub fn datagrams(&self, way: Way) -> u64 {
        self.wire(way).datagrams()
    }

    /// Bytes of these datagrams, without the headers of UDP and IP.
    pub fn bytes(&self, way: Way) -> u64 {
        self.wire(way).bytes()
    }

    /// Gives each agent a new address towards the hub. What the hub sends to the old one is lost.
    pub fn move_clients(&self) {
        for (_, client) in self.shared.clients.lock().unwrap().drain() {
            client.reader.abort();
        }
    }

    fn wire(&self, way: Way) -> &Wire {
        match way {
            Way::Up => &self.shared.up,
            Way::Down => &self.shared.down,
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.reader.abort();
        self.move_clients();
    }
}

/// Carries what the agents send.
async fn read_front(shared: Arc<Shared>) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        // An error is of one datagram: the system reports that an earlier one found nobody.
        let Ok((len, from)) = shared.front.recv_from(&mut buffer).await else {
            continue;
        };
        let Ok(socket) = shared.client(from).await else {
            continue;
        };
        shared.up.carry(&buffer[..len], &socket, shared.hub);
    }
}

/// Carries what the hub sends to one agent.
async fn read_hub(shared: Arc<Shared>, socket: Arc<UdpSocket>, agent: SocketAddr) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((len, _)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        shared.down.carry(&buffer[..len], &shared.front, agent);
    }
}

impl Shared {
    /// The agent's socket towards the hub, made at its first datagram.
    async fn client(self: &Arc<Self>, agent: SocketAddr) -> io::Result<Arc<UdpSocket>> {
        if let Some(client) = self.clients.lock().unwrap().get(&agent) {
            return Ok(Arc::clone(&client.socket));
        }
        let socket = Arc::new(bind()?);
        let reader = tokio::spawn(read_hub(Arc::clone(self), Arc::clone(&socket), agent));
        let client = Client {
            socket: Arc::clone(&socket),
            reader: reader.abort_handle(),
        };
        self.clients.lock().unwrap().insert(agent, client);
        Ok(socket)
    }
}

/// A socket on loopback, with room for what comes while the relay waits for its turn: what the
/// system loses would be lost beside the faults that were asked for. It may give less.
fn bind() -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let _ = sockopt::set_socket_recv_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    let _ = sockopt::set_socket_send_buffer_size(&socket, SOCKET_BUFFER_BYTES);
    UdpSocket::from_std(socket)
}
