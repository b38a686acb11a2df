//! Whether the directory still is what a remark was made against. Agents tell their remarks a while
//! after they saw the directory, and an old one must not be written over what was changed since.

use shared::ids::ObjectId;
use shared::model::{DriftKind, Drifted, Holder, Object, ObjectKind, Remark, RemarkState, Subject};

use super::DriftRefusal;
use crate::directory::Directory;

impl Directory {
    /// Whether something of a drift is left to adopt: not where the directory has all of it by now.
    /// What is not live is left to the edit, which says why it can't be.
    ///
    /// # Errors
    /// Where the directory has neither what the remark says that it has, nor what the region has:
    /// somebody changed it since.
    pub fn is_left_to_adopt(&self, remark: &Remark) -> Result<bool, DriftRefusal> {
        let RemarkState::Drift { what, .. } = &remark.state else {
            return Ok(true);
        };
        match &remark.subject {
            Subject::Object(kind, id) => self.is_object_left(remark, what, (*kind, *id)),
            Subject::Link(link) => {
                let is_here = self.live.has_link(link);
                Ok(what.first().is_none_or(|it| match it.what {
                    DriftKind::LinkGiven | DriftKind::NotInDirectory => !is_here,
                    DriftKind::LinkTaken => is_here,
                    _ => true,
                }))
            }
            Subject::Own(..) | Subject::Password(_) | Subject::Quota(..) | Subject::Reading(_) => {
                Ok(true)
            }
        }
    }

    fn is_object_left(
        &self,
        remark: &Remark,
        what: &[Drifted],
        (kind, id): (ObjectKind, ObjectId),
    ) -> Result<bool, DriftRefusal> {
        let Some(object) = self.live.object(kind, &id) else {
            let is_deleted = what.iter().any(|it| it.what == DriftKind::Deleted);
            return Ok(!(is_deleted && self.knows(kind, id)));
        };
        if what.iter().any(|it| it.what == DriftKind::Deleted) {
            return Ok(true);
        }
        // Of what can't be adopted anyway nothing is asked.
        let mut compared = what
            .iter()
            .filter_map(|it| Some((it, value(&object, it.what)?)));
        let mut is_left = None;
        compared.try_for_each(|(it, now)| {
            let (before, there) = (it.directory.clone(), it.cloud.clone());
            if now != before && now != there {
                let subject = remark.subject.to_string();
                return Err(DriftRefusal::Changed { subject });
            }
            *is_left.get_or_insert(false) |= now != there;
            Ok(())
        })?;
        Ok(is_left.unwrap_or(true))
    }

    /// Whether the directory has, or had until it ended, what a remark is about; a link, if it
    /// has or had both its ends. Of a region's own thing it knows nothing.
    pub fn knows_of(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Object(kind, id) => self.knows(*kind, *id),
            Subject::Password(user) => self.knows(ObjectKind::User, *user),
            Subject::Link(link) => link.ends().all(|(kind, id)| self.knows(kind, *id)),
            Subject::Quota(Holder::Project(id), _) => self.knows(ObjectKind::Project, *id),
            Subject::Own(..) | Subject::Quota(Holder::Own(_), _) | Subject::Reading(_) => false,
        }
    }
}

/// What a thing has of a field that can be adopted, as remarks say it: `Some(None)` for nothing,
/// `None` where it has no such field.
fn value(object: &Object<ObjectId>, of: DriftKind) -> Option<Option<String>> {
    let (description, enabled, user) = match object {
        Object::Department(it) => (&it.description, Some(it.enabled), None),
        Object::Project(it) => (&it.description, Some(it.enabled), None),
        Object::User(it) => (&it.description, Some(it.enabled), Some(it)),
        Object::Group(it) => (&it.description, None, None),
        Object::Role(it) => (&it.description, None, None),
    };
    match of {
        DriftKind::Name => Some(Some(object.name().to_owned())),
        DriftKind::Description => Some(description.clone()),
        DriftKind::Enabled => enabled.map(|it| Some(it.to_string())),
        DriftKind::Email => user.map(|it| it.email.clone()),
        DriftKind::DefaultProject => {
            user.map(|it| it.default_project.as_ref().map(ToString::to_string))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::ids::FederationId;
    use shared::model::{Department, DriftWhy, Link, Membership, Organization, UnixMillis, User};

    use super::*;
    use crate::directory::Stamp;

    const DEPARTMENT: u128 = 1;
    const USER: u128 = 2;
    const PROJECT: u128 = 3;

    fn directory(is_member: bool) -> Directory {
        let mut live = Organization::default();
        let id = ObjectId::from_random;
        let department = Department {
            name: "ops".to_owned(),
            description: None,
            enabled: true,
        };
        live.insert(id(DEPARTMENT), Object::Department(department));
        let user = User {
            department: id(DEPARTMENT),
            name: "ann".to_owned(),
            description: None,
            email: Some("ann@example.org".to_owned()),
            enabled: true,
            default_project: Some(id(PROJECT)),
        };
        live.insert(id(USER), Object::User(user));
        if is_member {
            live.link(membership());
        }
        let stamp = Stamp {
            author: "ann".to_owned(),
            at: UnixMillis(1),
            epoch: 1,
        };
        let stamps = [DEPARTMENT, USER].map(|it| (id(it), stamp.clone()));
        let federation = FederationId::from_random(7);
        Directory::stored(federation, live, BTreeMap::new(), stamps.into())
    }

    fn membership() -> Link<ObjectId> {
        Link::Membership(Membership {
            group: ObjectId::from_random(4),
            user: ObjectId::from_random(USER),
        })
    }

    fn remark(subject: Subject, what: &[(DriftKind, &str, &str)]) -> Remark {
        let text = |it: &str| (!it.is_empty()).then(|| it.to_owned());
        let what = what.iter().map(|(what, directory, cloud)| Drifted {
            what: *what,
            directory: text(directory),
            cloud: text(cloud),
        });
        Remark {
            subject,
            name: "ann".to_owned(),
            state: RemarkState::Drift {
                why: DriftWhy::Region,
                what: what.collect(),
            },
        }
    }

    #[test]
    fn only_what_the_directory_still_has_as_it_was_remarked_is_adopted() {
        use DriftKind::{DefaultProject, Description, Email, Enabled, Moved, Name};
        let home = ObjectId::from_random(PROJECT).to_string();
        let other = ObjectId::from_random(9).to_string();
        let (home, other) = (home.as_str(), other.as_str());
        let mail = "ann@example.org";
        let left = Some(true);
        let done = Some(false);
        let changed = None;
        for (what, expected) in [
            (vec![(Name, "ann", "anna")], left),
            (vec![(Name, "anna", "ann")], done),
            (vec![(Name, "annie", "anna")], changed),
            (vec![(Description, "", "boss")], left),
            (vec![(Description, "boss", "")], done),
            (vec![(Description, "boss", "chief")], changed),
            (vec![(Email, mail, "")], left),
            (vec![(Email, "", mail)], done),
            (vec![(Email, "", "eve@example.org")], changed),
            (vec![(Enabled, "true", "false")], left),
            (vec![(Enabled, "false", "true")], done),
            (vec![(Enabled, "false", "false")], changed),
            (vec![(DefaultProject, home, other)], left),
            (vec![(DefaultProject, home, "")], left),
            (vec![(DefaultProject, "", home)], done),
            (vec![(DefaultProject, "", other)], changed),
            (vec![(Name, "anna", "ann"), (Email, mail, "")], left),
            (vec![(Name, "ann", "anna"), (Email, "", "eve@")], changed),
            (vec![(Name, "ann", "anna"), (Moved, "a", "b")], left),
        ] {
            let subject = Subject::Object(ObjectKind::User, ObjectId::from_random(USER));
            let seen = remark(subject, &what);
            let found = directory(false).is_left_to_adopt(&seen);
            match expected {
                Some(expected) => assert_eq!(found, Ok(expected), "{what:?}"),
                None => assert!(
                    matches!(found, Err(DriftRefusal::Changed { .. })),
                    "{what:?}: {found:?}"
                ),
            }
        }
    }

    #[test]
    fn a_link_is_adopted_where_the_directory_has_it_otherwise() {
        for (kind, is_here, expected) in [
            (DriftKind::LinkGiven, false, true),
            (DriftKind::LinkGiven, true, false),
            (DriftKind::LinkTaken, true, true),
            (DriftKind::LinkTaken, false, false),
            (DriftKind::NotInDirectory, false, true),
            (DriftKind::NotInDirectory, true, false),
        ] {
            let seen = remark(Subject::Link(membership()), &[(kind, "", "")]);
            let found = directory(is_here).is_left_to_adopt(&seen);
            assert_eq!(found, Ok(expected), "{kind:?} {is_here}");
        }
    }

    #[test]
    fn of_what_was_never_here_nothing_is_known() {
        let directory = directory(false);
        let user = |id| Subject::Object(ObjectKind::User, ObjectId::from_random(id));
        let other_kind = Subject::Object(ObjectKind::Group, ObjectId::from_random(USER));
        let own = Subject::Own(ObjectKind::User, shared::model::CloudId::new("u"));
        for (subject, expected) in [
            (user(USER), true),
            (user(9), false),
            (other_kind, false),
            (own, false),
            (Subject::Password(ObjectId::from_random(USER)), true),
            (Subject::Link(membership()), false),
        ] {
            assert_eq!(directory.knows_of(&subject), expected, "{subject}");
        }
    }
}
