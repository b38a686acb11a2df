//! Names that go round: A is to be called as B is, and B as A. Each is refused while the other has
//! its name, so one of them takes a name for the meantime.

use shared::ids::ObjectId;
use shared::model::{CloudId, Object};

use super::Reconciler;
use super::compare::renamed;
use super::objects::Compared;
use super::places::There;
use super::subject::{Difference, Subject};
use crate::cloud::Order;

/// So many names in a circle are followed: nobody renames more round in one go.
const CIRCLE_MAX: usize = 16;

/// Of the name that is wanted, so much stands in the one for the meantime: Keystone's names of
/// domains and projects hold 64 characters.
const NAME_CHARS_MAX: usize = 64 - 1 - SHORT_ID_CHARS;

/// As much of its id as no other thing of a name will share.
const SHORT_ID_CHARS: usize = 8;

impl Reconciler {
    /// What is done first, where a rename was refused because of a name that goes round, and it is
    /// this thing's turn to step aside: the one of the least id does.
    pub(super) fn way_out_of_a_circle(&self, what: There, order: &Order) -> Option<Order> {
        let (kind, id) = what;
        let Order::Update {
            id: here, from, to, ..
        } = order
        else {
            return None;
        };
        // Whose names are not taken is not looked for: that costs a look at all of a kind.
        let failure = self.failures.get(&Subject::Object(kind, id))?;
        if failure.conflicts == 0 || from.name() == to.name() || !self.goes_round(what, here, to) {
            return None;
        }
        Some(Order::Update {
            id: here.clone(),
            from: from.clone(),
            to: renamed(from.clone(), &name_for_the_meantime(to.name(), id)),
            marker: None,
        })
    }

    /// Whether what has the name that this one wants wants another's in turn, and so on to this
    /// one; and none of them has a lesser id.
    fn goes_round(&self, (kind, id): There, here: &CloudId, to: &Object<CloudId>) -> bool {
        let (mut here, mut wanted) = (here.clone(), to.clone());
        for _ in 0..CIRCLE_MAX {
            let Some(holder) = self.actual.named(&wanted, Some(&here)) else {
                return false;
            };
            match self.places.there(kind, holder) {
                Some(there) if there == id => return true,
                Some(there) if there > id => {
                    let holder = holder.clone();
                    let Some(next) = self.rename_due((kind, there), &holder) else {
                        return false;
                    };
                    (here, wanted) = (holder, next);
                }
                _ => return false,
            }
        }
        false
    }

    /// A thing as it is to be, if it is due to be renamed and nothing is against it.
    fn rename_due(&self, (kind, id): There, here: &CloudId) -> Option<Object<CloudId>> {
        let Some(object) = self.replica.directory.object(kind, &id) else {
            return self.as_called_last((kind, id), here);
        };
        let compared = self.compared((kind, id), object, here)?;
        let Compared {
            wanted, found, due, ..
        } = compared;
        let is_renamed = due
            .iter()
            .any(|it| matches!(it, Difference::Renamed { .. }));
        let is_against = self.guard(kind, here).is_some()
            || self.reaches_into(kind, here, found.name(), &due).is_some();
        (is_renamed && !is_against).then_some(wanted)
    }
}

fn name_for_the_meantime(name: &str, id: ObjectId) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    format!("{name}{}", mark_of_the_meantime(id))
}

/// How a name for the meantime ends.
fn mark_of_the_meantime(id: ObjectId) -> String {
    let id = id.to_string();
    // The end of an id is random, its beginning may be a time.
    let short = id.get(id.len().saturating_sub(SHORT_ID_CHARS)..);
    format!("~{}", short.unwrap_or_default())
}

/// Whether a thing has a name for the meantime.
pub(super) fn is_for_the_meantime(name: &str, id: ObjectId) -> bool {
    name.ends_with(&mark_of_the_meantime(id))
}
