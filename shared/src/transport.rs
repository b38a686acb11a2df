//! QUIC (RFC 9000): the only module that names quinn.
//!
//! ```text
//! hub     Listener ── accept ──▶ Arrival ── handshake ──▶ Accepted: LinkConnection, JoinCall
//! agent   Dialer ── dial ──▶ LinkConnection,  dial_join ──▶ JoinConnection
//! agent, unjoined   Listener ─▶ Accepted: JoinCall ◀── DoorConnection ── DoorDialer   hub
//! both    LinkConnection ── control, feeds ──▶ FrameWriter, FrameReader ──▶ wire::frame
//! ```
//!
//! It carries frames and decides nothing about them; who may say what is settled by the identity
//! that each connection has. What is decided here is what strangers may cost: `admission` bounds
//! handshakes and joins, `frames` bound what a stream may make a reader hold, and `window` bounds
//! what all connections together may have on their way to a hub that does not keep up.

mod admission;
mod close;
mod config;
mod connection;
mod connection_id;
mod dial;
mod door;
mod error;
mod exporter;
mod frames;
mod join;
mod listen;
mod options;
mod resolve;
mod socket;
mod tls;
mod waiting;
mod window;

pub use admission::AdmissionCounts;
pub use close::{CloseCode, Loss};
pub use connection::LinkConnection;
pub use dial::Dialer;
pub use door::{DoorConnection, DoorDialer};
pub use error::TransportError;
pub use frames::{
    BudgetPermit, ByteBudget, FrameReader, FrameWriter, Priority, RawFrame, ReadError, WriteError,
    frames_in,
};
pub use join::{JoinAnswer, JoinCall, JoinConnection};
pub use listen::{Accepted, Arrival, Listener};
pub use options::{Congestion, DialOptions, ListenOptions, ResetKey};
pub use tls::{ClientTls, ServerTls};
