//! The daemon beside one cloud: collects, spools, reports to its hub, and performs its orders.
//!
//! A module imports only what stands above it here, and `shared`.
//!
//! ```text
//! allowance · database · audit · cloud · credential · host · spool · collect · replica · apply ·
//! config · membership · join · adoption · uplink · status · tasks · cli
//! ```

pub mod adoption;
pub mod allowance;
pub mod apply;
pub mod audit;
pub mod cli;
pub mod cloud;
pub mod collect;
pub mod config;
pub mod credential;
mod database;
pub mod host;
pub mod join;
pub mod membership;
pub mod replica;
pub mod spool;
pub mod status;
pub mod tasks;
pub mod uplink;
