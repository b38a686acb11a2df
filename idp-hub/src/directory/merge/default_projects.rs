//! Default projects that come along with a region: those of users who came with another one.
//!
//! After a restore a user who was made since the backup comes back with the first region that is
//! merged again. Where his project was not made by then, or stays out, he comes without it. It is
//! his again once a region brings it: as with links, what is new comes with what was said of it.

use shared::ids::ObjectId;
use shared::model::{CloudId, ObjectKind};

use super::Merger;
use super::identities::Fate;

const KIND: ObjectKind = ObjectKind::Project;

impl Merger<'_> {
    /// The default project that a user of the directory has in the region and nowhere else, as the
    /// directory gets it only now. Nobody can have taken it away from him there.
    ///
    /// Of one without the federation's marker the region says so alone, as of whatever else it says
    /// of him: the directory's word holds.
    pub(super) fn brought_default_project(
        &self,
        kind: ObjectKind,
        here: &CloudId,
        id: ObjectId,
    ) -> Option<ObjectId> {
        if kind != ObjectKind::User {
            return None;
        }
        let known = self.directory.live.users.get(&id)?;
        let is_open = known.department != self.administration.department;
        let is_without = known.default_project.is_none();
        let user = self.arrival.organization.users.get(here)?;
        let project = user.default_project.as_ref()?;
        match self.identities.fate(KIND, project) {
            Fate::New(new) if is_open && is_without => {
                (self.marked(KIND, project) == Some(new)).then_some(new)
            }
            _ => None,
        }
    }
}
