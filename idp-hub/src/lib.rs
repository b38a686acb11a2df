//! The hub of a federation of clouds: joins regions, takes in their reports, serves the console.
//!
//! A module imports only what stands above it here, and `shared`.
//!
//! ```text
//! fleet (pure) · store · ingest
//! ```

pub mod config;
pub mod ingest;
pub mod store;
