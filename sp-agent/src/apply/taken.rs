//! Names that are taken: by what, and what to do about it.

use shared::model::{CloudId, ObjectKind};

use super::Reconciler;
use super::batch::Task;
use crate::cloud::Order;

impl Reconciler {
    /// What has the name, as far as is known, that an order claims.
    pub(super) fn holder(&self, task: &Task) -> Option<&CloudId> {
        match &task.order {
            Order::Create { object, .. } => self.actual.named(object, None),
            Order::Update { id, to, .. } => self.actual.named(to, Some(id)),
            _ => None,
        }
    }

    /// It may be ours, of which the answer was lost; the next reading tells.
    pub(super) fn conflict(&self, task: &Task, kind: ObjectKind) -> String {
        let name = match &task.order {
            Order::Create { object, .. } => object.name(),
            Order::Update { to, .. } => to.name(),
            _ => "",
        };
        let what = kind.name();
        if let Some(beyond) = self.beyond(task) {
            return beyond;
        }
        let before = self.failures.get(&task.subject);
        if before.is_none_or(|it| it.conflicts == 0) {
            return format!(
                "a {what} named {name:?} is there already; the next reading of the cloud tells \
                 whether it is the federation's"
            );
        }
        let holder = self.holder(task);
        let there = holder.and_then(|it| Some((it, self.places.there(kind, it)?)));
        match there {
            Some((holder, id)) if self.replica.directory.object(kind, &id).is_some() => {
                return format!(
                    "a {what} named {name:?} is there, {holder}, which is the federation's and \
                     called otherwise in the directory; this one gets the name once that one's \
                     drift is put back, or what it failed by is mended"
                );
            }
            // What has ended keeps a name that it was given in the region.
            Some((holder, _)) => {
                return format!(
                    "a {what} named {name:?} is there, which has ended at the hub and is not its \
                     to rename; rename {holder} in the region"
                );
            }
            None => {}
        }
        // A name may be there in each department.
        let which = holder.map_or_else(|| "it".to_owned(), CloudId::to_string);
        format!(
            "a {what} named {name:?} is there and is not the federation's; rename or remove \
             {which} in the region, or rename the federation's at the hub"
        )
    }
}
