//! Departments: recognized, taken in under their name or another one, or left alone.

use shared::ids::ObjectId;
use shared::model::{CloudId, Department, Object, ObjectKind};

use super::claims::Claim;
use super::{Merger, unfit};
use crate::directory::fit;
use crate::directory::names::{DEFAULT, Taken};
use crate::directory::plan::{Action, Obstacle, Reason};

const KIND: ObjectKind = ObjectKind::Department;

impl<'a> Merger<'a> {
    pub(super) fn departments(&mut self) {
        let organization = self.arrival.organization;
        let mut taken = self.taken();
        let all = organization.departments.iter();
        let all = all.map(|(here, it)| (here, it.name.as_str(), None));
        let claims = self.claims(KIND, all);
        // What bears a marker had its name before whatever was made there since.
        let departments = organization.departments.iter();
        let (first, then): (Vec<_>, Vec<_>) =
            departments.partition(|(here, _)| self.had_its_name(KIND, here));
        for (here, department) in first.into_iter().chain(then) {
            let name = department.name.as_str();
            match claims.get(here) {
                _ if self.is_reserved(KIND, here) => {
                    self.skip(KIND, here, name, Reason::Reserved);
                }
                Some(Claim::Ended(id)) => self.withhold(KIND, here, *id),
                Some(Claim::Live(id, by)) => self.recognize(KIND, here, (*id, *by), name),
                None => match unfit(KIND, name) {
                    Some(why) => self.skip(KIND, here, name, why),
                    None => self.adopt_department(here, department, &mut taken),
                },
            }
        }
        self.create_departments();
    }

    fn adopt_department(&mut self, here: &'a CloudId, department: &Department, taken: &mut Taken) {
        let name = &department.name;
        let mut department = department.clone();
        department.description = fit::description(department.description.as_ref());
        if taken.has(name) {
            department.name = taken.free(name, &here.to_string(), KIND.name_chars_max());
        }
        taken.take(&department.name);
        self.adopt(here, Object::Department(department), name);
    }

    fn create_departments(&mut self) {
        for id in self.directory.live.departments.keys() {
            let action = match self.is_blocked(*id) {
                _ if self.identities.is_claimed(*id) => continue,
                true => Action::Block {
                    id: *id,
                    why: Obstacle::NameReserved,
                },
                false => Action::Create { id: *id },
            };
            self.step(KIND, action);
        }
    }

    /// Whether a department of the directory can't be made in the region, because one that stays
    /// the region's own has its name.
    pub(super) fn is_blocked(&self, department: ObjectId) -> bool {
        // First, because folding a name is the dear part, and this is asked for each user.
        if self.identities.is_claimed(department) {
            return false;
        }
        let known = self.directory.live.departments.get(&department);
        known.is_some_and(|it| self.reserved.has(&it.name))
    }

    /// Names that a new department may not have.
    fn taken(&self) -> Taken {
        let mut taken = self.reserved.clone();
        // Of the region's own, or of all others.
        taken.take(DEFAULT);
        for department in self.directory.live.departments.values() {
            taken.take(&department.name);
        }
        for (.., name) in self.directory.held(KIND) {
            taken.take(name);
        }
        taken
    }
}
