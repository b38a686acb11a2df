//! What a change would reach into beside the thing itself: the agent's own account and project, and
//! what is the region's own.

use shared::model::{CloudId, ObjectKind, RecordKind};

use super::Reconciler;
use super::objects::drift;
use super::subject::{Difference, Wait, Why, record_kind};
use super::verdict::Verdict;

impl Reconciler {
    /// What stands against such a change of a thing: what is reserved would be changed with it, or
    /// nobody knows yet.
    pub(super) fn reaches_into(
        &self,
        kind: ObjectKind,
        here: &CloudId,
        name: &str,
        what: &[Difference],
    ) -> Option<Verdict> {
        let mut all = what.iter();
        let is_concerned = match kind {
            // By such names the agent signs in, and in what is switched off nobody does.
            ObjectKind::Department | ObjectKind::Project => {
                all.any(|it| matches!(it, Difference::Renamed { .. } | Difference::Enabled))
            }
            // Services ask for roles by their names, and whoever has one loses it with it.
            ObjectKind::Role | ObjectKind::Group => {
                all.any(|it| matches!(it, Difference::Renamed { .. } | Difference::Surplus))
            }
            ObjectKind::User => false,
        };
        if !is_concerned {
            return None;
        }
        if let Some(unread) = self.unread_around(kind, here) {
            return Some(Verdict::Waiting(Wait::Reading(unread)));
        }
        let reaches = match kind {
            ObjectKind::Department | ObjectKind::Project => self.holds_administrator(kind, here),
            _ => self.links_reserved(kind, here),
        };
        reaches.then(|| drift(name, what.to_vec(), Why::Custody))
    }

    /// The first kind without which nobody knows what such a thing holds, or is linked to.
    fn unread_around(&self, kind: ObjectKind, here: &CloudId) -> Option<RecordKind> {
        use RecordKind::{Assignment, Group, Implication, Membership, Role};
        let inside = [ObjectKind::Project, ObjectKind::User].map(record_kind);
        let links: &[RecordKind] = match kind {
            ObjectKind::Role => &[Group, Implication, Assignment],
            ObjectKind::Group => &[Role, Membership, Assignment],
            _ => &[],
        };
        let mut needed = inside.iter().chain(links);
        let unread = needed.find(|it| !self.actual.is_told(**it)).copied();
        unread.or_else(|| match kind {
            ObjectKind::Department => {
                let users = record_kind(ObjectKind::User);
                let coverage = self.actual.coverage();
                coverage.lacks(users, Some(here)).then_some(users)
            }
            ObjectKind::Role | ObjectKind::Group => self.unlisted_around(kind, here),
            ObjectKind::Project | ObjectKind::User => None,
        })
    }

    /// Whether something of the administrator's is in a department, or nested in a project.
    pub(super) fn holds_administrator(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let mut all = self.administrators.iter();
        all.any(|(of, id)| match kind {
            ObjectKind::Department => self.actual.department(*of, id) == Some(here),
            ObjectKind::Project if *of == kind => self.actual.outer(id).contains(here),
            _ => false,
        })
    }

    /// Whether a thing has a link in the cloud to what may not be changed.
    fn links_reserved(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let mut links = self.actual.links_of(kind, here);
        links.any(|link| {
            let mut others = link.ends().filter(|(of, id)| (*of, *id) != (kind, here));
            others.any(|(of, id)| self.guard(of, id).is_some())
        })
    }
}
