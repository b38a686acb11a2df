//! What the tests of whole daemons are made with.

pub mod relay;
