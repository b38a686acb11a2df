//! What is found done although no answer said so: it was lost, or the agent was killed before it
//! came. Nobody else tells the audit trail of it.

use shared::model::{CloudId, Marker, Object};

use super::Reconciler;
use super::batch::Task;
use super::late::Giving;
use super::places::There;
use super::subject::Subject;
use super::verdict::Done;
use crate::cloud::Order;
use crate::replica::{Applied, Note, Tied};

/// Things that bear the federation's marker and were noted nowhere: more than orders are under way
/// at once. Where a replica was lost all things of the federation are such, and nobody was killed.
const UNNOTED_MAX: usize = 64;

/// An order that was carried out, as a reading shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDone {
    /// The order.
    pub task: Task,
    /// What the cloud calls what was made by it.
    pub made: Option<CloudId>,
}

/// What is yet to be told, and of how many unnoted things.
#[derive(Debug)]
pub(super) struct Met {
    done: Vec<FoundDone>,
    unnoted: usize,
}

impl Default for Met {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            unnoted: UNNOTED_MAX,
        }
    }
}

impl Met {
    /// What was found done since this was asked last.
    pub(super) fn take(&mut self) -> Vec<FoundDone> {
        std::mem::take(&mut self.done)
    }

    /// An order of which the answer was lost is shown to have been carried out.
    pub(super) fn answered(&mut self, task: Task) {
        self.done.push(FoundDone { task, made: None });
    }

    /// The answer to a making was lost: whether it was made, its marker tells later.
    pub(super) fn may_be_made(&mut self) {
        self.unnoted = self.unnoted.saturating_add(1);
    }
}

impl Reconciler {
    /// Something is in place, and this is about to be noted of it for the first time.
    pub(super) fn look_whether_it_was_made(&mut self, subject: &Subject, note: &Note) {
        let made = match (note, subject) {
            (Note::Link(id, Some(Tied::Made)), Subject::Link(link))
                if self.base.tied(id) == Some(Tied::Making) =>
            {
                let here = link.translated(|kind, id| self.places.here(kind, id));
                here.map(|it| (Order::Link(it), Done::Link(id.clone(), true), None))
            }
            (Note::Object(_, _, Some(applied)), Subject::Object(kind, id)) => {
                let object = self.made_unnoted((*kind, *id), &applied.here);
                object.map(|(object, marker)| {
                    let Applied { here, was } = applied.clone();
                    let done = Done::Applied(*kind, *id, was);
                    (Order::Create { object, marker }, done, Some(here))
                })
            }
            _ => None,
        };
        if let Some((order, done, made)) = made {
            let task = Task {
                found: self.found(&order),
                takes_away: false,
                giving: Giving::default(),
                order,
                subject: subject.clone(),
                done,
            };
            self.met.done.push(FoundDone { task, made });
        }
    }

    /// A thing that an order of ours made, as nothing else leaves the marker on what no merge
    /// decided about, and that no note tells of.
    fn made_unnoted(&mut self, what: There, here: &CloudId) -> Option<(Object<CloudId>, Marker)> {
        let (kind, object) = what;
        let federation = self.federation;
        let ours = Marker { federation, object };
        let is_ours = self.actual.traits(kind, here).marker == Some(ours);
        let is_noted = self.base.objects.contains_key(&what);
        if !is_ours || is_noted || self.places.binding(kind, here).is_some() {
            return None;
        }
        self.met.unnoted = self.met.unnoted.checked_sub(1)?;
        Some((self.actual.object(kind, here)?, ours))
    }
}
