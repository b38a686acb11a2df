//! In which order departments and projects are switched: Keystone makes nothing in one that is off,
//! and switches off no project before those in it.
//!
//! So what is to be switched off waits for what is still to be made in it. But only for what will
//! be made: whoever is to be locked out must not stay because of a name that is taken.

use std::collections::BTreeSet;

use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, Object, ObjectKind, Project};

use super::Reconciler;
use super::compare::enabled;
use super::failures::Failure;
use super::places::{Place, There};
use super::subject::{Standing, Subject, Wait};
use super::verdict::Verdict;

impl Reconciler {
    /// A project of the directory's that is still to be made in this department or project. One
    /// that can't be made is not waited for.
    pub(super) fn first_to_be_made(&self, (kind, id): There) -> Option<ObjectId> {
        if !matches!(kind, ObjectKind::Department | ObjectKind::Project) {
            return None;
        }
        let referrers = self.referrers.get(&(kind, id)).into_iter().flatten();
        let mut inner = referrers.filter_map(|it| match it {
            Subject::Object(ObjectKind::Project, inner) => Some(*inner),
            _ => None,
        });
        inner.find(|it| {
            let place = self.places.place((ObjectKind::Project, *it), &self.base);
            place == Place::Absent && !self.is_out_of_reach(*it)
        })
    }

    /// Whether nobody knows when a project is made, or switched on: it can't be, or what it is to
    /// be in can't.
    fn is_out_of_reach(&self, project: ObjectId) -> bool {
        let kind = ObjectKind::Project;
        // A directory that has a circle must not keep us here.
        let (mut seen, mut at) = (BTreeSet::new(), project);
        while seen.insert(at) {
            let subject = Subject::Object(kind, at);
            let failure = self.failures.get(&subject);
            let next = match self.standings.get(&subject) {
                Some(Standing::Blocked(_) | Standing::Drift(_)) => return true,
                _ if failure.is_some_and(Failure::is_lasting) => return true,
                Some(Standing::Waiting(Wait::Needs(ObjectKind::Project, outer))) => Some(*outer),
                Some(Standing::Waiting(Wait::Outer(above))) => self.places.there(kind, above),
                _ => None,
            };
            match next {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    }

    /// What waits for the projects in it may go on without one that was just looked at.
    pub(super) fn look_whether_it_is_awaited(&mut self, subject: &Subject) {
        let Subject::Object(kind @ ObjectKind::Project, id) = subject else {
            return;
        };
        let Some(it) = self.replica.directory.projects.get(id) else {
            return;
        };
        // What is here is waited for by nobody: and so no circle keeps us here.
        if self.places.here(*kind, id).is_some() {
            return;
        }
        let outer = it.parent.filter(|it| self.places.here(*kind, it).is_some());
        let outer = outer.map(|it| Subject::Object(*kind, it));
        let around = [Subject::Object(ObjectKind::Department, it.department)];
        for above in around.into_iter().chain(outer) {
            let wait = self.standings.get(&above);
            if let Some(Standing::Waiting(Wait::Needs(ObjectKind::Project, _))) = wait {
                self.dirty.insert(above);
            }
        }
    }

    /// Keystone switches a project off when those in it are off, and on when that around it is on.
    /// A department it switches as it is told, but makes no project in one that is off.
    pub(super) fn wait_to_switch(
        &self,
        kind: ObjectKind,
        id: ObjectId,
        (here, found): (&CloudId, &Object<CloudId>),
        to: &Object<CloudId>,
    ) -> Option<Verdict> {
        match (enabled(found), enabled(to)) {
            (Some(true), Some(false)) => {
                let inner = self.first_to_be_made((kind, id));
                let inner = inner.map(|it| Wait::Needs(ObjectKind::Project, it));
                let wait = inner.map(Verdict::Waiting);
                wait.or_else(|| self.until_those_in_it_are_off(here))
            }
            (Some(false), Some(true)) => match found {
                Object::Project(it) => {
                    let above = self.off_above(it);
                    above.map(|(kind, above)| self.until_it_is_on(kind, above))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Those in a project are switched off, and it after them; but one that is not the
    /// federation's to switch off is nobody's here.
    fn until_those_in_it_are_off(&self, here: &CloudId) -> Option<Verdict> {
        let projects = &self.actual.organization().projects;
        let inner = self.actual.inner(here);
        let inner = inner.filter_map(|it| Some((it, projects.get(it)?)));
        let mut on = inner.filter(|(_, it)| it.enabled).peekable();
        let first = on.peek().map(|(it, _)| Wait::Inner((*it).clone()));
        let stays = on.find(|(it, _)| !self.goes_off(it));
        let stays = stays.map(|(_, it)| Verdict::Blocked(held_open(&it.name)));
        stays.or(first.map(Verdict::Waiting))
    }

    /// Whether a project is to be switched off here, and will be: not one that somebody in the
    /// region switched on again, before that is put back.
    fn goes_off(&self, here: &CloudId) -> bool {
        let kind = ObjectKind::Project;
        let id = match self.places.binding(kind, here) {
            Some(Becomes::Withheld(id)) => {
                return !self.is_live(kind, id)
                    && !self.stays_on(&Subject::Own(kind, here.clone()));
            }
            _ => self.places.there(kind, here),
        };
        let all = &self.replica.directory.projects;
        id.is_some_and(|id| {
            let is_to_go = match all.get(&id) {
                Some(it) => !it.enabled,
                None => self.replica.ended.contains_key(&id),
            };
            is_to_go && !self.stays_on(&Subject::Object(kind, id))
        })
    }

    /// Whether nobody knows when something that is on is switched off.
    fn stays_on(&self, subject: &Subject) -> bool {
        let standing = self.standings.get(subject);
        matches!(standing, Some(Standing::Drift(_)))
    }

    /// What waits until those in it are off hears of one that stays on.
    pub(super) fn look_whether_it_stays_on(&mut self, subject: &Subject) {
        let kind = ObjectKind::Project;
        if !self.stays_on(subject) {
            return;
        }
        let here = match subject {
            Subject::Object(ObjectKind::Project, id) => self.places.here(kind, id),
            Subject::Own(ObjectKind::Project, here) => Some(here.clone()),
            _ => None,
        };
        let outer = here.and_then(|it| self.actual.outer(&it).into_iter().next());
        let Some(outer) = outer else {
            return;
        };
        let there = self.places.there(kind, &outer);
        let subjects = [
            there.map(|it| Subject::Object(kind, it)),
            Some(Subject::Own(kind, outer)),
        ];
        for above in subjects.into_iter().flatten() {
            if let Some(Standing::Waiting(Wait::Inner(_))) = self.standings.get(&above) {
                self.dirty.insert(above);
            }
        }
    }

    /// What a project is in, the nearest first, that is switched off here.
    pub(super) fn off_above(&self, project: &Project<CloudId>) -> Option<(ObjectKind, CloudId)> {
        let all = self.actual.organization();
        let outer = project.parent.iter().cloned();
        let further = project.parent.iter().flat_map(|it| self.actual.outer(it));
        let is_off = |it: &CloudId| all.projects.get(it).is_some_and(|it| !it.enabled);
        let outer = outer.chain(further).find(is_off);
        let outer = outer.map(|it| (ObjectKind::Project, it));
        let home = &project.department;
        let is_home_off = all.departments.get(home).is_some_and(|it| !it.enabled);
        outer.or_else(|| is_home_off.then(|| (ObjectKind::Department, home.clone())))
    }

    /// What is off here against the directory's word is switched on, here or there; else nobody
    /// does that before somebody says so.
    pub(super) fn until_it_is_on(&self, kind: ObjectKind, above: CloudId) -> Verdict {
        match self.is_off_against_the_directory(kind, &above) {
            true => Verdict::Waiting(Wait::Outer(above)),
            false => Verdict::Blocked(within_what_is_off(kind, &above)),
        }
    }

    /// Whether the directory has switched on what is off here.
    fn is_off_against_the_directory(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let there = self.places.there(kind, here);
        let wanted = there.and_then(|it| self.replica.directory.object(kind, &it));
        wanted.and_then(|it| enabled(&it)) == Some(true)
    }
}

fn within_what_is_off(kind: ObjectKind, above: &CloudId) -> String {
    format!(
        "the {} {above} that it is to be in is switched off, and Keystone makes no project within \
         what is off, nor switches one on; switch it on at the hub until that is done",
        kind.name()
    )
}

fn held_open(name: &str) -> String {
    format!(
        "the project {name:?} in it is on, and is not one that the hub switches off, or somebody \
         in the region switched it on again; Keystone switches off none before those in it: switch \
         that one off, or delete it, in the region, or put its drift back"
    )
}
