//! Adoption of an unjoined agent by its management address: as an administrator types it, with real
//! daemons; and at the agent's door, where anybody may knock.

#[path = "adoption/daemons.rs"]
mod daemons;
#[path = "adoption/door.rs"]
mod door;
#[path = "adoption/halves.rs"]
mod halves;
#[path = "adoption/rig.rs"]
mod rig;
#[path = "adoption/scripted.rs"]
mod scripted;
#[path = "adoption/stalling.rs"]
mod stalling;
#[path = "adoption/strangers.rs"]
mod strangers;
