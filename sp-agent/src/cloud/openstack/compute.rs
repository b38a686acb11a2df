//! Nova: servers and nodes.

pub(super) mod nodes;
pub(super) mod servers;

use super::version::Microversion;

/// The newest of Nova's microversions that this client was written for (2024.1).
pub(super) const NEWEST: Microversion = Microversion(2, 96);
