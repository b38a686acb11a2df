//! What servers do. Each step keeps the ledger and the links to volume and address in order.

use shared::model::{ServerState, UnixMillis};

use super::{EndOf, Serial, World};
use crate::cloud::simulated::flavors::{Flavor, FlavorNumber};
use crate::cloud::simulated::ledger::NodeNumber;
use crate::cloud::simulated::options::{Character, SERVERS_MAX};

/// How many servers are looked at for one that changes. About one in three does.
const PICKS_MAX: u32 = 16;

/// A server, with what can't be computed from its serial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) created: UnixMillis,
    pub(super) project: u32,
    /// `None` if no node had room: then it failed.
    pub(super) node: Option<NodeNumber>,
    pub(super) volume: Option<Serial>,
    pub(super) address: Option<Serial>,
    pub(super) flavor: FlavorNumber,
    pub(super) state: ServerState,
}

impl World {
    pub(super) fn boot(&mut self) {
        let project = self.some_project();
        let number = FlavorNumber::drawn(self.roll(FlavorNumber::DRAWS));
        let flavor = number.flavor();
        if self.servers.len() >= SERVERS_MAX as usize || !self.ledger.allows(project, flavor, None)
        {
            return;
        }
        let node = self.place(flavor);
        let machine = Machine {
            created: self.now,
            project,
            node,
            volume: None,
            address: None,
            flavor: number,
            state: match node {
                Some(_) => ServerState::Building,
                None => ServerState::Failed,
            },
        };
        match self.servers.add(machine, self.now) {
            Some(serial) => {
                self.ledger.own(project, flavor);
                if node.is_some() {
                    self.end_later(EndOf::Server(serial), 5..40);
                }
            }
            None => {
                if let Some(node) = node {
                    self.ledger.unplace(node, flavor);
                }
            }
        }
    }

    /// Has some server stop, pause or fail, or come back from that. Each chance is the share that
    /// is in such a state in the long run, as the way back is always taken.
    pub(super) fn turn_server(&mut self) {
        let failed_permille = match self.plan.character {
            Character::Flaky => 100,
            _ => 12,
        };
        for _ in 0..PICKS_MAX {
            let Some(serial) = self.some_server(|_| true) else {
                return;
            };
            let Some(machine) = self.servers.get(serial).cloned() else {
                return;
            };
            let draw = self.roll(1000);
            let turned = match (machine.state, machine.node) {
                (ServerState::Failed, None) => return self.begin_deletion(serial),
                (ServerState::Stopped | ServerState::Paused | ServerState::Failed, Some(_)) => {
                    ServerState::Running
                }
                (ServerState::Running, _) if draw < 140 => ServerState::Stopped,
                (ServerState::Running, _) if draw < 160 => ServerState::Paused,
                (ServerState::Running, _) if draw < 160 + failed_permille => ServerState::Failed,
                _ => continue,
            };
            return self.set_server(serial, turned);
        }
    }

    /// Has some server that runs resized or moved to another node.
    pub(super) fn move_server(&mut self) {
        let serial = self.some_server(|it| it.state == ServerState::Running && it.node.is_some());
        if let Some(serial) = serial {
            self.set_server(serial, ServerState::Moving);
            self.end_later(EndOf::Server(serial), 10..60);
        }
    }

    pub(super) fn delete_server(&mut self) {
        let settled = |it: &Machine| {
            use ServerState::{Failed, Paused, Running, Stopped};
            matches!(it.state, Running | Stopped | Paused | Failed)
        };
        if let Some(serial) = self.some_server(settled) {
            self.begin_deletion(serial);
        }
    }

    /// The end of a build, a move or a deletion; which one, the state tells.
    pub(super) fn finish_server(&mut self, serial: Serial) {
        match self.servers.get(serial).map(|it| it.state) {
            Some(ServerState::Building) => self.finish_build(serial),
            Some(ServerState::Moving) => self.finish_move(serial),
            Some(ServerState::Deleting) => self.finish_deletion(serial),
            _ => {}
        }
    }

    fn finish_build(&mut self, serial: Serial) {
        let failing_permille = match self.plan.character {
            Character::Flaky => 80,
            _ => 5,
        };
        let state = match self.chance(failing_permille) {
            true => ServerState::Failed,
            false => ServerState::Running,
        };
        self.set_server(serial, state);
    }

    /// Half of all moves are resizes. Without room or quota, all stays as it was.
    fn finish_move(&mut self, serial: Serial) {
        let draw = self.roll(2 * FlavorNumber::DRAWS);
        let Some(machine) = self.servers.get(serial).cloned() else {
            return;
        };
        let number = match draw < FlavorNumber::DRAWS {
            true => FlavorNumber::drawn(draw),
            false => machine.flavor,
        };
        let (old, new) = (machine.flavor.flavor(), number.flavor());
        let room = match self.ledger.allows(machine.project, new, Some(old)) {
            true => self.place(new),
            false => None,
        };
        let mut after = Machine {
            state: ServerState::Running,
            ..machine.clone()
        };
        if room.is_some() {
            if let Some(node) = machine.node {
                self.ledger.unplace(node, old);
            }
            self.ledger.disown(machine.project, old);
            self.ledger.own(machine.project, new);
            (after.node, after.flavor) = (room, number);
        }
        if let Some(machine) = self.servers.change(serial, self.now) {
            *machine = after;
        }
    }

    fn begin_deletion(&mut self, serial: Serial) {
        self.set_server(serial, ServerState::Deleting);
        self.end_later(EndOf::Server(serial), 2..10);
    }

    fn finish_deletion(&mut self, serial: Serial) {
        let Some(machine) = self.servers.remove(serial, self.now) else {
            return;
        };
        let flavor = machine.flavor.flavor();
        if let Some(node) = machine.node {
            self.ledger.unplace(node, flavor);
        }
        self.ledger.disown(machine.project, flavor);
        if let Some(volume) = machine.volume {
            self.let_go_of_volume(volume);
        }
        if let Some(address) = machine.address {
            self.let_go_of_address(address);
        }
    }

    fn set_server(&mut self, serial: Serial, state: ServerState) {
        if let Some(machine) = self.servers.change(serial, self.now) {
            machine.state = state;
        }
    }

    fn place(&mut self, flavor: Flavor) -> Option<NodeNumber> {
        let start = self.roll(self.plan.nodes);
        self.ledger.place(flavor, start)
    }

    pub(super) fn some_server(&mut self, fits: impl Fn(&Machine) -> bool) -> Option<Serial> {
        let (servers, random) = (&self.servers, &mut self.random);
        servers.pick(|below| super::roll(random, below), fits)
    }
}
