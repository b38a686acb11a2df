//! What a hub and its agents must agree on.
//!
//! A module imports only what stands above it here. Down to `link` everything is pure: values and
//! state machines that take `(now, input)` and return effects. Below the line live the drivers.
//!
//! ```text
//! foreign · ids · host_port · model · wire · backoff · pki · audit · link
//! ------------------------------------------ pure above, effects below
//! runtime · keyring · transport
//! ```

pub mod audit;
pub mod backoff;
pub mod foreign;
pub mod host_port;
pub mod ids;
pub mod keyring;
pub mod link;
pub mod model;
pub mod pki;
pub mod runtime;
pub mod transport;
pub mod wire;
