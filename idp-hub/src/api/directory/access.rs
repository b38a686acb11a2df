//! Cloud administrators, and what everybody else sees of the directory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::ids::ObjectId;
use shared::model::{Link, Object};

use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::who::Who;
use crate::directory::Directory;
use crate::directory::rights::{Action, Asker, Denied, Rights};
use crate::store::{Reading, StoreError};

/// A cloud administrator.
#[derive(Debug, Clone)]
pub(in crate::api) struct Administrator(pub Who);

impl Administrator {
    /// His name in stamps and in the audit.
    pub(super) fn name(&self) -> String {
        self.0.name().to_owned()
    }
}

impl FromRequestParts<ApiState> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let who = Who::from_request_parts(parts, state).await?;
        who.is_cloud_administrator()?;
        Ok(Self(who))
    }
}

/// The directory by which it is decided what its users see, read anew once it has changed. One: a
/// directory of 100,000 users is some hundred megabytes.
#[derive(Default)]
pub(in crate::api) struct Seen(Mutex<Option<(u64, Arc<Directory>)>>);

/// What somebody may see and do, at one moment of the store.
pub(in crate::api) struct Sight {
    rights: Rights,
    /// Not needed by whoever may everything.
    directory: Option<Arc<Directory>>,
}

impl Seen {
    /// What somebody may see.
    ///
    /// # Errors
    /// If he may not sign in any more, or the database fails.
    pub(in crate::api) fn sight(
        &self,
        reading: &Reading<'_>,
        asker: Asker,
    ) -> Result<Sight, StoreError> {
        if asker == Asker::Cloud {
            return Ok(Sight {
                rights: Rights::All,
                directory: None,
            });
        }
        let directory = self.directory(reading)?;
        let rights = Rights::of(&directory, asker).ok_or(Denied::GONE)?;
        Ok(Sight {
            rights,
            directory: Some(directory),
        })
    }

    fn directory(&self, reading: &Reading<'_>) -> Result<Arc<Directory>, StoreError> {
        let head = reading.directory_head()?;
        // Whoever comes meanwhile waits, and does not read it a second time.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, directory)) = held.as_ref()
            && *of == head
        {
            return Ok(Arc::clone(directory));
        }
        let directory = Arc::new(reading.directory()?);
        *held = Some((head, Arc::clone(&directory)));
        Ok(directory)
    }
}

impl Sight {
    /// Whether it is a cloud administrator's.
    pub(in crate::api) const fn sees_everything(&self) -> bool {
        matches!(self.rights, Rights::All | Rights::Administrator(_))
    }

    pub(in crate::api) fn sees_object(&self, id: ObjectId, object: &Object<ObjectId>) -> bool {
        self.rights.sees_object(id, object)
    }

    /// The projects that he sees; `None` is all.
    pub(in crate::api) fn projects(&self) -> Option<BTreeSet<ObjectId>> {
        let directory = match self.sees_everything() {
            true => return None,
            false => self.directory.as_ref()?,
        };
        let all = directory.live().projects.iter();
        let seen = all.filter(|(id, it)| {
            self.rights
                .sees_object(**id, &Object::Project((*it).clone()))
        });
        Some(seen.map(|(id, _)| *id).collect())
    }

    pub(in crate::api) fn sees_link(&self, link: &Link<ObjectId>) -> bool {
        match &self.directory {
            None => true,
            Some(directory) => self.rights.sees_link(directory.live(), link),
        }
    }

    /// Whether he may.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::api) fn permits(&self, action: Action<'_>) -> Result<(), Denied> {
        match &self.directory {
            None => Ok(()),
            Some(directory) => self.rights.permits(directory.live(), action),
        }
    }
}
