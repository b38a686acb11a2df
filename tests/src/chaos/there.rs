//! What only somebody in a region can do about drift, once the hub refused both answers.

use idp_hub::directory::{Action, Reason};
use idp_hub::store::directory::Remarked;
use shared::ids::ObjectId;
use shared::model::{CloudId, DriftKind, ObjectKind, RemarkState, Subject};

use super::agent::Agent;
use super::hub::{Hub, name};
use super::local::{self, Kept};
use super::world::World;

impl World {
    /// Does in its region what the hub's refusal says. Whether that is anything.
    pub(super) async fn cure_there(&mut self, it: &Remarked) -> bool {
        let (Subject::Object(kind, id), RemarkState::Drift { what, .. }) =
            (&it.remark.subject, &it.remark.state)
        else {
            return false;
        };
        let at = self.agents.iter().position(|agent| agent.no == it.no);
        let at = at.unwrap();
        // What went with what it was in is told of until it is told again.
        let Some(here) = find(&self.agents[at], *kind, *id) else {
            return true;
        };
        match what.iter().map(|it| it.what).collect::<Vec<_>>()[..] {
            [DriftKind::Moved] => {}
            [DriftKind::NotInDirectory] => match left_out(&self.hub, at, *kind, &here).await {
                Some(Reason::AboveIsOut | Reason::AboveIsUnread) => {}
                Some(Reason::SameName) => {
                    self.next += 1;
                    let name = format!("given way {}", self.next);
                    local::give_way(&self.agents[at].site.keystone, *kind, &here, &name);
                    self.merge(at).await;
                    return true;
                }
                _ => return false,
            },
            _ => return false,
        }
        delete(&self.agents[at], &mut self.kept[at], *kind, &here);
        true
    }
}

/// What a thing of the directory, or one that was, is in the region.
pub(super) fn find(agent: &Agent, kind: ObjectKind, id: ObjectId) -> Option<CloudId> {
    let mut known = agent.known().into_iter();
    let found = known.find(|((of, _), it)| *of == kind && *it == id);
    found.map(|((_, here), _)| here)
}

/// Why merging its region again does not take a thing in, where it does not.
pub(super) async fn left_out(
    hub: &Hub,
    at: usize,
    kind: ObjectKind,
    it: &CloudId,
) -> Option<Reason> {
    let region = name(u8::try_from(at).unwrap());
    let shown = hub.store.shown_plan(&region).await.unwrap();
    shown.plan.steps.iter().find_map(|step| match &step.action {
        Action::Skip { here, why, .. } if step.kind == kind && here == it => Some(*why),
        _ => None,
    })
}

/// Deletes something in the region; of projects, those in it first, as Keystone wants it.
pub(super) fn delete(agent: &Agent, kept: &mut Kept, kind: ObjectKind, here: &CloudId) {
    let keystone = &agent.site.keystone;
    if kind == ObjectKind::Project {
        let all = keystone.organization().projects.into_iter();
        let inner = all.filter(|(_, it)| it.parent.as_ref() == Some(here));
        for (inner, _) in inner {
            delete(agent, kept, kind, &inner);
        }
    }
    local::remove(keystone, kept, kind, here);
}
