//! REST.
pub mod limiter;
pub mod passwords;
pub mod problem;
