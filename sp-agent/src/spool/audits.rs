//! Which audits go on, and what each has met so far.
//!
//! Held in memory: an audit that the agent does not live to finish removes nothing, and the next
//! one reads all. An audit that lost a page is void, so that what stood on it is not taken for
//! gone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use shared::model::{CloudId, Record};
use shared::wire::codec::EncodeError;
use shared::wire::record::{decode_id, encode_id};
use xxhash_rust::xxh3::xxh3_64;

use super::error::SpoolError;
use super::sweep::Missed;
use crate::cloud::{Cut, Part, Reach, Unread};

/// A record's id, hashed.
pub(super) type IdHash = u64;

pub(super) fn hash(id: &[u8]) -> IdHash {
    xxh3_64(id)
}

/// Which keys an audit has met, as hashes of their ids: 9 bytes a record, so a cloud of 10,000
/// servers takes 150 KB while it is read. Two ids of one hash (1 in 10¹¹ for 10,000 records) would
/// keep a vanished record until the next reading; none is ever removed by it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ids: HashSet<IdHash>,
    /// Back ends of which no pool was read, and all are to stay.
    spared: Vec<String>,
    /// Departments of which not all was read, and what was not is to stay.
    departments: BTreeSet<CloudId>,
    /// Departments of which nothing was read, and all is to stay, also the memberships of their
    /// groups; and groups of which no membership was, and all are to stay.
    lacks: Reach,
    /// Departments of whose groups not all were listed, and those that were: the memberships of
    /// all others are to stay.
    beyond: Cut,
    /// What changes told of since the audit began, which its pages may not know yet. As long as the
    /// audit goes on, and so no longer than there are changes of one audit's time.
    overtaken: HashSet<IdHash>,
    /// Something exists that was not read, and is not held from before.
    pub(super) lacks_some: bool,
    /// Records that were not held before.
    pub(super) added: u64,
}

impl Seen {
    pub(super) fn saw(&mut self, id: &[u8]) {
        self.ids.insert(hash(id));
    }

    pub(super) fn lost(&mut self, id: &[u8]) {
        self.ids.remove(&hash(id));
    }

    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.ids.contains(&hash(id))
    }

    /// Changes told of a key, and whether it is there: whatever a page of the audit says of it
    /// later may be older.
    pub(super) fn overtake(&mut self, id: &[u8], is_there: bool) {
        self.overtaken.insert(hash(id));
        match is_there {
            true => self.saw(id),
            false => self.lost(id),
        }
    }

    pub(super) fn is_overtaken(&self, id: &[u8]) -> bool {
        self.overtaken.contains(&hash(id))
    }

    /// Whether it hangs on what a record says if it is to stay.
    pub(super) fn spares_by_content(&self) -> bool {
        !self.departments.is_empty() || !self.lacks.is_empty() || !self.beyond.is_empty()
    }

    /// Whether a group that is in this department, or in nobody knows which, may be one that was
    /// not listed.
    pub(super) fn may_be_unlisted(&self, group: &CloudId, department: Option<&CloudId>) -> bool {
        let is_it = |it: &CloudId| department.is_none_or(|department| department == it);
        let mut beyond = self.beyond.iter();
        self.lacks.departments.iter().any(is_it)
            || beyond.any(|(it, came)| is_it(it) && !came.contains(group))
    }

    /// Of what nothing was read.
    pub(super) fn into_lacks(self) -> Reach {
        let mut lacks = self.lacks;
        lacks.departments.extend(self.beyond.into_keys());
        lacks
    }

    /// Whether a record is of what was not read.
    pub(super) fn spares_record(&self, record: &Record) -> bool {
        let is_unread = |it| self.departments.contains(it) || self.lacks.departments.contains(it);
        match record {
            Record::Membership(it) => self.lacks.groups.contains(&it.group),
            Record::User(it) => is_unread(&it.what.department),
            Record::Group(it) => is_unread(&it.what.department),
            _ => false,
        }
    }

    /// Whether all was read that a hub may hold, but for what is never read.
    pub(super) fn is_all(&self) -> bool {
        !self.lacks_some && self.lacks.is_empty()
    }

    /// Takes what was not read for met.
    pub(super) fn spare(&mut self, unread: &Unread) -> Result<(), EncodeError> {
        match unread {
            Unread::Record(id) => self.saw(&encode_id(id)?),
            Unread::BackEnd(name) => self.spared.push(name.clone()),
            // Of its records nobody knows either, but some lists are cut for ever.
            Unread::Department(id) => drop(self.departments.insert(id.clone())),
            // It was read once, or will be, but for one that the agent's account may never list.
            Unread::Group(id) => drop(self.lacks.groups.insert(id.clone())),
            Unread::Unlisted(id) => drop(self.lacks.departments.insert(id.clone())),
            // As of any list that is cut.
            Unread::Beyond(id, came) => drop(self.beyond.insert(id.clone(), came.clone())),
        }
        Ok(())
    }

    /// Whether an id is of a pool that was not read. One that can't be decoded may be.
    pub(super) fn spares(&self, id: &[u8]) -> bool {
        if self.spared.is_empty() {
            return false;
        }
        let Ok(id) = decode_id(id) else { return true };
        let id = id.to_string();
        let back_end = id.split_once('#').map_or(&*id, |(back_end, _)| back_end);
        self.spared.iter().any(|it| it == back_end)
    }
}

#[derive(Debug)]
enum Auditing {
    Going {
        number: u64,
        seen: Box<Seen>,
    },
    /// Finished or void, like all before it.
    Over {
        number: u64,
    },
}

/// The newest audit of each part.
#[derive(Debug, Default)]
pub(super) struct Audits {
    newest: BTreeMap<Part, Auditing>,
    /// What the last audit of a part missed and held.
    missed: BTreeMap<Part, Missed>,
    /// Audits up to this number began before the file was opened again, and may lack pages.
    void_up_to: u64,
}

impl Audits {
    /// The audit of that number, which begins with its first page.
    pub(super) fn enter(&mut self, part: Part, number: u64) -> Result<&mut Seen, SpoolError> {
        if number <= self.void_up_to {
            return Err(SpoolError::Void { part });
        }
        let auditing = self
            .newest
            .entry(part)
            .or_insert(Auditing::Over { number: 0 });
        let (Auditing::Going { number: newest, .. } | Auditing::Over { number: newest }) = auditing;
        if *newest < number {
            // What an audit that broke off has added was not held by the last one that did not.
            let added = match auditing {
                Auditing::Going { seen, .. } => seen.added,
                Auditing::Over { .. } => 0,
            };
            let seen = Seen {
                added,
                ..Seen::default()
            };
            let seen = Box::new(seen);
            *auditing = Auditing::Going { number, seen };
        }
        match auditing {
            Auditing::Going {
                number: newest,
                seen,
            } if *newest == number => Ok(&mut **seen),
            _ => Err(SpoolError::Void { part }),
        }
    }

    /// The audit that goes on while a page of changes comes.
    pub(super) fn going(&mut self, part: Part) -> Option<&mut Seen> {
        match self.newest.get_mut(&part) {
            Some(Auditing::Going { seen, .. }) => Some(&mut **seen),
            _ => None,
        }
    }

    /// Ends an audit, and gives what it met.
    pub(super) fn finish(&mut self, part: Part, number: u64) -> Result<Seen, SpoolError> {
        let seen = std::mem::take(self.enter(part, number)?);
        self.newest.insert(part, Auditing::Over { number });
        Ok(seen)
    }

    /// What the audit before missed and held; forgotten here.
    pub(super) fn take_missed(&mut self, part: Part) -> Missed {
        self.missed.remove(&part).unwrap_or_default()
    }

    /// Keeps for the next audit what this one missed.
    pub(super) fn keep_missed(&mut self, part: Part, missed: Missed) {
        self.missed.insert(part, missed);
    }

    /// Takes nothing more of an audit.
    pub(super) fn void(&mut self, part: Part, number: u64) {
        if self.enter(part, number).is_ok() {
            self.newest.insert(part, Auditing::Over { number });
        }
    }

    /// Takes nothing more of the audit that goes on, after changes that it was told of were lost.
    pub(super) fn void_going(&mut self, part: Part) {
        if let Some(Auditing::Going { number, .. }) = self.newest.get(&part) {
            let number = *number;
            self.newest.insert(part, Auditing::Over { number });
        }
    }

    /// Takes nothing more of any audit up to a number.
    pub(super) fn void_all(&mut self, number: u64) {
        self.newest.clear();
        self.missed.clear();
        self.void_up_to = number;
    }
}
