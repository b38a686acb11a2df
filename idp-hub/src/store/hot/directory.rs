//! The directory as the writer keeps it, so that it is not read for each change.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::Scope;

use crate::directory::Directory;
use crate::directory::rights::{Powerful, Reach};
use crate::store::regions::RegionNo;

/// The directory, once it was used.
#[derive(Default)]
pub(in crate::store) struct DirectoryHot {
    held: Option<Box<Directory>>,
    /// Who is more than a member by it, once that was asked.
    powerful: Option<Powerful>,
    /// The change being made changed it.
    is_changed: bool,
    /// What changed since it was last told how far the directory goes.
    untold: Option<Untold>,
}

/// Whom a change of the directory concerns: all regions, and these for themselves.
#[derive(Debug, Default)]
pub(in crate::store) struct Untold(pub(in crate::store) BTreeSet<RegionNo>);

impl DirectoryHot {
    /// What is held. Whoever does not give it back has it read anew.
    pub(in crate::store) const fn take(&mut self) -> Option<Box<Directory>> {
        self.held.take()
    }

    /// Holds it as the database has it.
    pub(in crate::store) fn keep(&mut self, directory: Box<Directory>) {
        self.held = Some(directory);
    }

    /// The same, where nobody came to have more power or less.
    pub(in crate::store) fn keep_with_more(&mut self, directory: Box<Directory>) {
        let powerful = self.powerful.take();
        self.keep_changed(directory, None);
        self.powerful = powerful;
    }

    /// Holds it as the open transaction has it, which may have taken in a region.
    pub(in crate::store) fn keep_changed(
        &mut self,
        directory: Box<Directory>,
        merged: Option<RegionNo>,
    ) {
        self.is_changed = true;
        self.powerful = None;
        self.untell(Untold(merged.into_iter().collect()));
        self.held = Some(directory);
    }

    /// How far a user's power reaches by the directory, which the caller has taken.
    pub(in crate::store) fn reach(&mut self, directory: &Directory, user: ObjectId) -> Reach {
        let live = directory.live();
        let powerful = &mut self.powerful;
        let powerful = powerful.get_or_insert_with(|| Powerful::of(live));
        powerful.reach(live, user)
    }

    /// Who administers one of these places by the directory, which the caller has taken.
    pub(in crate::store) fn administrators(
        &mut self,
        directory: &Directory,
        places: &BTreeSet<Scope<ObjectId>>,
    ) -> BTreeSet<ObjectId> {
        let live = directory.live();
        let powerful = &mut self.powerful;
        let powerful = powerful.get_or_insert_with(|| Powerful::of(live));
        powerful.administrators(live, places)
    }

    /// This is to be told, with the next commit.
    pub(in crate::store) fn untell(&mut self, untold: Untold) {
        let all = self.untold.get_or_insert_default();
        all.0.extend(untold.0);
    }

    /// What agents must be told, once.
    pub(in crate::store) const fn take_untold(&mut self) -> Option<Untold> {
        self.untold.take()
    }

    pub(super) const fn change_begins(&mut self) {
        self.is_changed = false;
    }

    pub(super) fn change_failed(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            self.roll_back();
        }
    }

    pub(super) fn roll_back(&mut self) {
        self.held = None;
        self.powerful = None;
    }
}
