//! Shifting between the projects of a department: what one may use more, others may use less.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{Holder, ServiceKind};

use super::check::Wish;
use super::{Allowed, Census, InDirectory, QuotaRefusal};

/// What the projects named of one department may use of a resource: now, and then.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    before: u64,
    after: u64,
}

impl Census {
    /// No department may use more than before of anything, counted over the projects named.
    ///
    /// What a project may use now is the smaller of what its region says and what was set here: a
    /// limit that was lowered and is not lower there yet can be given away once, and not again.
    pub(super) fn shifts(&self, wishes: &[Wish]) -> Result<(), QuotaRefusal> {
        let mut all: BTreeMap<(ObjectId, ServiceKind, &str), Sides> = BTreeMap::new();
        for wish in wishes {
            let Some((department, before)) = self.now(wish) else {
                let before = Allowed::Unknown;
                return Err(self.grows(wish, before, Allowed::of(wish.limit)));
            };
            let (before, after) = match (before, wish.limit) {
                (Some(before), Some(after)) => (before, after),
                // What has no limit gives nothing away by getting one.
                (None, _) => continue,
                (Some(before), None) => {
                    let before = Allowed::Limited(before);
                    return Err(self.grows(wish, before, Allowed::Unlimited));
                }
            };
            let key = (department, wish.service, wish.resource.as_str());
            let sides = all.entry(key).or_default();
            sides.before = sides.before.saturating_add(before);
            sides.after = sides.after.saturating_add(after);
        }
        for wish in wishes {
            let Some((department, _)) = self.now(wish) else {
                continue;
            };
            let key = (department, wish.service, wish.resource.as_str());
            if let Some(Sides { before, after }) = all.get(&key)
                && after > before
            {
                let (before, after) = (Allowed::Limited(*before), Allowed::Limited(*after));
                return Err(self.grows(wish, before, after));
            }
        }
        Ok(())
    }

    /// The department of a wish's project, and what that may use now; `None` where nobody knows.
    fn now(&self, wish: &Wish) -> Option<(ObjectId, Option<u64>)> {
        let department = self.department(&wish.holder)?;
        let here = self.here(&wish.holder)?;
        let told = self.told(&here, wish.service, &wish.resource)?.limit;
        let wanted = self.wanted(&wish.holder, wish.service, &wish.resource);
        let now = match (told, wanted.map(|it| it.limit)) {
            (Some(told), Some(Some(wanted))) => Some(told.min(wanted)),
            (Some(limit), None | Some(None)) | (None, Some(Some(limit))) => Some(limit),
            (None, None | Some(None)) => None,
        };
        Some((department, now))
    }

    fn department(&self, holder: &Holder) -> Option<ObjectId> {
        match self.directory.get(&holder.project()?)? {
            InDirectory::Live { department, .. } => Some(*department),
            InDirectory::Retired { .. } => None,
        }
    }

    fn grows(&self, wish: &Wish, before: Allowed, after: Allowed) -> QuotaRefusal {
        let department = self.department(&wish.holder);
        QuotaRefusal::Grows {
            region: self.region.clone(),
            department: department.map_or_else(String::new, |it| it.to_string()),
            resource: wish.resource.clone(),
            before,
            after,
        }
    }
}
