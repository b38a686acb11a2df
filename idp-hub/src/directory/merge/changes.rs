//! What of a region's thing gives way to the directory's, beside its name.

use shared::ids::ObjectId;
use shared::model::{CloudId, Object, ObjectKind};

use super::Merger;
use crate::directory::plan::Field;

impl Merger<'_> {
    /// What differs between a thing of the region and the directory's that it is.
    pub(super) fn changes(&self, kind: ObjectKind, here: &CloudId, id: ObjectId) -> Vec<Field> {
        match kind {
            ObjectKind::Department => self.of_department(here, id),
            ObjectKind::Project => self.of_project(here, id),
            ObjectKind::User => self.of_user(here, id),
            ObjectKind::Group => self.of_group(here, id),
            ObjectKind::Role => self.of_role(here, id),
        }
        .unwrap_or_default()
    }

    /// Whether what is taken in is on in the region, and not in the directory.
    pub(super) fn is_switched_off(&self, here: &CloudId, object: &Object<ObjectId>) -> bool {
        let Object::Project(taken) = object else {
            return false;
        };
        let here = self.arrival.organization.projects.get(here);
        here.is_some_and(|it| it.enabled) && !taken.enabled
    }

    fn of_department(&self, here: &CloudId, id: ObjectId) -> Option<Vec<Field>> {
        let here = self.arrival.organization.departments.get(here)?;
        let known = self.directory.live.departments.get(&id)?;
        Some(noted([
            enabled(here.enabled, known.enabled),
            description(
                ObjectKind::Department,
                &here.description,
                &known.description,
            ),
        ]))
    }

    fn of_project(&self, here: &CloudId, id: ObjectId) -> Option<Vec<Field>> {
        let here = self.arrival.organization.projects.get(here)?;
        let known = self.directory.live.projects.get(&id)?;
        let outer = here.parent.as_ref();
        let outer = outer.and_then(|it| self.identities.fate(ObjectKind::Project, it).id());
        Some(noted([
            enabled(here.enabled, known.enabled),
            description(ObjectKind::Project, &here.description, &known.description),
            (Field::Parent, outer != known.parent),
        ]))
    }

    fn of_user(&self, here: &CloudId, id: ObjectId) -> Option<Vec<Field>> {
        let here = self.arrival.organization.users.get(here)?;
        let known = self.directory.live.users.get(&id)?;
        let home = here.default_project.as_ref();
        let home = home.and_then(|it| self.identities.fate(ObjectKind::Project, it).id());
        Some(noted([
            enabled(here.enabled, known.enabled),
            description(ObjectKind::User, &here.description, &known.description),
            (Field::Email, here.email != known.email),
            (Field::DefaultProject, home != known.default_project),
        ]))
    }

    fn of_group(&self, here: &CloudId, id: ObjectId) -> Option<Vec<Field>> {
        let here = self.arrival.organization.groups.get(here)?;
        let known = self.directory.live.groups.get(&id)?;
        Some(noted([description(
            ObjectKind::Group,
            &here.description,
            &known.description,
        )]))
    }

    fn of_role(&self, here: &CloudId, id: ObjectId) -> Option<Vec<Field>> {
        let here = self.arrival.organization.roles.get(here)?;
        let known = self.directory.live.roles.get(&id)?;
        Some(noted([description(
            ObjectKind::Role,
            &here.description,
            &known.description,
        )]))
    }
}

fn noted<const N: usize>(fields: [(Field, bool); N]) -> Vec<Field> {
    let differ = fields.into_iter().filter(|(_, differs)| *differs);
    differ.map(|(field, _)| field).collect()
}

const fn enabled(here: bool, known: bool) -> (Field, bool) {
    (Field::Enabled(known), here != known)
}

fn description(kind: ObjectKind, here: &Option<String>, known: &Option<String>) -> (Field, bool) {
    let is_held = kind.is_description(known.as_deref(), here.as_deref());
    (Field::Description, !is_held)
}
