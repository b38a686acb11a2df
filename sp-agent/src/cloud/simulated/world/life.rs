//! What happens next: one action, drawn by the cloud's character.

use super::World;
use crate::cloud::simulated::options::Character;

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    BootServer,
    DeleteServer,
    TurnServer,
    MoveServer,
    CreateVolume,
    DeleteVolume,
    PlugVolume,
    ExtendVolume,
    AllocateAddress,
    ReleaseAddress,
    AssociateAddress,
    LoseNode,
    DisableNode,
    RaiseQuota,
}

/// How often each action comes, of the sum of its column: steady and busy, growing, flaky.
const MIX: [(Action, [u32; 3]); 14] = [
    (Action::BootServer, [16, 40, 12]),
    (Action::DeleteServer, [16, 6, 12]),
    (Action::TurnServer, [34, 20, 50]),
    (Action::MoveServer, [6, 6, 6]),
    (Action::CreateVolume, [7, 14, 4]),
    (Action::DeleteVolume, [7, 2, 4]),
    (Action::PlugVolume, [8, 5, 6]),
    (Action::ExtendVolume, [1, 3, 1]),
    (Action::AllocateAddress, [3, 6, 2]),
    (Action::ReleaseAddress, [3, 1, 2]),
    (Action::AssociateAddress, [3, 2, 2]),
    (Action::LoseNode, [0, 0, 4]),
    (Action::DisableNode, [1, 0, 1]),
    (Action::RaiseQuota, [1, 4, 1]),
];

impl World {
    /// Does one action; none, if nothing fits it.
    pub(super) fn act(&mut self) {
        let column = match self.plan.character {
            Character::Steady | Character::Busy => 0,
            Character::Growing => 1,
            Character::Flaky => 2,
        };
        let weight = |weights: &[u32; 3]| weights.get(column).copied().unwrap_or_default();
        let mut draw = self.roll(MIX.iter().map(|(_, weights)| weight(weights)).sum());
        let drawn = MIX.iter().find(|(_, weights)| {
            let here = draw < weight(weights);
            draw = draw.saturating_sub(weight(weights));
            here
        });
        if let Some((action, _)) = drawn {
            let action = self.balanced(*action);
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::BootServer => self.boot(),
            Action::DeleteServer => self.delete_server(),
            Action::TurnServer => self.turn_server(),
            Action::MoveServer => self.move_server(),
            Action::CreateVolume => self.create_volume(),
            Action::DeleteVolume => self.delete_volume(),
            Action::PlugVolume => self.plug_volume(),
            Action::ExtendVolume => self.extend_volume(),
            Action::AllocateAddress => self.allocate_address(),
            Action::ReleaseAddress => self.release_address(),
            Action::AssociateAddress => self.associate_address(),
            Action::LoseNode => self.lose_node(),
            Action::DisableNode => self.disable_node(),
            Action::RaiseQuota => {
                let project = self.some_project();
                self.ledger.raise_limits(project);
            }
        }
    }

    /// Where coming and going should be even, what goes beyond a twentieth goes the other way:
    /// quotas refuse some comings, and by chance alone a cloud would wander off with the years.
    fn balanced(&self, action: Action) -> Action {
        use Action::{AllocateAddress, BootServer, CreateVolume};
        use Action::{DeleteServer, DeleteVolume, ReleaseAddress};
        if self.plan.character == Character::Growing {
            return action;
        }
        let (count, target, come, go) = match action {
            BootServer | DeleteServer => (
                self.servers.len(),
                self.plan.servers,
                BootServer,
                DeleteServer,
            ),
            CreateVolume | DeleteVolume => (
                self.volumes.len(),
                self.plan.volumes,
                CreateVolume,
                DeleteVolume,
            ),
            AllocateAddress | ReleaseAddress => (
                self.addresses.len(),
                self.plan.floating_ips,
                AllocateAddress,
                ReleaseAddress,
            ),
            other => return other,
        };
        let target = target as usize;
        match count {
            _ if count < target - target / 20 => come,
            _ if count > target + target / 20 => go,
            _ => action,
        }
    }
}
