//! What nodes do: a node that is down or disabled takes no new servers; those on it stay.

use shared::model::NodeState;

use super::{EndOf, World};

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
        }
    }

    fn take_out(&mut self, state: NodeState, seconds: std::ops::Range<u64>) {
        let number = self.roll(self.plan.nodes);
        let node = self.ledger.nodes.get_mut(number as usize);
        if let Some(node) = node.filter(|it| it.state == NodeState::Up) {
            node.state = state;
            self.end_later(EndOf::Node(number), seconds);
        }
    }
}
