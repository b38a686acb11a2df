//! What agents ask somebody to do, and is done.

use serde_json::{Value, json};
use shared::model::{CloudId, Object, ObjectKind};

use super::super::local;
use super::super::site::objects;
use super::Run;

impl Run {
    /// Does what agents ask somebody to do; what that was.
    pub(super) fn help(&mut self) -> Vec<String> {
        let failed = self.rest.items("/directory/failures");
        let mut told = Vec::new();
        for it in failed {
            let text = it.to_string();
            if text.contains("switched off") {
                self.open_all();
            } else if text.contains("is not the federation's") {
                self.give_way(&it);
            }
            told.push(text);
        }
        told
    }

    /// Switches all departments and projects on, the outer ones first.
    fn open_all(&self) {
        for _ in 0..6 {
            let all = self.rest.directory();
            let departments = all.departments.iter().filter(|(_, it)| !it.enabled);
            let departments = departments.map(|(id, _)| (ObjectKind::Department, *id));
            let projects = all.projects.iter().filter(|(_, it)| !it.enabled);
            let projects = projects.map(|(id, _)| (ObjectKind::Project, *id));
            for (kind, id) in departments.chain(projects) {
                let path = format!("/directory/{}s/{id}", kind.name());
                let _ = self.rest.ask("PATCH", &path, &json!({ "enabled": true }));
            }
        }
    }

    /// Whatever has the name gets another one, as the error asks for, which says which name.
    fn give_way(&mut self, failure: &Value) {
        let error = failure["error"].as_str().unwrap_or_default();
        let name = error.split('"').nth(1).unwrap_or_default().to_lowercase();
        let kinds = ObjectKind::ALL.into_iter();
        let mut kinds = kinds.filter(|kind| failure["kind"] == kind.name());
        let sites = self.sites.iter();
        let mut sites = sites.filter(|it| failure["region"] == it.name);
        let (Some(kind), Some(site)) = (kinds.next(), sites.next()) else {
            return;
        };
        let all = objects(&site.place().organization());
        let home = self.home_there(kind, failure, &all);
        for (of, here, it) in all {
            let is_there = home.is_none() || it.department() == home.as_ref();
            if of == kind && is_there && it.name().to_lowercase() == name {
                self.next += 1;
                let name = format!("given way {}", self.next);
                local::give_way(site.place(), kind, &here, &name);
            }
        }
    }

    /// In which department of the region's a thing is, or is to be. What ended is called in the
    /// failure as it is there.
    fn home_there(
        &self,
        kind: ObjectKind,
        failure: &Value,
        all: &[(ObjectKind, CloudId, Object<CloudId>)],
    ) -> Option<CloudId> {
        let object = failure["object"].as_str().unwrap_or_default();
        let path = format!("/directory/{}s/{object}", kind.name());
        let (status, live) = self.rest.ask("GET", &path, &Value::Null);
        if status == 200 {
            let name = live["department"]["name"].as_str()?.to_lowercase();
            let mut all = all.iter().filter(|(of, ..)| *of == ObjectKind::Department);
            let home = all.find(|(.., it)| it.name().to_lowercase() == name);
            return home.map(|(_, here, _)| here.clone());
        }
        let mut all = all.iter().filter(|(of, ..)| *of == kind);
        let it = all.find(|(.., it)| failure["name"] == it.name());
        it.and_then(|(.., it)| it.department().cloned())
    }
}
