//! What nodes do: a node that is down or disabled takes no new servers; those on it stay.

use shared::model::NodeState;

use super::{EndOf, World};

/// Of so many nodes at most one is out at a time: whoever runs a cloud sees to that.
const NODES_FOR_ONE_OUT: u32 = 8;

impl World {
    /// Some node is not heard for a while.
    pub(super) fn lose_node(&mut self) {
        self.take_out(NodeState::Down, 30..180);
    }

    /// An administrator disables some node, and enables it later.
    pub(super) fn disable_node(&mut self) {
        self.take_out(NodeState::Disabled, 120..900);
    }

    pub(super) fn finish_node(&mut self, number: u32) {
        if let Some(node) = self.ledger.nodes.get_mut(number as usize) {
            node.state = NodeState::Up;
            self.nodes_out = self.nodes_out.saturating_sub(1);
        }
    }

    fn take_out(&mut self, state: NodeState, seconds: std::ops::Range<u64>) {
        let number = self.roll(self.plan.nodes);
        if self.nodes_out >= (self.plan.nodes / NODES_FOR_ONE_OUT).max(1) {
            return;
        }
        let node = self.ledger.nodes.get_mut(number as usize);
        if let Some(node) = node.filter(|it| it.state == NodeState::Up) {
            node.state = state;
            self.nodes_out += 1;
            self.end_later(EndOf::Node(number), seconds);
        }
    }
}
