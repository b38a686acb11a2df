//! Changes of the directory, each in one transaction.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};
use shared::audit::By;
use shared::ids::ObjectId;
use shared::model::{Becomes, Binding, Object};
use shared::wire::Digest;

use super::look::ShownPlan;
use super::planning::Planned;
use super::write::Rows;
use crate::directory::rights::{Action as Permitted, Asker, Denied, Rights};
use crate::directory::{Action, Delta, Directory, Edit, Plan, PlanDigest, Stamp};
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;
use crate::store::{Changing, audit};

/// An administrator's yes to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The plan that he saw.
    pub plan: PlanDigest,
    /// The federation takes over a region that bears another one's markers.
    pub take_over: bool,
    /// The region's cloud is a copy of another region's, and not that one.
    pub copied: bool,
    /// Who he is.
    pub by: By,
}

/// What came of a merge.
#[derive(Debug, Clone)]
pub struct Merged {
    /// What was done.
    pub shown: Arc<ShownPlan>,
    /// Rows of the directory that were written: none, where it was merged before.
    pub written: u64,
}

impl Changing<'_> {
    /// Applies a plan, all of it or nothing, and tells the audit trail. `None`, and nothing, where
    /// it does not hold any more.
    pub(super) fn merge(
        &mut self,
        planned: Planned,
        confirmed: &Confirmation,
    ) -> Result<Option<Merged>, StoreError> {
        if self.plan_version(&planned.region)? != planned.version {
            return Ok(None);
        }
        // Both are as of the same change of the directory.
        let held = self.hot.directory.take();
        let directory = held.unwrap_or(planned.directory);
        let (region, author) = (planned.region, &confirmed.by.who);
        let merged = self.take_in(directory, region.no, author, planned.shown)?;
        for act in audit::merged(confirmed, &region, &merged) {
            self.audit(act)?;
        }
        Ok(Some(merged))
    }

    /// Makes an administrator's change.
    ///
    /// # Errors
    /// Where a Keystone would refuse it, or it is about what is not there; or if the database
    /// fails.
    pub fn edit(&mut self, edit: Edit, author: &str) -> Result<Delta, StoreError> {
        let stamp = self.stamp(author)?;
        let mut directory = self.take_directory()?;
        let is_more = matches!(&edit, Edit::Create { object, .. } if !is_role(object));
        let delta = match directory.change(edit, &stamp) {
            Ok(delta) => delta,
            Err(refusal) => {
                self.hot.directory.keep(directory);
                return Err(refusal.into());
            }
        };
        let mut rows = Rows::begin(self, &stamp)?;
        rows.delta(&directory, &delta)?;
        rows.finish(&mut self.hot.directory)?;
        self.sign_out(&directory, &delta)?;
        match is_more {
            true => self.hot.directory.keep_with_more(directory),
            false => self.hot.directory.keep_changed(directory, None),
        }
        Ok(delta)
    }

    /// Whether somebody may do something, as the directory is now.
    ///
    /// # Errors
    /// Why not; or if the database fails.
    pub fn permit(&mut self, asker: Asker, action: Permitted<'_>) -> Result<(), StoreError> {
        if asker == Asker::Cloud {
            return Ok(());
        }
        let directory = self.take_directory()?;
        let rights = Rights::of(&directory, asker).ok_or(Denied::GONE);
        let permitted = rights.and_then(|it| it.permits(directory.live(), action));
        self.hot.directory.keep(directory);
        permitted.map_err(StoreError::from)
    }

    /// The directory, out of memory: whoever does not give it back has it read anew.
    pub(super) fn take_directory(&mut self) -> Result<Box<Directory>, StoreError> {
        match self.hot.directory.take() {
            Some(directory) => Ok(directory),
            None => self.reading().directory().map(Box::new),
        }
    }

    fn take_in(
        &mut self,
        mut directory: Box<Directory>,
        no: RegionNo,
        author: &str,
        shown: Arc<ShownPlan>,
    ) -> Result<Merged, StoreError> {
        let stamp = self.stamp(author)?;
        let delta = directory.merge(&shown.plan, &stamp);
        let before = self.bindings_digest(no)?;
        let mut rows = Rows::begin(self, &stamp)?;
        // First, so that no agent makes an object that it does not know to have.
        let bindings = bindings(&shown.plan);
        let digest = rows.bindings(no, &bindings, before.unwrap_or_default())?;
        rows.delta(&directory, &delta)?;
        let written = rows.finish(&mut self.hot.directory)?;
        self.take_over(no, &shown.plan.taken_over)?;
        if written > 0 || before.is_none() {
            self.note_merge(no, digest, &stamp, shown.digest)?;
        }
        self.remember_admin_project(&shown.admin_project)?;
        self.hot.directory.keep_changed(directory, Some(no));
        Ok(Merged { shown, written })
    }

    fn note_merge(
        &self,
        no: RegionNo,
        digest: Digest,
        stamp: &Stamp,
        plan: PlanDigest,
    ) -> Result<(), StoreError> {
        let is_home = self.reading().admin_project()?.is_none();
        let sql = "INSERT INTO region_organization
                       (region, digest, merged_ms, author, plan, is_home)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (region) DO UPDATE SET digest = ?2, merged_ms = ?3, author = ?4,
                       plan = ?5";
        let row = params![
            no.0,
            digest.to_bytes(),
            stamp.at.0,
            stamp.author,
            plan.to_bytes(),
            is_home,
        ];
        self.connection
            .prepare_cached(sql)
            .and_then(|mut it| it.execute(row))
            .doing("note a merge")
            .map(drop)
    }

    /// The digest of all that a region alone is told; `None` before it is merged.
    pub(super) fn bindings_digest(&self, no: RegionNo) -> Result<Option<Digest>, StoreError> {
        let sql = "SELECT digest FROM region_organization WHERE region = ?1";
        let digest = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut it| it.query_row([no.0], |row| row.get(0)).optional())
            .doing("find a region's organization")?;
        Ok(digest.map(Digest::from_bytes))
    }

    pub(super) fn stamp(&self, author: &str) -> Result<Stamp, StoreError> {
        let founding = self.founding()?;
        let none = StoreError::Row { what: "federation" };
        Ok(Stamp {
            author: author.to_owned(),
            at: self.now,
            epoch: founding.ok_or(none)?.epoch,
        })
    }
}

const fn is_role(object: &Object<ObjectId>) -> bool {
    matches!(object, Object::Role(_))
}

/// What each of the region's things is from now on. What it keeps for itself needs no word.
fn bindings(plan: &Plan) -> Vec<Binding> {
    let steps = plan.steps.iter();
    steps
        .filter_map(|step| {
            let (here, becomes) = match &step.action {
                Action::Recognize { id, here, .. } | Action::Adopt { id, here, .. } => {
                    (here, Becomes::Object(*id))
                }
                Action::Withhold { id, here } => (here, Becomes::Withheld(*id)),
                Action::Found { .. }
                | Action::Create { .. }
                | Action::Block { .. }
                | Action::Skip { .. } => return None,
            };
            Some(Binding {
                kind: step.kind,
                here: here.clone(),
                becomes,
            })
        })
        .collect()
}
