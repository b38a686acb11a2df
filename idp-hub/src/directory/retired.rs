//! What was retired, what of it is left in the regions, and whether it may be purged.
//!
//! A retired project or department is switched off everywhere and keeps what is in it. It is
//! deleted on command alone, once every merged region has told that nothing is in it; and each
//! region's agent asks its own cloud once more before it deletes.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{End, ObjectKind, Purge, UnixMillis};

use super::delta::Delta;
use super::ended::Ended;
use super::refusal::Refusal;
use super::{Directory, Stamp};

/// As many regions are named in a sentence.
const NAMED_MAX: usize = 5;

/// Something that was retired, or was purged and is in a region all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// Its id.
    pub id: ObjectId,
    /// What kind of thing: a project or a department.
    pub kind: ObjectKind,
    /// What it was called.
    pub name: String,
    /// The department that it belongs to, and that one's name.
    pub department: Option<(ObjectId, String)>,
    /// Retired; or deleted, once it was purged.
    pub how: End,
    /// When, and by whom.
    pub stamp: Stamp,
    /// Retired projects that are in it, by name: they are purged first.
    pub within: Vec<String>,
    /// The directory's own that are deleted with a department.
    pub goes_along: Inside,
    /// What is left of it, in each merged region.
    pub left: Vec<Left>,
}

/// What is left of it in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The region's name.
    pub region: String,
    /// When the region was last heard, by the hub's clock.
    pub heard: UnixMillis,
    /// Whether the region told after the retirement that it has it; and if so, switched on.
    pub here: Option<Here>,
    /// How far purging it is.
    pub purge: Purging,
    /// Until when the word to purge it is good, if it was told and has not lapsed.
    pub good_until: Option<UnixMillis>,
    /// What of the region's feeds is not whole, or of its services not told of as it is now: then
    /// nobody knows what of it is there.
    pub unread: Vec<String>,
}

/// A thing in a region's cloud.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Here {
    /// Whether it is switched on.
    pub is_on: bool,
    /// What tenants have in it: of projects.
    pub contents: Contents,
    /// What of the organization is in it.
    pub inside: Inside,
}

/// What tenants have in a project, as the region's agent told it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Servers.
    pub servers: u64,
    /// Volumes.
    pub volumes: u64,
    /// Networks.
    pub networks: u64,
    /// Floating IPs.
    pub floating_ips: u64,
}

/// What of an organization is in a department.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inside {
    /// Projects.
    pub projects: u64,
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Roles of its own.
    pub roles: u64,
}

/// How far a purge is in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Purging {
    /// The region was not told to.
    #[default]
    NotTold,
    /// It was told, and has not said what came of it.
    Waiting,
    /// Its agent does not do it, and why.
    Refused(String),
    /// Its agent asked the cloud, and nothing is in it. It waits for the other regions.
    Ready,
    /// Nobody did it while the word was good.
    Lapsed,
    /// It is done.
    Done,
}

impl Contents {
    /// Each count with its word, those that are not zero.
    fn words(&self) -> Vec<String> {
        let all = [
            (self.servers, "server"),
            (self.volumes, "volume"),
            (self.networks, "network"),
            (self.floating_ips, "floating IP"),
        ];
        words(&all)
    }
}

impl Inside {
    /// One more of a kind.
    pub const fn add(&mut self, kind: ObjectKind) {
        match kind {
            ObjectKind::Department => {}
            ObjectKind::Project => self.projects += 1,
            ObjectKind::User => self.users += 1,
            ObjectKind::Group => self.groups += 1,
            ObjectKind::Role => self.roles += 1,
        }
    }

    /// Each count with its word, those that are not zero.
    pub fn words(&self) -> Vec<String> {
        let all = [
            (self.projects, "project"),
            (self.users, "user"),
            (self.groups, "group"),
            (self.roles, "role"),
        ];
        words(&all)
    }
}

fn words(all: &[(u64, &str)]) -> Vec<String> {
    let there = all.iter().filter(|(count, _)| *count > 0);
    let words = there.map(|(count, word)| match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    });
    words.collect()
}

impl Left {
    /// What is in it there that only its owners, or the region's administrator, can take out: all
    /// but the directory's own that is deleted with it.
    fn holds(&self, along: &Inside) -> Vec<String> {
        let here = self.here.unwrap_or_default();
        let mut words = here.contents.words();
        let Inside {
            projects,
            users,
            groups,
            roles,
        } = here.inside;
        let more = Inside {
            projects,
            users: users.saturating_sub(along.users),
            groups: groups.saturating_sub(along.groups),
            roles: roles.saturating_sub(along.roles),
        };
        words.extend(more.words());
        words
    }
}

impl Retired {
    /// Whether the hub may tell the regions to purge it.
    ///
    /// # Errors
    /// With the numbers and the regions that are in the way.
    pub fn may_be_purged(&self) -> Result<(), Refusal> {
        let what = format!("the {} {:?} is not purged", self.kind.name(), self.name);
        if !self.within.is_empty() {
            let named = some(self.within.iter().cloned());
            return Err(Refusal::Wrong {
                what: format!("{what}: in it are the retired projects {named}"),
                next: "purge those first",
            });
        }
        let at = self.stamp.at;
        let away = self.left.iter().filter(|it| it.heard <= at);
        let away: Vec<String> = away.map(|it| it.region.clone()).collect();
        if !away.is_empty() {
            let named = some(away.into_iter());
            return Err(Refusal::Wrong {
                what: format!("{what}: not heard of since it was retired: {named}"),
                next: "bring the region back, or remove it with `idp-hub region remove`",
            });
        }
        let full = self.left.iter().filter_map(|it| {
            let holds = it.holds(&self.goes_along);
            let is_full = !holds.is_empty();
            is_full.then(|| format!("{} has {}", it.region, holds.join(", ")))
        });
        let full: Vec<String> = full.collect();
        if !full.is_empty() {
            let named = some(full.into_iter());
            return Err(Refusal::Wrong {
                what: format!("{what}: it is not empty: {named}"),
                next: "delete or move that in the region first",
            });
        }
        let on = self
            .left
            .iter()
            .filter(|it| it.here.is_some_and(|it| it.is_on));
        let on: Vec<String> = on.map(|it| it.region.clone()).collect();
        if !on.is_empty() {
            let named = some(on.into_iter());
            return Err(Refusal::Wrong {
                what: format!("{what}: it is not switched off in {named}"),
                next: "see `idp-hub org status` and `idp-hub org drift` for why",
            });
        }
        let unread = self.left.iter().filter(|it| !it.unread.is_empty());
        let unread: Vec<String> = unread
            .map(|it| format!("{} ({})", it.region, it.unread.join(", ")))
            .collect();
        if !unread.is_empty() {
            let named = some(unread.into_iter());
            return Err(Refusal::Wrong {
                what: format!("{what}: nobody knows what of it is in {named}"),
                next: "wait until all is read; see `idp-hub region show` for why it is not",
            });
        }
        Ok(())
    }

    fn is_any(&self, purge: &Purging) -> bool {
        self.left.iter().any(|it| it.purge == *purge)
    }

    /// What is waited for, where each region that has to be told was told: nobody has to do
    /// anything.
    fn goes_on(&self) -> Option<&'static str> {
        // One that was merged after the word was given has to be told, too: it is given again.
        if self.how != End::Deleted && self.is_any(&Purging::NotTold) {
            return None;
        }
        let is_ready = self.is_any(&Purging::Ready);
        if self.is_any(&Purging::Waiting) {
            return Some(match is_ready {
                true => "wait until each region finds it empty; then all delete it",
                false => "wait until each region has looked at it, and has purged it",
            });
        }
        let is_empty = (is_ready || self.is_any(&Purging::Done)) && !self.is_any(&Purging::Lapsed);
        is_empty.then_some("wait: no region has anything in it, and it is deleted by itself")
    }

    /// What to do about it, for people.
    pub fn next_step(&self) -> String {
        if self
            .left
            .iter()
            .any(|it| matches!(it.purge, Purging::Refused(_)))
        {
            return "do what the region says; it is tried again by itself".to_owned();
        }
        if let Some(wait) = self.goes_on() {
            return wait.to_owned();
        }
        match self.may_be_purged() {
            Err(Refusal::Wrong { next, .. }) => next.to_owned(),
            Err(other) => other.to_string(),
            Ok(()) => {
                let purge = format!("idp-hub org purge {} {}", self.kind.name(), self.id);
                match self.is_any(&Purging::Lapsed) {
                    true => format!(
                        "it was not purged within {} days, or the hub was restored since; to say \
                         it again: {purge}",
                        Purge::GOOD_FOR.as_secs() / (24 * 3600)
                    ),
                    false => purge,
                }
            }
        }
    }
}

/// Some names, and how many there are beside.
fn some(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    let mut text = all
        .into_iter()
        .take(NAMED_MAX)
        .collect::<Vec<_>>()
        .join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

impl Directory {
    /// What was retired, or was purged: projects and departments that are not live any more.
    pub fn retired(&self) -> impl Iterator<Item = (ObjectId, &Ended)> {
        let all = self.ended.iter();
        let all = all.filter(|(_, it)| is_purgeable(it.object.kind()));
        all.map(|(id, it)| (*id, it))
    }

    /// The directory's own that are deleted with a department once that is purged.
    pub fn goes_along(&self, kind: ObjectKind, id: ObjectId) -> Inside {
        let mut along = Inside::default();
        for it in self.ended.values() {
            let is_in = kind == ObjectKind::Department && it.object.department() == Some(&id);
            if is_in && it.how == End::Retired {
                along.add(it.object.kind());
            }
        }
        along.projects = 0;
        along
    }

    /// Every region finds it empty but for what goes along: what was retired with a department
    /// (users, groups and roles) is deleted now, as its Keystones would delete it with it.
    ///
    /// # Errors
    /// If it was not retired. Nothing is changed then.
    pub fn agree_to_purge(
        &mut self,
        kind: ObjectKind,
        id: ObjectId,
        stamp: &Stamp,
    ) -> Result<Delta, Refusal> {
        let ended = self.ended.get(&id).filter(|it| it.object.kind() == kind);
        if ended.is_none() || !is_purgeable(kind) {
            return Err(self.not_retired(kind, id));
        }
        let goes = self.ended.iter().filter(|(_, it)| {
            let is_in = it.object.department() == Some(&id);
            is_in && it.how == End::Retired && !is_purgeable(it.object.kind())
        });
        let goes: Vec<(ObjectKind, ObjectId)> =
            goes.map(|(id, it)| (it.object.kind(), *id)).collect();
        Ok(self.delete_ended(goes, stamp))
    }

    /// It is purged everywhere: from now on it was deleted, and its name is free. Again, or of what
    /// was not retired, that changes nothing.
    pub fn purged(&mut self, kind: ObjectKind, id: ObjectId, stamp: &Stamp) -> Delta {
        let ended = self.ended.get(&id);
        let is_it = ended.is_some_and(|it| it.object.kind() == kind && it.how == End::Retired);
        let goes = is_it.then_some((kind, id));
        self.delete_ended(goes.into_iter().collect(), stamp)
    }

    fn delete_ended(&mut self, goes: Vec<(ObjectKind, ObjectId)>, stamp: &Stamp) -> Delta {
        for (_, id) in &goes {
            if let Some(ended) = self.ended.get_mut(id) {
                ended.how = End::Deleted;
                self.stamps.insert(*id, stamp.clone());
            }
        }
        Delta {
            ended: goes,
            ..Delta::default()
        }
    }

    /// Retired projects that are in something, by name.
    pub fn retired_within(&self, kind: ObjectKind, id: ObjectId) -> Vec<String> {
        let mut within = BTreeMap::new();
        for (inner, it) in &self.ended {
            let shared::model::Object::Project(project) = &it.object else {
                continue;
            };
            let is_in = match kind {
                ObjectKind::Department => project.department == id,
                _ => project.parent == Some(id),
            };
            if is_in && it.how == End::Retired {
                within.insert(*inner, project.name.clone());
            }
        }
        within.into_values().collect()
    }

    fn not_retired(&self, kind: ObjectKind, id: ObjectId) -> Refusal {
        match self.live.object(kind, &id) {
            Some(object) => Refusal::Wrong {
                what: format!("the {} {:?} is in use", kind.name(), object.name()),
                next: "retire it first, with `idp-hub org retire`",
            },
            None => Refusal::Missing { kind, id },
        }
    }
}

/// Whether things of a kind are retired first, and purged on command.
const fn is_purgeable(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Department | ObjectKind::Project)
}

#[cfg(test)]
mod tests;
