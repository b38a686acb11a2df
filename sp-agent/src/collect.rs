//! Collects: reads the cloud by its schedule, part by part, into the spool.
//!
//! ```text
//! schedule (pure)  what is due        services (pure)  what follows for each service
//!        └──────────── driver: starts, awaits, tells both ────────────┘
//! reading          one audit: cloud ─ pages ─▶ bounded channel ─▶ spool
//! ```
//!
//! A part that can't be read keeps its last known records, and its service says why; only an audit
//! that came to its end removes. Nothing here knows whether a hub is reachable.

mod driver;
mod reading;
mod sampler;
pub mod schedule;
pub mod services;

pub use driver::Collector;
pub use sampler::{Sampler, host_sampler};
pub use schedule::Options;
