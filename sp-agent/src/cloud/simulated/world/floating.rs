//! What floating IPs do. A server has at most one.

use super::{Serial, World};
use crate::cloud::simulated::options::FLOATING_IPS_MAX;

/// A floating IP, with what can't be computed from its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) project: u32,
    /// Its place among the external network's addresses.
    pub(super) address: u32,
    /// Which server it leads to.
    pub(super) server: Option<Serial>,
}

impl World {
    /// Takes a public address; four of five for a server.
    pub(super) fn allocate_address(&mut self) {
        if self.addresses.len() >= FLOATING_IPS_MAX as usize {
            return;
        }
        let server = match self.chance(800) {
            true => self.some_server(|it| it.address.is_none()),
            false => None,
        };
        let owner = server.and_then(|it| self.servers.get(it));
        let project = match owner.map(|it| it.project) {
            Some(project) => project,
            None => self.some_project(),
        };
        let Some(address) = self.ledger.take_address(project) else {
            return;
        };
        let row = Address {
            project,
            address,
            server,
        };
        let Some(serial) = self.addresses.add(row, self.now) else {
            self.ledger.give_address(project, address);
            return;
        };
        if let Some(machine) = server.and_then(|it| self.servers.change(it, self.now)) {
            machine.address = Some(serial);
        }
    }

    /// Leads some address that leads nowhere to a server of its project that has none.
    pub(super) fn associate_address(&mut self) {
        let Some(serial) = self.some_address(|it| it.server.is_none()) else {
            return;
        };
        let project = self.addresses.get(serial).map(|it| it.project);
        let server = self.some_server(|it| it.address.is_none() && Some(it.project) == project);
        let Some(server) = server else {
            return;
        };
        if let Some(machine) = self.servers.change(server, self.now) {
            machine.address = Some(serial);
        }
        if let Some(row) = self.addresses.change(serial, self.now) {
            row.server = Some(server);
        }
    }

    pub(super) fn release_address(&mut self) {
        let Some(serial) = self.some_address(|_| true) else {
            return;
        };
        let Some(row) = self.addresses.remove(serial, self.now) else {
            return;
        };
        self.ledger.give_address(row.project, row.address);
        if let Some(machine) = row.server.and_then(|it| self.servers.change(it, self.now)) {
            machine.address = None;
        }
    }

    /// The server that it led to is gone.
    pub(super) fn let_go_of_address(&mut self, serial: Serial) {
        if let Some(row) = self.addresses.change(serial, self.now) {
            row.server = None;
        }
    }

    fn some_address(&mut self, fits: impl Fn(&Address) -> bool) -> Option<Serial> {
        let (addresses, random) = (&self.addresses, &mut self.random);
        addresses.pick(|below| super::roll(random, below), fits)
    }
}
