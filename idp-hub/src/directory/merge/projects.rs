//! Projects: the outer ones first, and not deeper within each other than Keystone allows.

use shared::ids::ObjectId;
use shared::model::{CloudId, Object, ObjectKind, Project};

use super::Merger;
use super::contents::Work;
use super::order::outer_first;
use crate::directory::fit::{self, DEPTH_MAX};
use crate::directory::plan::Reason;

const KIND: ObjectKind = ObjectKind::Project;

impl<'a> Merger<'a> {
    pub(super) fn projects(&mut self) {
        let projects = &self.arrival.organization.projects;
        let all = projects.iter();
        let all = all.map(|(here, it)| (here, it.name.as_str(), Some(&it.department)));
        let mut work = self.begin(KIND, all);
        let (ordered, in_circles) = outer_first(projects);
        for (here, project) in ordered {
            self.project(&mut work, here, project);
        }
        for (here, project) in in_circles {
            self.skip(KIND, here, &project.name, Reason::Unusable);
        }
        let (ordered, _) = outer_first(&self.directory.live.projects);
        self.create(KIND, ordered.into_iter().map(|(id, _)| id));
    }

    fn project(&mut self, work: &mut Work<'a>, here: &'a CloudId, project: &'a Project<CloudId>) {
        let Some(within) = self.settle(work, here, &project.name, Some(&project.department)) else {
            return;
        };
        let (parent, depth) = match self.outer(project) {
            Ok(outer) => outer,
            Err(why) => return self.skip(KIND, here, &project.name, why),
        };
        let Some(department) = within else {
            return self.skip(KIND, here, &project.name, Reason::AboveIsOut);
        };
        // Around what is on, all is on: else no Keystone switches the outer one off.
        let enabled = project.enabled && parent.is_none_or(|it| self.is_on(it));
        let adopted = Project {
            department,
            parent,
            name: project.name.clone(),
            description: fit::description(project.description.as_ref()),
            enabled,
        };
        let id = self.adopt_named(work, here, within, Object::Project(adopted));
        self.depths.insert(id, depth);
        if !enabled {
            self.off.insert(id);
        }
    }

    /// Whether a project of the directory, or that it gets, is switched on there.
    fn is_on(&self, project: ObjectId) -> bool {
        let known = self.directory.live.projects.get(&project);
        known.map_or_else(|| !self.off.contains(&project), |it| it.enabled)
    }

    /// The directory's project that a new one is nested in, and how deep it is then.
    fn outer(&self, project: &Project<CloudId>) -> Result<(Option<ObjectId>, usize), Reason> {
        let Some(here) = &project.parent else {
            return Ok((None, 1));
        };
        let outer = self.identities.fate(KIND, here).id();
        let its = self.arrival.organization.projects.get(here);
        let outer = outer.ok_or(match its {
            Some(_) => Reason::AboveIsOut,
            None => Reason::AboveIsUnread,
        })?;
        if its.is_some_and(|it| it.department != project.department) {
            return Err(Reason::OuterElsewhere);
        }
        let depth = self.depth(outer) + 1;
        match depth > DEPTH_MAX {
            true => Err(Reason::TooDeep),
            false => Ok((Some(outer), depth)),
        }
    }

    /// How deep a project is nested; of those that are deeper than allowed, any such number.
    fn depth(&self, project: ObjectId) -> usize {
        if let Some(depth) = self.depths.get(&project) {
            return *depth;
        }
        let above = |id: &ObjectId| self.directory.live.projects.get(id)?.parent;
        // One more than allowed, and no more, as projects may be in a circle.
        let line = std::iter::successors(Some(project), above);
        line.take(DEPTH_MAX + 1).count()
    }
}
