//! What a cloud holds at its birth.

use shared::model::{ServerState, UnixMillis, VolumeState};

use super::floating::Address;
use super::servers::Machine;
use super::volumes::Disk;
use super::{Serial, World};
use crate::cloud::simulated::flavors::{FlavorNumber, volume_gib};

/// What is there at birth came within the year before.
const AGE_HOURS_MAX: u32 = 365 * 24;

impl World {
    pub(super) fn populate(&mut self) {
        for _ in 0..self.plan.servers {
            self.put_server();
        }
        for number in 1..=self.plan.volumes {
            self.put_volume(number);
        }
        for number in 1..=self.plan.floating_ips {
            self.put_address(number);
        }
        self.ledger.settle(self.names);
    }

    fn put_server(&mut self) {
        let project = self.some_project();
        let flavor = FlavorNumber::drawn(self.roll(FlavorNumber::DRAWS));
        let start = self.roll(self.plan.nodes);
        let node = self.ledger.place(flavor.flavor(), start);
        self.ledger.own(project, flavor.flavor());
        let state = match (node, self.roll(100)) {
            (None, _) | (_, 98..) => ServerState::Failed,
            (_, 84..96) => ServerState::Stopped,
            (_, 96..98) => ServerState::Paused,
            _ => ServerState::Running,
        };
        let machine = Machine {
            created: self.some_time_ago(),
            project,
            node,
            volume: None,
            address: None,
            flavor,
            state,
        };
        self.servers.add(machine, self.now);
    }

    /// Most volumes are attached: volume 7 to server 7.
    fn put_volume(&mut self, number: u32) {
        let serial = Serial::new(number).filter(|_| self.roll(10) < 7);
        let owner = serial.and_then(|it| Some((it, self.servers.get(it)?.project)));
        let project = match owner {
            Some((_, project)) => project,
            None => self.some_project(),
        };
        let size_gib = volume_gib(self.roll(8));
        let pools = u32::try_from(self.ledger.pools.len()).unwrap_or(u32::MAX);
        let pool = self.roll(pools);
        if self
            .ledger
            .store(project, pool, 1, size_gib.into())
            .is_none()
        {
            return;
        }
        let disk = Disk {
            created: self.some_time_ago(),
            project,
            size_gib,
            pool,
            server: owner.map(|(server, _)| server),
            state: match owner {
                Some(_) => VolumeState::InUse,
                None => VolumeState::Available,
            },
        };
        let volume = self.volumes.add(disk, self.now);
        if let Some(machine) = owner.and_then(|(server, _)| self.servers.note(server)) {
            machine.volume = volume;
        }
    }

    /// Every other server has a public address, for as long as there are some.
    fn put_address(&mut self, number: u32) {
        let serial = Serial::new(number.saturating_mul(2)).filter(|_| self.roll(10) < 9);
        let owner = serial.and_then(|it| Some((it, self.servers.get(it)?.project)));
        let project = match owner {
            Some((_, project)) => project,
            None => self.some_project(),
        };
        let Some(address) = self.ledger.take_address(project) else {
            return;
        };
        let row = Address {
            project,
            address,
            server: owner.map(|(server, _)| server),
        };
        let address = self.addresses.add(row, self.now);
        if let Some(machine) = owner.and_then(|(server, _)| self.servers.note(server)) {
            machine.address = address;
        }
    }

    fn some_time_ago(&mut self) -> UnixMillis {
        let age_millis = u64::from(self.roll(AGE_HOURS_MAX)) * 3_600_000;
        UnixMillis(self.born.0.saturating_sub(age_millis))
    }
}
