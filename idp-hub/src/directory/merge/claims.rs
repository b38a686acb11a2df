//! Recognizing: which of the region's things are which of the directory's, by map and marker.

use std::collections::{HashMap, HashSet};

use shared::ids::ObjectId;
use shared::model::{CloudId, Folded, ObjectKind};

use super::{Evidence, Merger};

/// What a thing of the region was recognized as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Claim {
    /// One that the directory has.
    Live(ObjectId, Evidence),
    /// One that is not live any more.
    Ended(ObjectId),
}

impl Claim {
    pub(super) const fn live(&self) -> Option<ObjectId> {
        match self {
            Self::Live(id, _) => Some(*id),
            Self::Ended(_) => None,
        }
    }
}

/// What was recognized.
pub(super) type Claims<'a> = HashMap<&'a CloudId, Claim>;

/// Names of one kind within the departments of the directory; `None` holds the global ones.
pub(super) type Names = HashMap<(Option<ObjectId>, Folded), ObjectId>;

impl<'a> Merger<'a> {
    /// Whose map or marker says which of the directory's it is. Where two are the same by that,
    /// what the agent tells to be none of the directory's is not it: what was decided came too late
    /// there, as the agent had made another one by then, or a marker was copied with its thing.
    /// Otherwise the map is believed more, then who has the name, then the smaller id.
    pub(super) fn claims(
        &self,
        kind: ObjectKind,
        all: impl Iterator<Item = (&'a CloudId, &'a str, Option<&'a CloudId>)>,
    ) -> Claims<'a> {
        let (mut claims, mut candidates) = (Claims::new(), Vec::new());
        for (here, name, department) in all {
            let Some((id, by)) = self.evidence(kind, here) else {
                continue;
            };
            let ended = self.directory.ended.get(&id);
            if ended.is_some_and(|it| it.object.kind() == kind) {
                claims.insert(here, Claim::Ended(id));
            }
            let Some((within, known)) = self.place(kind, id) else {
                continue;
            };
            // Nothing moves from one department to another.
            let is_here = department
                .and_then(|it| self.identities.fate(ObjectKind::Department, it).id())
                == within;
            if is_here {
                let is_own = self.is_own(kind, here);
                candidates.push((is_own, by, known != name, here, id));
            }
        }
        candidates.sort_unstable();
        let mut claimed = HashSet::new();
        let candidates = candidates.into_iter();
        let first = candidates.filter(|(.., id)| claimed.insert(*id));
        claims.extend(first.map(|(_, by, _, here, id)| (here, Claim::Live(id, by))));
        claims
    }

    /// The department and the name of what is live in the directory.
    pub(super) fn place(&self, kind: ObjectKind, id: ObjectId) -> Option<(Option<ObjectId>, &str)> {
        let live = &self.directory.live;
        Some(match kind {
            ObjectKind::Department => (None, &live.departments.get(&id)?.name),
            ObjectKind::Role => live.roles.get(&id).map(|it| (it.department, &*it.name))?,
            ObjectKind::Project => live
                .projects
                .get(&id)
                .map(|it| (Some(it.department), &*it.name))?,
            ObjectKind::Group => live
                .groups
                .get(&id)
                .map(|it| (Some(it.department), &*it.name))?,
            ObjectKind::User => live
                .users
                .get(&id)
                .map(|it| (Some(it.department), &*it.name))?,
        })
    }

    /// The ids of one kind in the directory, by department and name.
    pub(super) fn names(&self, kind: ObjectKind) -> Names {
        let ids = self.ids(kind);
        let places = ids.filter_map(|id| Some((id, self.place(kind, id)?)));
        places
            .map(|(id, (within, name))| ((within, Folded::new(name)), id))
            .collect()
    }

    /// All of one kind in the directory.
    pub(super) fn ids(&self, kind: ObjectKind) -> Box<dyn Iterator<Item = ObjectId> + 'a> {
        let live = &self.directory.live;
        match kind {
            ObjectKind::Department => Box::new(live.departments.keys().copied()),
            ObjectKind::Project => Box::new(live.projects.keys().copied()),
            ObjectKind::User => Box::new(live.users.keys().copied()),
            ObjectKind::Group => Box::new(live.groups.keys().copied()),
            ObjectKind::Role => Box::new(live.roles.keys().copied()),
        }
    }
}
