//! Benchmarks: the hub beside its peers, each server and each loader in a process of its own.
//!
//! ```text
//! run ──starts──▶ a server on core 0 (hub, bare, or a peer's daemon)
//!     ──starts──▶ a loader on core 1 ──▶ one line of JSON
//!     ──▶ medians of interleaved rounds ──▶ a table, or a line of JSON for each figure
//! ```
//!
//! `cargo xtask bench NAME` installs the peers, builds this in release mode, and runs it.
//! A server's processor time and memory are what the kernel says of its process.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark is no daemon: its tasks end with it, and its time is real"
)]

pub mod agent;
pub mod bare;
pub mod bare_link;
pub mod etcd;
pub mod figures;
pub mod fleet;
pub mod idle;
pub mod ingest;
pub mod join;
pub mod merge;
pub mod mqtt;
pub mod nats;
pub mod orgsync;
pub mod process;
pub mod quic;
pub mod records;
pub mod run;
pub mod samples;
pub mod scale;
pub mod servers;
pub mod storm;
pub mod tls;
pub mod wan;
pub mod wire;
