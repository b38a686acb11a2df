//! The hub of a federation of clouds: joins regions, takes in their reports, serves the console.
//!
//! A module imports only what stands above it here, and `shared`.
//!
//! ```text
//! config · directory (pure) · fleet (pure) · store · authority · adoption · ingest ·
//! downlink · overview · metrics · api · tasks · cli
//! ```

pub mod adoption;
pub mod api;
pub mod authority;
pub mod cli;
pub mod config;
pub mod directory;
pub mod downlink;
pub mod fleet;
pub mod ingest;
pub mod metrics;
pub mod overview;
pub mod store;
pub mod tasks;
