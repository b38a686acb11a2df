//! What both daemons stand on, below the modules that decide.
//!
//! The deciding modules take time, chance and input as arguments; here is where those come from,
//! and where their effects meet the operating system. Nothing here knows of regions, links or
//! clouds.
//!
//! ```text
//! errors · clock · terminal · files → settings · logs · shutdown → tasks, trail
//!     → daemon (signals, service manager, liveness)
//! ```

pub mod clock;
pub mod daemon;
pub mod errors;
pub mod files;
pub mod logs;
pub mod settings;
pub mod shutdown;
pub mod tasks;
pub mod terminal;
pub mod trail;
