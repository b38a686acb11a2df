//! What administrators change, checked by Keystone's rules before anything is changed: what one
//! Keystone would refuse must not be told to all of them.

mod links;
mod rules;
mod switches;

use shared::ids::ObjectId;
use shared::model::{DESCRIPTION_BYTES_MAX, End, Link, Object, ObjectKind};

use super::delta::Delta;
use super::refusal::Refusal;
use super::{Directory, Stamp};

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Make something.
    Create {
        /// Its id, which the caller draws.
        id: ObjectId,
        /// What it is to be.
        object: Object<ObjectId>,
    },
    /// Change something.
    Update {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
        /// What of it.
        patch: Patch,
    },
    /// End something: a user, group or role is deleted in every region; a department or project is
    /// retired, and its resources stay where they are.
    End {
        /// What kind of thing.
        kind: ObjectKind,
        /// Which.
        id: ObjectId,
    },
    /// Make a link. One that is there stays as it is.
    Link(Link<ObjectId>),
    /// The same, also where somebody who has the role `admin` comes to be in another one's power by
    /// it in the regions' own Keystones: a cloud administrator says that it may be so.
    Entrust(Link<ObjectId>),
    /// Take a link away. One that is not there changes nothing.
    Unlink(Link<ObjectId>),
    /// Make a user a cloud administrator. One who is it stays it.
    Appoint(ObjectId),
    /// Make a user no cloud administrator any more. One who is none stays it.
    Dismiss {
        /// Whom.
        user: ObjectId,
        /// Also where no other user of the directory is one who may sign in.
        even_the_last: bool,
    },
}

/// What of a thing is to be another. `None` stays as it is. Department and outer project can't be
/// changed, as no Keystone does that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// The name.
    pub name: Option<String>,
    /// The description; `Some(None)` for none, which differs from an empty one.
    pub description: Option<Option<String>>,
    /// Whether it may be used: of departments, projects and users.
    pub enabled: Option<bool>,
    /// A user's address; likewise.
    pub email: Option<Option<String>>,
    /// A user's default project; `Some(None)` for none.
    pub default_project: Option<Option<ObjectId>>,
}

/// How things of a kind end.
pub(super) const fn end_of(kind: ObjectKind) -> End {
    match kind {
        ObjectKind::Department | ObjectKind::Project => End::Retired,
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => End::Deleted,
    }
}

impl Directory {
    /// Makes a change. One that says what is so already changes nothing.
    ///
    /// # Errors
    /// Where a Keystone would refuse it, or it is about what is not there: nothing is changed.
    pub fn change(&mut self, edit: Edit, stamp: &Stamp) -> Result<Delta, Refusal> {
        self.keeps_administration(&edit)?;
        // Before the power that it gives, which only what is there has.
        if let Edit::Link(link) | Edit::Entrust(link) = &edit {
            links::check(self, link)?;
        }
        self.exposes_nobody(&edit)?;
        match edit {
            Edit::Appoint(user) => self.appoint(user, stamp),
            Edit::Dismiss { user, .. } => self.dismiss(user),
            Edit::Create { id, object } => self.create(id, object, stamp),
            Edit::Update { kind, id, patch } => self.update(kind, id, patch, stamp),
            Edit::End { kind, id } => {
                let object = self.required(kind, id)?;
                rules::may_end(&object)?;
                Ok(self.end(kind, id, end_of(kind), stamp))
            }
            Edit::Link(link) | Edit::Entrust(link) => {
                let is_new = !self.live.has_link(&link);
                self.live.link(link.clone());
                let linked = is_new.then_some(link).into_iter().collect();
                Ok(Delta {
                    linked,
                    ..Delta::default()
                })
            }
            Edit::Unlink(link) => {
                let is_here = self.live.has_link(&link);
                self.live.unlink(&link);
                let unlinked = is_here.then_some(link).into_iter().collect();
                Ok(Delta {
                    unlinked,
                    ..Delta::default()
                })
            }
        }
    }

    fn create(
        &mut self,
        id: ObjectId,
        object: Object<ObjectId>,
        stamp: &Stamp,
    ) -> Result<Delta, Refusal> {
        if self.stamps.contains_key(&id) {
            return Err(wrong(format!("the id {id} is in use"), "draw another one"));
        }
        rules::name(self, id, &object)?;
        rules::check(self, None, &object)?;
        switches::check(self, id, None, &object)?;
        Ok(self.put(id, object, stamp))
    }

    fn update(
        &mut self,
        kind: ObjectKind,
        id: ObjectId,
        patch: Patch,
        stamp: &Stamp,
    ) -> Result<Delta, Refusal> {
        let before = self.required(kind, id)?;
        let after = patched(before.clone(), patch)?;
        if before == after {
            return Ok(Delta::default());
        }
        // What a region brought along may be called what would not be allowed here.
        if before.name() != after.name() {
            rules::may_rename(&before)?;
            rules::keeps_its_users(self, id, &after)?;
            rules::name(self, id, &after)?;
        }
        rules::check(self, Some(&before), &after)?;
        switches::check(self, id, Some(&before), &after)?;
        Ok(self.put(id, after, stamp))
    }

    fn put(&mut self, id: ObjectId, object: Object<ObjectId>, stamp: &Stamp) -> Delta {
        let kind = object.kind();
        self.live.insert(id, object);
        self.stamps.insert(id, stamp.clone());
        Delta {
            put: vec![(kind, id)],
            ..Delta::default()
        }
    }

    /// A live object, or why there is none.
    pub(super) fn required(
        &self,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<Object<ObjectId>, Refusal> {
        if let Some(object) = self.live.object(kind, &id) {
            return Ok(object);
        }
        let ended = self.ended.get(&id).filter(|it| it.object.kind() == kind);
        Err(match ended {
            Some(ended) => Refusal::Ended {
                kind,
                id,
                name: ended.object.name().to_owned(),
                how: ended.how,
            },
            None => Refusal::Missing { kind, id },
        })
    }
}

fn patched(object: Object<ObjectId>, patch: Patch) -> Result<Object<ObjectId>, Refusal> {
    let kind = object.kind();
    let stray = match kind {
        ObjectKind::User => None,
        ObjectKind::Department | ObjectKind::Project => of_users(&patch),
        ObjectKind::Group | ObjectKind::Role => {
            of_users(&patch).or(patch.enabled.map(|_| "enabled"))
        }
    };
    if let Some(field) = stray {
        let what = format!("a {} has no {field}", kind.name());
        return Err(wrong(what, "leave it out"));
    }
    let Patch {
        name,
        description,
        enabled,
        email,
        default_project,
    } = patch;
    let named = |before: String| name.unwrap_or(before);
    let described = |before| description.unwrap_or(before);
    let switched = |before| enabled.unwrap_or(before);
    Ok(match object {
        Object::Department(mut it) => {
            it.name = named(it.name);
            it.description = described(it.description);
            it.enabled = switched(it.enabled);
            Object::Department(it)
        }
        Object::Project(mut it) => {
            it.name = named(it.name);
            it.description = described(it.description);
            it.enabled = switched(it.enabled);
            Object::Project(it)
        }
        Object::User(mut it) => {
            it.name = named(it.name);
            it.description = described(it.description);
            it.enabled = switched(it.enabled);
            it.email = email.unwrap_or(it.email);
            it.default_project = default_project.unwrap_or(it.default_project);
            Object::User(it)
        }
        Object::Group(mut it) => {
            it.name = named(it.name);
            it.description = described(it.description);
            Object::Group(it)
        }
        Object::Role(mut it) => {
            it.name = named(it.name);
            it.description = described(it.description);
            Object::Role(it)
        }
    })
}

/// A field that users alone have, if it is to be changed.
fn of_users(patch: &Patch) -> Option<&'static str> {
    let email = patch.email.as_ref().map(|_| "email");
    email.or(patch.default_project.map(|_| "default project"))
}

fn wrong(what: String, next: &'static str) -> Refusal {
    Refusal::Wrong { what, next }
}

/// What a thing is described by, as it may be.
fn check_description(text: Option<&String>) -> Result<(), Refusal> {
    let bytes = text.map_or(0, String::len);
    if bytes > DESCRIPTION_BYTES_MAX {
        let what = format!("the description has {bytes} bytes, of {DESCRIPTION_BYTES_MAX} at most");
        return Err(wrong(what, "say it shorter"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
