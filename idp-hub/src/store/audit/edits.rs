//! Changes of the directory, with their entry.

use std::collections::BTreeMap;

use shared::audit::{Act, By, changed, link_named, link_told, thing_told};
use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind};

use super::told::{NAMED_MAX, add_first};
use crate::directory::{Delta, Edit};
use crate::store::error::StoreError;
use crate::store::{Changing, Reading};

impl Changing<'_> {
    /// Makes an administrator's change, and tells the audit trail what of it is another one now.
    /// What changes nothing is not told.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub fn edit_by(&mut self, edit: Edit, by: &By) -> Result<Delta, StoreError> {
        let (delta, act) = self.edit_told(edit, by)?;
        if let Some(act) = act {
            self.audit(act)?;
        }
        Ok(delta)
    }

    /// The same, where the caller tells the trail: what, or nothing where nothing is changed.
    pub(in crate::store) fn edit_told(
        &mut self,
        edit: Edit,
        by: &By,
    ) -> Result<(Delta, Option<Act>), StoreError> {
        let about = self.about(&edit)?;
        let before = about.object(self)?;
        let delta = self.edit(edit, &by.who)?;
        if delta.is_empty() {
            return Ok((delta, None));
        }
        let after = about.object(self)?;
        let mut act = about.act(by.clone(), before.as_ref(), after.as_ref(), &delta);
        if let Some(how) = self.reading().fall(&delta)? {
            act.after = how;
        }
        Ok((delta, Some(act)))
    }

    /// What an edit is about, by the names that it has before.
    fn about(&self, edit: &Edit) -> Result<About, StoreError> {
        let about = About::of(edit);
        let (
            About::Link(action, kind, id, _),
            Edit::Link(link) | Edit::Entrust(link) | Edit::Unlink(link),
        ) = (&about, edit)
        else {
            return Ok(about);
        };
        let mut names = BTreeMap::new();
        for (kind, id) in link.ends() {
            let object = self.reading().object(kind, *id)?;
            names.extend(object.map(|it| ((kind, id), it.name().to_owned())));
        }
        let told = link_told(link, |kind, id| names.get(&(kind, id)).cloned());
        Ok(About::Link(action, kind, id.clone(), told))
    }
}

impl Reading<'_> {
    /// How something ended, and the first of what fell with it; `None` where nothing ended.
    fn fall(&self, delta: &Delta) -> Result<Option<String>, StoreError> {
        let Some(((kind, _), others)) = delta.ended.split_first() else {
            return Ok(None);
        };
        let mut things = Vec::new();
        for (kind, id) in others.iter().take(NAMED_MAX) {
            let object = self.ended_object((*kind, *id))?;
            things.push(thing_told(
                *kind,
                *id,
                object.as_ref().map_or("", Object::name),
            ));
        }
        let mut how = how_it_ends(*kind).to_owned();
        if !others.is_empty() {
            let count = others.len();
            how += &format!(", and with it {count} more: ");
            add_first(&mut how, count, things.into_iter());
        }
        let links = delta.unlinked.len();
        if links > 0 {
            how.push_str("; links that fell: ");
            add_first(&mut how, links, delta.unlinked.iter().map(link_named));
        }
        Ok(Some(how))
    }
}

/// What an edit that was refused was to do. Its values are left out: nobody has checked them.
pub fn attempted(edit: &Edit, by: By) -> Act {
    match About::of(edit) {
        About::Object(action, kind, id) => Act::new(by, action).on(kind.name(), id, ""),
        About::Link(action, kind, id, name) => Act::new(by, action).on(kind, id, name),
        About::Office(action, user) => Act::new(by, action).on("user", user, ""),
    }
}

/// What an edit is about.
enum About {
    Object(&'static str, ObjectKind, ObjectId),
    Link(&'static str, &'static str, String, String),
    /// Of a cloud administrator.
    Office(&'static str, ObjectId),
}

impl About {
    fn of(edit: &Edit) -> Self {
        use shared::model::Link::{Assignment, Implication, Membership};
        let (action, link) = match edit {
            Edit::Create { id, object } => return Self::Object("create", object.kind(), *id),
            Edit::Update { kind, id, .. } => return Self::Object("edit", *kind, *id),
            Edit::End { kind, id } => return Self::Object("end", *kind, *id),
            Edit::Link(link) => ("link", link),
            Edit::Entrust(link) => ("entrust", link),
            Edit::Unlink(link) => ("unlink", link),
            Edit::Appoint(user) => return Self::Office("appoint", *user),
            Edit::Dismiss { user, .. } => return Self::Office("dismiss", *user),
        };
        let kind = match link {
            Membership(_) => "membership",
            Implication(_) => "implication",
            Assignment(_) => "assignment",
        };
        Self::Link(action, kind, link.id().to_string(), link_named(link))
    }

    fn object(&self, it: &Changing<'_>) -> Result<Option<Object<ObjectId>>, StoreError> {
        match self {
            Self::Object(_, kind, id) => it.reading().object(*kind, *id),
            Self::Office(_, user) => it.reading().object(ObjectKind::User, *user),
            Self::Link(..) => Ok(None),
        }
    }

    fn act(
        self,
        by: By,
        before: Option<&Object<ObjectId>>,
        after: Option<&Object<ObjectId>>,
        delta: &Delta,
    ) -> Act {
        match self {
            Self::Object(action, kind, id) => {
                let name = before.or(after).map(|it| it.name().to_owned());
                let (before, after) = changed(before, after);
                let act = Act::new(by, action).on(kind.name(), id, name.unwrap_or_default());
                act.changing(before, after)
            }
            Self::Office(action, user) => {
                let name = before.map(|it| it.name().to_owned()).unwrap_or_default();
                let (is_none, is_one) = ("no cloud administrator", "cloud administrator");
                let (before, after) = match delta.linked.is_empty() {
                    true => (is_one, is_none),
                    false => (is_none, is_one),
                };
                let act = Act::new(by, action).on("user", user, name);
                act.changing(before, after)
            }
            Self::Link(action, kind, id, name) => {
                let (before, after) = match delta.linked.is_empty() {
                    true => ("there", "not there"),
                    false => ("not there", "there"),
                };
                Act::new(by, action)
                    .on(kind, id, name)
                    .changing(before, after)
            }
        }
    }
}

/// How a thing of this kind ends.
const fn how_it_ends(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Department | ObjectKind::Project => "retired",
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => "deleted",
    }
}
