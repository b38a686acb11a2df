//! What volumes do.
//!
//! A volume and its server name each other; a server has at most one volume besides its own disk.

use shared::model::{UnixMillis, VolumeState};

use super::{EndOf, Serial, World};
use crate::cloud::simulated::flavors::volume_gib;
use crate::cloud::simulated::options::VOLUMES_MAX;

/// A volume, with what can't be computed from its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) created: UnixMillis,
    pub(super) project: u32,
    pub(super) size_gib: u32,
    pub(super) pool: u32,
    /// What it is attached to, or will be once it is made.
    pub(super) server: Option<Serial>,
    pub(super) state: VolumeState,
}

impl World {
    /// Makes a volume; two of three for a server.
    pub(super) fn create_volume(&mut self) {
        if self.volumes.len() >= VOLUMES_MAX as usize {
            return;
        }
        let server = match self.chance(667) {
            true => self.some_server(|it| it.volume.is_none()),
            false => None,
        };
        let owner = server.and_then(|it| self.servers.get(it));
        let project = match owner.map(|it| it.project) {
            Some(project) => project,
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
            created: self.now,
            project,
            size_gib,
            pool,
            server,
            state: VolumeState::Changing,
        };
        let Some(serial) = self.volumes.add(disk, self.now) else {
            self.ledger.discard(project, pool, size_gib.into());
            return;
        };
        self.end_later(EndOf::Volume(serial), 3..15);
        if let Some(machine) = server.and_then(|it| self.servers.note(it)) {
            machine.volume = Some(serial);
        }
    }

    pub(super) fn delete_volume(&mut self) {
        let loose = |it: &Disk| {
            use VolumeState::{Available, Failed};
            matches!(it.state, Available | Failed) && it.server.is_none()
        };
        if let Some(serial) = self.some_volume(loose) {
            self.set_volume(serial, VolumeState::Deleting);
            self.end_later(EndOf::Volume(serial), 2..8);
        }
    }

    /// Attaches some volume to a server of its project, if one is found that has none; or has one
    /// of five that are attached detached, so that most are in use in the long run.
    pub(super) fn plug_volume(&mut self) {
        use VolumeState::{Available, InUse};
        let Some(serial) = self.some_volume(|it| matches!(it.state, Available | InUse)) else {
            return;
        };
        let Some(disk) = self.volumes.get(serial).cloned() else {
            return;
        };
        match disk.server {
            None => self.attach(serial, disk.project),
            Some(server) if self.chance(200) => {
                if let Some(machine) = self.servers.note(server) {
                    machine.volume = None;
                }
                self.let_go_of_volume(serial);
            }
            Some(_) => {}
        }
    }

    fn attach(&mut self, serial: Serial, project: u32) {
        let server = self.some_server(|it| it.volume.is_none() && it.project == project);
        let Some(server) = server else {
            return;
        };
        if let Some(machine) = self.servers.note(server) {
            machine.volume = Some(serial);
        }
        if let Some(disk) = self.volumes.change(serial, self.now) {
            (disk.server, disk.state) = (Some(server), VolumeState::InUse);
        }
    }

    pub(super) fn extend_volume(&mut self) {
        let usable = |it: &Disk| {
            use VolumeState::{Available, InUse};
            matches!(it.state, Available | InUse)
        };
        let Some(serial) = self.some_volume(usable) else {
            return;
        };
        let Some(&Disk {
            project,
            pool,
            size_gib,
            ..
        }) = self.volumes.get(serial)
        else {
            return;
        };
        let more_gib = (size_gib / 4).max(10);
        let Some(size_gib) = size_gib.checked_add(more_gib) else {
            return;
        };
        if self
            .ledger
            .store(project, pool, 0, more_gib.into())
            .is_some()
            && let Some(disk) = self.volumes.change(serial, self.now)
        {
            disk.size_gib = size_gib;
        }
    }

    /// The end of a creation or a deletion; which one, the state tells.
    pub(super) fn finish_volume(&mut self, serial: Serial) {
        let Some(disk) = self.volumes.get(serial) else {
            return;
        };
        match (disk.state, disk.server) {
            (VolumeState::Changing, Some(_)) => self.set_volume(serial, VolumeState::InUse),
            (VolumeState::Changing, None) => self.set_volume(serial, VolumeState::Available),
            (VolumeState::Deleting, _) => {
                if let Some(disk) = self.volumes.remove(serial, self.now) {
                    self.ledger
                        .discard(disk.project, disk.pool, disk.size_gib.into());
                }
            }
            _ => {}
        }
    }

    /// The server that it was for is gone, or does not want it any more.
    pub(super) fn let_go_of_volume(&mut self, serial: Serial) {
        if let Some(disk) = self.volumes.change(serial, self.now) {
            disk.server = None;
            if disk.state == VolumeState::InUse {
                disk.state = VolumeState::Available;
            }
        }
    }

    fn set_volume(&mut self, serial: Serial, state: VolumeState) {
        if let Some(disk) = self.volumes.change(serial, self.now) {
            disk.state = state;
        }
    }

    fn some_volume(&mut self, fits: impl Fn(&Disk) -> bool) -> Option<Serial> {
        let (volumes, random) = (&self.volumes, &mut self.random);
        volumes.pick(|below| super::roll(random, below), fits)
    }
}
