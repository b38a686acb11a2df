//! Chaos, from a seed: a hub and regions in one process, without daemons, sockets or sleeping, in
//! which administrators, tenants and faults do what they like, and what must hold afterwards. Now
//! and then a Keystone is set back to an older backup of its own, and in some histories the hub is.
//!
//! ```text
//! edits ─▶ Hub: the real store, in memory ─ down feed ─▶ Agent: the real replica and reconciler
//!            ▲                                             │ orders: some fail, are lost, are late
//!            └── records and remarks, as an agent tells ─┐ ▼
//!                         local operations ─▶ Site: a simulated Keystone, past HTTP
//! ```
//!
//! What is left out is what has simulations of its own: the link (`shared`), the spool and the
//! driver (`sp-agent`). Time is virtual. A seed is one run, also of the ids that the Keystones
//! give; what fails is told with its seed, and `REGROUP_CHAOS_SEED` plays it again.

mod agent;
mod call;
mod check;
mod compare;
#[cfg(test)]
mod decided;
mod earlier;
mod edits;
mod hub;
mod local;
mod older;
mod place;
mod reach;
mod rest;
mod site;
mod soak;
mod there;
mod world;

use std::sync::OnceLock;

use rand::{Rng, RngExt};

pub use older::play_set_back;
pub use soak::{Soak, soak};
pub use world::{World, play};

/// Tells what happens, where `REGROUP_CHAOS_TRACE` is set: one line each, to be searched.
fn trace(line: impl FnOnce() -> String) {
    static IS_TOLD: OnceLock<bool> = OnceLock::new();
    if *IS_TOLD.get_or_init(|| std::env::var_os("REGROUP_CHAOS_TRACE").is_some()) {
        eprintln!("{}", line());
    }
}

/// One of all, if there is any.
fn pick<T>(chance: &mut impl Rng, of: impl IntoIterator<Item = T>) -> Option<T> {
    let mut all: Vec<T> = of.into_iter().collect();
    match all.len() {
        0 => None,
        len => Some(all.swap_remove(chance.random_range(0..len))),
    }
}
