//! A hostile peer before a real hub: refused, bounded in memory, logged once, and the other regions
//! unharmed.
//!
//! In each test an honest region reports changes all the while, each of which must be acknowledged
//! in time, and at the end the whole process may not have grown beyond its bound.

#[path = "hostile/crowd.rs"]
mod crowd;
#[path = "hostile/door.rs"]
mod door;
#[path = "hostile/feeds.rs"]
mod feeds;
#[path = "hostile/frames.rs"]
mod frames;
#[path = "hostile/full.rs"]
mod full;
#[path = "hostile/joins.rs"]
mod joins;
#[path = "hostile/log.rs"]
mod log;
#[path = "hostile/removal.rs"]
mod removal;
#[path = "hostile/stage.rs"]
mod stage;
