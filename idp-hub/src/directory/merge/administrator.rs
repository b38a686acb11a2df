//! The region's own administrator and his project leave their names to the federation's.

use shared::model::{CloudId, ObjectKind};

use super::Merger;
use crate::directory::names::{Taken, with_suffix};
use crate::directory::plan::{Action, Rename};

/// So much of an id tells one administrator from another for people; where it does not, the whole
/// id follows.
const SHORT_ID_CHARS: usize = 8;

impl Merger<'_> {
    /// They go on working, under other names, and stay the region's own.
    pub(super) fn administrator(&mut self) {
        let Some(administrator) = self.arrival.administrator else {
            return;
        };
        let organization = self.arrival.organization;
        let (user_name, project_name) = self.arrival.names;
        let user = administrator.user.as_ref();
        let user = user.and_then(|it| Some((it, organization.users.get(it)?)));
        if let Some((here, user)) = user {
            let others = organization.users.values();
            let others = others.filter(|it| it.department == user.department);
            let others = others.map(|it| it.name.as_str());
            let names = (user.name.as_str(), user_name);
            self.give_way(ObjectKind::User, here, names, others);
        }
        let project = administrator.project.as_ref();
        let project = project.and_then(|it| Some((it, organization.projects.get(it)?)));
        if let Some((here, project)) = project {
            let others = organization.projects.values();
            let others = others.filter(|it| it.department == project.department);
            let others = others.map(|it| it.name.as_str());
            let names = (project.name.as_str(), project_name);
            self.give_way(ObjectKind::Project, here, names, others);
        }
    }

    fn give_way<'n>(
        &mut self,
        kind: ObjectKind,
        here: &CloudId,
        (from, wanted): (&str, &str),
        others: impl Iterator<Item = &'n str>,
    ) {
        let mut taken = Taken::default();
        taken.take(wanted);
        if !taken.has(from) {
            return;
        }
        others.for_each(|it| taken.take(it));
        // No one can guess it who does not know the region's id; the same at each try.
        let id = self.origin(kind, here);
        let short: String = id.to_string().chars().take(SHORT_ID_CHARS).collect();
        let suffixed = with_suffix(from, &format!("_{short}"), kind.name_chars_max());
        let to = match taken.has(&suffixed) {
            false => suffixed,
            true => taken.free(from, &id.to_string(), kind.name_chars_max()),
        };
        let (here, from) = (here.clone(), from.to_owned());
        let rename = Rename { from, to };
        self.step(kind, Action::GiveWay { here, rename });
    }
}
