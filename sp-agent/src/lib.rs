//! The daemon beside one cloud: collects, spools, reports to its hub, and performs its orders.
//!
//! A module imports only what stands above it here, and `shared`.
//!
//! ```text
//! cloud (simulated, openstack) · host · spool · collect
//! ```

pub mod cloud;
pub mod spool;
