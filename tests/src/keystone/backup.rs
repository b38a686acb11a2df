//! A backup of the simulated Keystone's database.

use super::world::World;
use super::{SimulatedKeystone, lock};

/// All that it had at a moment.
#[derive(Debug)]
pub struct Backup(World);

impl SimulatedKeystone {
    /// All that it has now.
    pub fn backup(&self) -> Backup {
        Backup(lock(&self.place.world).clone())
    }

    /// It has that again, and nothing else. No id is given twice.
    pub fn restore(&self, backup: &Backup) {
        lock(&self.place.world).become_again(&backup.0);
    }
}
