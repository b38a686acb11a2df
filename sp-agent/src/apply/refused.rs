//! What the cloud refused for what it is, and may be tried again now.
//!
//! It may be refused for ever, as a user is whose directory takes no changes. However many such
//! there are, they keep out nothing that would go well: beside what was not tried yet they have a
//! share of the places and of what is bounded, and what was tried least comes first of them.

use std::collections::{BTreeMap, BTreeSet};

use super::subject::{Level, Subject};

/// All such. Bounded by what failed.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// With how often each was tried.
    all: BTreeMap<Level, BTreeSet<(u32, Subject)>>,
    stood: BTreeMap<Subject, (Level, u32)>,
}

impl Refused {
    pub(super) fn insert(&mut self, level: Level, tries: u32, subject: Subject) {
        self.stood.insert(subject.clone(), (level, tries));
        self.all.entry(level).or_default().insert((tries, subject));
    }

    pub(super) fn remove(&mut self, subject: &Subject) {
        let Some((level, tries)) = self.stood.remove(subject) else {
            return;
        };
        if let Some(all) = self.all.get_mut(&level) {
            all.remove(&(tries, subject.clone()));
            if all.is_empty() {
                self.all.remove(&level);
            }
        }
    }

    /// Of which levels there are any, in their order.
    pub(super) fn levels(&self) -> impl Iterator<Item = Level> {
        self.all.keys().copied()
    }

    /// Those of a level.
    pub(super) fn at(&self, level: Level) -> impl Iterator<Item = &Subject> {
        let all = self.all.get(&level).into_iter().flatten();
        all.map(|(_, subject)| subject)
    }

    /// How many there are of such levels.
    pub(super) fn count(&self, is_it: impl Fn(Level) -> bool) -> usize {
        let all = self.all.iter().filter(|(level, _)| is_it(**level));
        all.map(|(_, subjects)| subjects.len()).sum()
    }
}
