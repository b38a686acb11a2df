//! What nobody can tell while the users or groups of some departments could not be listed.
//!
//! A department's directory server may be away, and Keystone then lists nothing of that department,
//! or its groups and not who is in them.
//! What is there waits, and so does whatever might be there, or hangs on what is: a thing that was
//! applied and is not met (it may be there), a role that somebody there may have, and passwords of
//! all users while a group of which no member is known may make its members administrators. All
//! else goes on.
//!
//! Or a department's list is cut (Keystone says so by `truncated`, and an LDAP server's size limit
//! is as good as for ever): what came of it is known, and of what was applied there and did not
//! come nobody can tell whether it is there. What was never there is made all the same, as the
//! cloud's answer tells then.

use shared::ids::ObjectId;
use shared::model::{Actor, CloudId, Link, Membership, ObjectKind, RecordKind};

use super::Reconciler;
use super::batch::Task;
use super::places::There;
use super::subject::{Subject, record_kind};
use crate::cloud::{Cut, Order, Reach};

/// What an unlisted group's members are kept by.
const MEMBERSHIPS: RecordKind = RecordKind::Membership;

impl Reconciler {
    /// The first kind that must be read before anything can be said of this thing of the directory.
    pub(super) fn unread_of(&self, what: There) -> Option<RecordKind> {
        let kind = what.0;
        let is_unlisted = || self.is_unlisted(what) || self.is_beyond(what);
        let unlisted = || is_unlisted().then_some(record_kind(kind));
        self.unread(kind).or_else(unlisted)
    }

    /// The same of a link of the directory, for all that it links.
    pub(super) fn unread_for(&self, link: &Link<ObjectId>) -> Option<RecordKind> {
        let kind = link.kind();
        let is_unread = || match link {
            Link::Membership(Membership { group, .. }) => {
                let here = self.places.here(ObjectKind::Group, group);
                !self.actual.is_told(kind) || here.is_some_and(|it| self.actual.hides_members(&it))
            }
            Link::Implication(_) | Link::Assignment(_) => !self.actual.is_whole(kind),
        };
        let unread = link
            .ends()
            .find_map(|(kind, id)| self.unread_of((kind, *id)));
        unread.or_else(|| is_unread().then_some(kind))
    }

    /// Whether nothing can be said of a subject yet.
    pub(super) fn is_unread(&self, subject: &Subject) -> bool {
        let unread = match subject {
            Subject::Object(kind, id) => self.unread_of((*kind, *id)),
            Subject::Link(link) => self.unread_for(link),
            Subject::Password(user) => {
                let his = self.unread_of((ObjectKind::User, *user));
                his.or_else(|| self.unread_of_roles())
            }
            Subject::Own(kind, here) => {
                let unlisted = self.actual.may_be_unlisted(*kind, here);
                let unlisted = unlisted.then_some(record_kind(*kind));
                self.unread(*kind).or(unlisted)
            }
            Subject::Quota(..) => self.unread(ObjectKind::Project),
            Subject::Reading(_) => None,
        };
        unread.is_some()
    }

    /// Whether a thing of the directory is, or may be, in a department whose things of this kind
    /// were not listed.
    fn is_unlisted(&self, what: There) -> bool {
        let (kind, id) = what;
        let of = record_kind(kind);
        let coverage = self.actual.coverage();
        if coverage.unlisted(of).next().is_none() {
            return false;
        }
        let home = self.home((kind, &id));
        if home.as_ref().is_some_and(|it| coverage.lacks(of, Some(it))) {
            return true;
        }
        let here = self.places.here(kind, &id);
        let applied = self.base.objects.get(&what).map(|it| &it.here);
        match &here {
            Some(here) if self.actual.may_be_unlisted(kind, here) => return true,
            // That counts before anything else.
            Some(here) if applied == Some(here) => return false,
            _ => {}
        }
        // What it was applied as, or is by the hub's word, may be there and was not listed. Nor is
        // a marker believed of what the directory has no more, while something better may be there.
        // What was applied is in its department, and gone where that was listed: nothing moves.
        let is_there = |it: &CloudId| self.actual.organization().has(kind, it);
        let applied = applied.filter(|_| home.is_none());
        let mut evidence = applied.into_iter().chain(self.places.bound(what));
        let is_bound = |here: &CloudId| self.places.bound(what).any(|it| it == here);
        let is_by_marker = here.as_ref().is_some_and(|it| !is_bound(it));
        let is_gone = !self.replica.directory.has(kind, &id);
        evidence.any(|it| !is_there(it)) || is_by_marker && is_gone
    }

    /// Whether a thing of the directory was something here that no reading showed, and may be
    /// beyond the end of a list.
    fn is_beyond(&self, what: There) -> bool {
        let (kind, id) = what;
        let home = self.home((kind, &id));
        let coverage = self.actual.coverage();
        if !coverage.is_cut(record_kind(kind), home.as_ref()) {
            return false;
        }
        let was_here = self.base.objects.contains_key(&what);
        let was_here = was_here || self.places.bound(what).next().is_some();
        was_here && self.places.here(kind, &id).is_none()
    }

    /// What is told where nobody knows what has the name that an order claims, as the list of its
    /// department is cut.
    pub(super) fn beyond(&self, task: &Task) -> Option<String> {
        let (object, id) = match &task.order {
            Order::Create { object, .. } => (object, None),
            Order::Update { id, to, .. } => (to, Some(id)),
            _ => return None,
        };
        let kind = object.kind();
        let mut cut = self.actual.coverage().cut(record_kind(kind));
        let is_cut = cut.any(|it| object.department() == Some(it));
        let (what, name) = (kind.name(), object.name());
        (is_cut && self.actual.named(object, id).is_none()).then(|| {
            format!(
                "a {what} named {name:?} is there, and not among what came of its department's \
                 list, which is cut: it may be the federation's, made by an order whose answer was \
                 lost; let that list come whole (Keystone's list_limit) before it is renamed or \
                 removed"
            )
        })
    }

    /// Whether a reading did not tell a thing of the directory where it told of its department no
    /// more than some.
    pub(super) fn is_left_out(&self, (kind, id): There, cut: &Cut) -> bool {
        let home = self.home((kind, &id));
        let here = self.places.here(kind, &id);
        match home {
            Some(home) => cut.get(&home).is_some_and(|some| match here {
                Some(here) => !some.contains(&here),
                None => true,
            }),
            None => !cut.is_empty(),
        }
    }

    /// Whether a thing of the cloud is linked to one that nobody can say anything of, as it may be
    /// in a department that was not listed: or has such a link, as its own members are not known.
    pub(super) fn unlisted_around(&self, kind: ObjectKind, here: &CloudId) -> Option<RecordKind> {
        if kind == ObjectKind::Group && self.actual.hides_members(here) {
            return Some(MEMBERSHIPS);
        }
        let mut linked = self.actual.links_of(kind, here).flat_map(Link::ends);
        let unlisted = linked.find(|(kind, id)| self.actual.may_be_unlisted(*kind, id));
        unlisted.map(|(kind, _)| record_kind(kind))
    }

    /// Whether somebody may be a cloud administrator of whom nobody knows: by a group whose members
    /// are not known.
    pub(super) fn hides_administrators(&self) -> bool {
        if !self.actual.coverage().hides_some_members() {
            return false;
        }
        *self.hidden.get_or_init(|| {
            let all = self.actual.organization().assignments.iter();
            let mut given = all.filter_map(|it| match &it.actor {
                Actor::Group(group) => Some((group, &it.role)),
                Actor::User(_) => None,
            });
            given.any(|(group, role)| self.actual.hides_members(group) && self.leads_to_admin(role))
        })
    }

    /// Whether a reading that told nothing of some departments says nothing of this thing of the
    /// directory either.
    pub(super) fn is_passed_by(&self, subject: &Subject, lacks: &Reach) -> bool {
        let Subject::Object(kind, id) = subject else {
            return false;
        };
        lacks.may_have(self.home((*kind, id)).as_ref())
    }

    /// What the cloud calls the department in which the directory has a thing.
    fn home(&self, (kind, id): (ObjectKind, &ObjectId)) -> Option<CloudId> {
        let object = self.replica.directory.object(kind, id)?;
        self.places
            .here(ObjectKind::Department, object.department()?)
    }

    /// The department by whose reading it is seen whether an order was carried out; `None` where
    /// none is needed, or nobody knows.
    pub(super) fn seen_in(&self, order: &Order) -> Option<CloudId> {
        let department = match order {
            Order::Create { object, .. } => object.department(),
            Order::Update { to, .. } => to.department(),
            Order::Remove { kind, id }
            | Order::Look { kind, id, .. }
            | Order::Purge { kind, id, .. } => self.actual.department(*kind, id),
            Order::Link(Link::Membership(it)) | Order::Unlink(Link::Membership(it)) => {
                self.actual.department(ObjectKind::Group, &it.group)
            }
            Order::Link(_) | Order::Unlink(_) | Order::Password(..) | Order::Quota(_) => None,
        };
        department.cloned()
    }

    /// Looks again at what waits for a reading: more may be known that it waits for.
    pub(super) fn look_at_what_is_unread(&mut self) {
        let all = self.standings.iter();
        let waiting = all.filter(|(_, it)| it.is_unread());
        let waiting: Vec<_> = waiting.map(|(subject, _)| subject.clone()).collect();
        self.dirty.extend(waiting);
    }
}
