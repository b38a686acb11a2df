//! The board itself: regions by name, and in the order of their last change. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use shared::model::UnixMillis;

use crate::fleet::{Counts, RegionNo, RegionView, State};

/// Removals that are remembered for readers who follow changes. Who is further behind starts over.
const GONE_MAX: usize = 1000;

/// One region on the board.
#[derive(Debug)]
pub struct Entry {
    /// As the fleet last showed it.
    pub view: Arc<RegionView>,
    /// The version of its last change.
    changed: u64,
}

enum Change {
    Shown(RegionNo),
    Gone(Arc<RegionView>),
}

/// All regions.
#[derive(Default)]
pub(super) struct Board {
    version: u64,
    counts: Counts,
    regions: HashMap<RegionNo, Entry>,
    names: BTreeMap<String, RegionNo>,
    /// Each region once, at its last change, and the newest removals.
    order: BTreeMap<u64, Change>,
    /// The versions of the removals in `order`.
    gone: VecDeque<u64>,
    /// Removals up to this version are forgotten.
    horizon: u64,
}

impl Board {
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn count(&mut self, counts: Counts) {
        if self.counts != counts {
            self.counts = counts;
            self.version += 1;
        }
    }

    /// Shows a region as it is now.
    pub(super) fn show(&mut self, view: RegionView) {
        let no = view.no;
        if view.condition.state == State::Removed {
            return self.remove(no);
        }
        let known = self.regions.get(&no);
        if known.is_some_and(|entry| *entry.view == view) {
            return;
        }
        if let Some(entry) = known {
            let old = entry.view.facts.name.clone();
            self.forget_name(&old, no);
        }
        self.names.insert(view.facts.name.clone(), no);
        let view = Arc::new(view);
        let entry = Entry { view, changed: 0 };
        if let Some(before) = self.regions.insert(no, entry) {
            self.order.remove(&before.changed);
        }
        self.move_up(no);
    }

    /// Its figures changed.
    pub(super) fn touch(&mut self, no: RegionNo) {
        if let Some(entry) = self.regions.get(&no) {
            self.order.remove(&entry.changed);
            self.move_up(no);
        }
    }

    /// Shows a region no more.
    pub(super) fn remove(&mut self, no: RegionNo) {
        let Some(entry) = self.regions.remove(&no) else {
            return;
        };
        self.forget_name(&entry.view.facts.name, no);
        self.order.remove(&entry.changed);
        self.version += 1;
        self.order.insert(self.version, Change::Gone(entry.view));
        self.gone.push_back(self.version);
        if self.gone.len() > GONE_MAX
            && let Some(oldest) = self.gone.pop_front()
        {
            self.order.remove(&oldest);
            self.horizon = oldest;
        }
    }

    /// Regions whose names follow `after`, by name.
    pub(super) fn after(&self, after: &str) -> impl Iterator<Item = &Entry> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        self.names
            .range::<str, _>(behind)
            .filter_map(|(_, no)| self.regions.get(no))
    }

    pub(super) fn named(&self, name: &str) -> Option<&Entry> {
        self.regions.get(self.names.get(name)?)
    }

    pub(super) fn is_online(&self, no: RegionNo) -> bool {
        self.regions.get(&no).is_some_and(|it| it.view.online)
    }

    pub(super) fn seen(&self, no: RegionNo) -> Option<UnixMillis> {
        self.regions.get(&no).map(|it| it.view.facts.seen)
    }

    /// At most `limit` changes after a version, and the version to go on after.
    #[expect(clippy::type_complexity, reason = "taken apart by its one caller")]
    pub(super) fn changes(
        &self,
        after: u64,
        limit: usize,
    ) -> Option<(Vec<&Entry>, Vec<Arc<RegionView>>, u64)> {
        // Who begins holds nothing, and needs no removals.
        let begins = after == 0;
        if !begins && (after < self.horizon || after > self.version) {
            return None;
        }
        let (mut entries, mut gone, mut last) = (Vec::new(), Vec::new(), after);
        let mut behind = self.order.range((Bound::Excluded(after), Bound::Unbounded));
        while entries.len() + gone.len() < limit {
            let Some((version, change)) = behind.next() else {
                // What has no entry of its own in the order, such as counts, is passed with it.
                last = self.version;
                break;
            };
            last = *version;
            match change {
                Change::Shown(no) => entries.extend(self.regions.get(no)),
                Change::Gone(view) if !begins => gone.push(Arc::clone(view)),
                Change::Gone(_) => {}
            }
        }
        Some((entries, gone, last))
    }

    fn move_up(&mut self, no: RegionNo) {
        self.version += 1;
        if let Some(entry) = self.regions.get_mut(&no) {
            entry.changed = self.version;
            self.order.insert(self.version, Change::Shown(no));
        }
    }

    /// A name is forgotten unless another region has it by now.
    fn forget_name(&mut self, name: &str, no: RegionNo) {
        if self.names.get(name) == Some(&no) {
            self.names.remove(name);
        }
    }
}
