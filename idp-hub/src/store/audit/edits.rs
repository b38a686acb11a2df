//! Changes of the directory, with their entry.

use std::collections::BTreeMap;

use shared::audit::{Act, By, changed, link_named};
use shared::ids::ObjectId;
use shared::model::{Object, ObjectKind};

use crate::directory::{Delta, Edit};
use crate::fleet::Facts;
use crate::store::Changing;
use crate::store::directory::{Confirmation, Merged};
use crate::store::error::StoreError;

impl Changing<'_> {
    /// Makes an administrator's change, and tells the audit trail what of it is another one now.
    /// What changes nothing is not told.
    ///
    /// # Errors
    /// As [`edit`](Self::edit).
    pub fn edit_by(&mut self, edit: Edit, by: &By) -> Result<Delta, StoreError> {
        let about = About::of(&edit);
        let before = about.object(self)?;
        let delta = self.edit(edit, &by.who)?;
        if delta.is_empty() {
            return Ok(delta);
        }
        let after = about.object(self)?;
        self.audit(about.act(by.clone(), before.as_ref(), after.as_ref(), &delta))?;
        Ok(delta)
    }
}

/// What an edit that was refused was to do. Its values are left out: nobody has checked them.
pub fn attempted(edit: &Edit, by: By) -> Act {
    match About::of(edit) {
        About::Object(action, kind, id) => Act::new(by, action).on(kind.name(), id, ""),
        About::Link(action, kind, id, name) => Act::new(by, action).on(kind, id, name),
    }
}

/// A merge, in short: the plan is known by its digest.
pub(in crate::store) fn merged(
    by: By,
    region: &Facts,
    confirmed: &Confirmation,
    merged: &Merged,
) -> Act {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for step in &merged.shown.plan.steps {
        let of = (step.action.name(), step.kind.name());
        *counts.entry(of).or_default() += 1;
    }
    let counts = counts.into_iter();
    let counts = counts.map(|((action, kind), count)| format!(" {action}-{kind}={count}"));
    let (written, counts) = (merged.written, counts.collect::<String>());
    let (plan, take_over) = (confirmed.plan, confirmed.take_over);
    let told = format!("plan={plan} take_over={take_over} written={written}{counts}");
    let act = Act::new(by, "merge").on("region", region.id, region.name.as_str());
    act.changing("", told)
}

/// What an edit is about.
enum About {
    Object(&'static str, ObjectKind, ObjectId),
    Link(&'static str, &'static str, String, String),
}

impl About {
    fn of(edit: &Edit) -> Self {
        use shared::model::Link::{Assignment, Implication, Membership};
        let (action, link) = match edit {
            Edit::Create { id, object } => return Self::Object("create", object.kind(), *id),
            Edit::Update { kind, id, .. } => return Self::Object("edit", *kind, *id),
            Edit::End { kind, id } => return Self::Object("end", *kind, *id),
            Edit::Link(link) => ("link", link),
            Edit::Unlink(link) => ("unlink", link),
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
                let (before, mut after) = changed(before, after);
                if let [_, others @ ..] = delta.ended.as_slice() {
                    after = ended(kind, others.len());
                }
                let act = Act::new(by, action).on(kind.name(), id, name.unwrap_or_default());
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

/// How a thing of this kind ends, with so many others.
fn ended(kind: ObjectKind, others: usize) -> String {
    let how = match kind {
        ObjectKind::Department | ObjectKind::Project => "retired",
        ObjectKind::User | ObjectKind::Group | ObjectKind::Role => "deleted",
    };
    match others {
        0 => how.to_owned(),
        others => format!("{how}, and with it {others} more"),
    }
}
