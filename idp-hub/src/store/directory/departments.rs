//! In which department something is: a name tells things apart within one only.

use std::collections::HashMap;

use shared::ids::ObjectId;
use shared::model::{CloudId, Object, ObjectKind, Organization, Record};

use crate::directory::{Action, Directory, Plan, Step, record_kind};
use crate::store::Reading;
use crate::store::error::StoreError;
use crate::store::regions::RegionNo;

/// The department that something is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// What it is called.
    pub name: String,
    /// Its id; `None` for one of a region alone.
    pub id: Option<ObjectId>,
}

impl Reading<'_> {
    /// Where something of the directory is, or was when it ended; `None` for departments, global
    /// roles and what never was.
    ///
    /// # Errors
    /// If the database fails.
    pub fn department_of(
        &self,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<Option<Within>, StoreError> {
        let object = self.live_or_ended(kind, id)?;
        let Some(id) = object.as_ref().and_then(Object::department).copied() else {
            return Ok(None);
        };
        let department = self.live_or_ended(ObjectKind::Department, id)?;
        Ok(department.map(|it| Within {
            name: it.name().to_owned(),
            id: Some(id),
        }))
    }

    fn live_or_ended(
        &self,
        kind: ObjectKind,
        id: ObjectId,
    ) -> Result<Option<Object<ObjectId>>, StoreError> {
        match self.object(kind, id)? {
            Some(object) => Ok(Some(object)),
            None => self.ended_object((kind, id)),
        }
    }

    /// Where something is in a region, as that one tells it.
    ///
    /// # Errors
    /// If the database fails.
    pub fn department_there(
        &self,
        no: RegionNo,
        kind: ObjectKind,
        here: &CloudId,
    ) -> Result<Option<Within>, StoreError> {
        let within = match self.told_record(no, record_kind(kind), here)? {
            Some(Record::Project(it)) => it.what.department,
            Some(Record::User(it)) => it.what.department,
            Some(Record::Group(it)) => it.what.department,
            Some(Record::Role(it)) => match it.what.department {
                Some(department) => department,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let department = record_kind(ObjectKind::Department);
        Ok(match self.told_record(no, department, &within)? {
            Some(Record::Department(it)) => Some(Within {
                name: it.what.name,
                id: None,
            }),
            _ => None,
        })
    }
}

/// The id of the department that something is in.
fn home<I: Ord + Clone>(all: &Organization<I>, kind: ObjectKind, id: &I) -> Option<I> {
    match kind {
        ObjectKind::Department => None,
        ObjectKind::Project => all.projects.get(id).map(|it| it.department.clone()),
        ObjectKind::User => all.users.get(id).map(|it| it.department.clone()),
        ObjectKind::Group => all.groups.get(id).map(|it| it.department.clone()),
        ObjectKind::Role => all.roles.get(id)?.department.clone(),
    }
}

/// Where the things of a plan are.
#[derive(Debug, Clone, Default)]
pub(super) struct Departments {
    /// Each thing of the directory that it names, with its department's id.
    of: HashMap<ObjectId, ObjectId>,
    /// What departments are called in the directory, once the plan is done.
    names: HashMap<ObjectId, String>,
    /// What stays the region's own, with what its department is called there.
    there: HashMap<(ObjectKind, CloudId), String>,
}

impl Departments {
    pub(super) fn of(plan: &Plan, directory: &Directory, region: &Organization<CloudId>) -> Self {
        let mut all = Self::default();
        for step in &plan.steps {
            match &step.action {
                Action::Recognize { id, .. }
                | Action::Create { id }
                | Action::Block { id, .. }
                | Action::Withhold { id, .. } => {
                    let ended = || directory.ended(*id)?.object.department().copied();
                    let within = home(directory.live(), step.kind, id);
                    all.note(*id, within.or_else(ended), directory);
                }
                Action::Adopt { id, object, .. } | Action::Found { id, object } => {
                    if let Object::Department(it) = object {
                        all.names.insert(*id, it.name.clone());
                    }
                    all.note(*id, object.department().copied(), directory);
                }
                Action::Skip { here, .. } => {
                    let within = home(region, step.kind, here);
                    if let Some(it) = within.and_then(|it| region.departments.get(&it)) {
                        let key = (step.kind, here.clone());
                        all.there.insert(key, it.name.clone());
                    }
                }
            }
        }
        all
    }

    fn note(&mut self, id: ObjectId, within: Option<ObjectId>, directory: &Directory) {
        let Some(within) = within else {
            return;
        };
        self.of.insert(id, within);
        if self.names.contains_key(&within) {
            return;
        }
        let live = directory.live().departments.get(&within);
        let ended = || directory.ended(within).map(|it| it.object.name());
        if let Some(name) = live.map(|it| it.name.as_str()).or_else(ended) {
            self.names.insert(within, name.to_owned());
        }
    }

    /// Where something of the directory is.
    pub(super) fn within(&self, id: &ObjectId) -> Option<Within> {
        let id = *self.of.get(id)?;
        let name = self.names.get(&id)?.clone();
        Some(Within { name, id: Some(id) })
    }

    /// Where the thing is that a step is about.
    pub(super) fn of_step(&self, step: &Step) -> Option<Within> {
        match &step.action {
            Action::Recognize { id, .. }
            | Action::Create { id }
            | Action::Block { id, .. }
            | Action::Withhold { id, .. }
            | Action::Adopt { id, .. }
            | Action::Found { id, .. } => self.within(id),
            Action::Skip { here, .. } => {
                let name = self.there.get(&(step.kind, here.clone()))?.clone();
                Some(Within { name, id: None })
            }
        }
    }
}
