//! What agents ask somebody to do, and is done.

use serde_json::{Value, json};
use shared::model::{CloudId, ObjectKind};

use super::super::local;
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
            } else if holder(&text).is_some() {
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

    /// Whatever has the name gets another one, as the error asks for, which says what that is.
    fn give_way(&mut self, failure: &Value) {
        let error = failure["error"].as_str().unwrap_or_default();
        let kinds = ObjectKind::ALL.into_iter();
        let mut kinds = kinds.filter(|kind| failure["kind"] == kind.name());
        let sites = self.sites.iter();
        let mut sites = sites.filter(|it| failure["region"] == it.name);
        let (Some(kind), Some(site)) = (kinds.next(), sites.next()) else {
            return;
        };
        let Some(here) = holder(error) else {
            return;
        };
        self.next += 1;
        let name = format!("given way {}", self.next);
        local::give_way(site.place(), kind, &here, &name);
    }
}

/// What is to be renamed or removed.
fn holder(error: &str) -> Option<CloudId> {
    let asked = ["rename or remove ", "; rename "].into_iter();
    let mut rest = asked.filter_map(|it| Some(error.split_once(it)?.1));
    rest.next()?.split_whitespace().next().map(CloudId::new)
}
