//! Decides what is worth a line in the log: a change, never a state.

use std::collections::BTreeSet;

use super::HostPart;

/// The parts that failed last time.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    failing: BTreeSet<HostPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Fails,
    IsBack,
}

impl Complaints {
    /// What to say about a part that was read well or not; nothing if that is no news.
    pub(super) fn note(&mut self, part: HostPart, well: bool) -> Option<Said> {
        match well {
            true => self.failing.remove(&part).then_some(Said::IsBack),
            false => self.failing.insert(part).then_some(Said::Fails),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_said() {
        let mut complaints = Complaints::default();
        let mut note = |part, well| complaints.note(part, well);
        assert_eq!(note(HostPart::Load, true), None);
        assert_eq!(note(HostPart::Load, false), Some(Said::Fails));
        assert_eq!(note(HostPart::Load, false), None);
        assert_eq!(note(HostPart::Nics, false), Some(Said::Fails));
        assert_eq!(note(HostPart::Load, true), Some(Said::IsBack));
        assert_eq!(note(HostPart::Load, true), None);
    }
}
