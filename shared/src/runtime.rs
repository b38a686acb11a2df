//! What both daemons stand on, below the modules that decide.
//!
//! The deciding modules take time, chance and input as arguments; here is where those come from,
//! and where their effects meet the operating system. Nothing here knows of regions, links or
//! clouds.

pub mod files;
