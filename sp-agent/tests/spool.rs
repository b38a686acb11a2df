//! The spool under use, restarts, old copies and damage, against the hub's side of the protocol.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "spool/contents.rs"]
mod contents;
#[path = "spool/faults.rs"]
mod faults;
#[path = "spool/home.rs"]
mod home;
#[path = "spool/link.rs"]
mod link;
#[path = "spool/opening.rs"]
mod opening;
#[path = "spool/overtaken.rs"]
mod overtaken;
#[path = "spool/receiver.rs"]
mod receiver;
#[path = "spool/retention.rs"]
mod retention;
#[path = "spool/unlisted.rs"]
mod unlisted;
