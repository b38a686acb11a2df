//! Cloud administrators, and what everybody else sees of the directory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::ids::ObjectId;
use shared::model::{Holder, Link, Object};
use tokio::sync::Semaphore;

use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::who::Who;
use crate::directory::Directory;
use crate::directory::quota::Pools;
use crate::directory::rights::{Action, Asker, Denied, Rights};
use crate::store::{Reading, Store, StoreError};

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
pub(in crate::api) struct Seen {
    held: Mutex<Option<(u64, Arc<Directory>)>>,
    /// To read it anew, which takes a second of a large one. Waiting for it holds no reader: there
    /// are few, and agents are told what they lack by them.
    turn: Arc<Semaphore>,
}

/// What somebody may see and do, at one moment of the store.
pub(in crate::api) struct Sight {
    rights: Rights,
    /// Not needed by whoever may everything.
    directory: Option<Arc<Directory>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Seen {
    /// Reads with what somebody may see, both of one moment of the store.
    ///
    /// # Errors
    /// If he may not sign in any more; the question's own, or if the database fails.
    async fn read<T, F>(
        self: &Arc<Self>,
        store: &Store,
        asker: Asker,
        question: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>, &Sight) -> Result<T, StoreError> + Send + 'static,
    {
        if asker == Asker::Cloud {
            return store.read(move |it| question(it, &Sight::ALL)).await;
        }
        let question =
            move |it: &Reading<'_>, directory| question(it, &Sight::of(directory, asker)?);
        self.read_whole(store, question).await
    }

    /// Reads with the whole directory, both of one moment of the store.
    async fn read_whole<T, F>(self: &Arc<Self>, store: &Store, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>, Arc<Directory>) -> Result<T, StoreError> + Send + 'static,
    {
        let seen = Arc::clone(self);
        let answer = store.read(move |it| match seen.at_hand(it.directory_head()?) {
            Some(directory) => question(it, directory).map(Ok),
            None => Ok(Err(question)),
        });
        let question = match answer.await? {
            Ok(answer) => return Ok(answer),
            Err(question) => question,
        };
        // It is never closed.
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok();
        let seen = Arc::clone(self);
        let answer = store.read(move |it| {
            let directory = seen.renewed(it)?;
            drop(turn);
            question(it, directory)
        });
        answer.await
    }

    /// The directory as of this change of it, if that was read already.
    fn at_hand(&self, head: u64) -> Option<Arc<Directory>> {
        let held = self.held();
        let (of, directory) = held.as_ref()?;
        (*of == head).then(|| Arc::clone(directory))
    }

    /// For whoever has the turn: somebody before him may have read it.
    fn renewed(&self, reading: &Reading<'_>) -> Result<Arc<Directory>, StoreError> {
        let head = reading.directory_head()?;
        if let Some(directory) = self.at_hand(head) {
            return Ok(directory);
        }
        let directory = Arc::new(reading.directory()?);
        *self.held() = Some((head, Arc::clone(&directory)));
        Ok(directory)
    }

    fn held(&self) -> MutexGuard<'_, Option<(u64, Arc<Directory>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ApiState {
    /// Reads with what somebody may see, both of one moment of the store.
    ///
    /// # Errors
    /// If he may not sign in any more; the question's own, or if the database fails.
    pub(in crate::api) async fn read_as<T, F>(
        &self,
        asker: Asker,
        question: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>, &Sight) -> Result<T, StoreError> + Send + 'static,
    {
        self.seen().read(&self.store, asker, question).await
    }

    /// Reads with the whole directory, for what nobody is shown.
    ///
    /// # Errors
    /// The question's own, or if the database fails.
    pub(in crate::api) async fn read_whole<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reading<'_>, &Directory) -> Result<T, StoreError> + Send + 'static,
    {
        let question = move |it: &Reading<'_>, directory: Arc<Directory>| question(it, &directory);
        self.seen().read_whole(&self.store, question).await
    }
}

impl Sight {
    /// A cloud administrator's.
    const ALL: Self = Self {
        rights: Rights::All,
        directory: None,
    };

    fn of(directory: Arc<Directory>, asker: Asker) -> Result<Self, StoreError> {
        let rights = Rights::of(&directory, asker).ok_or(Denied::GONE)?;
        Ok(Self {
            rights,
            directory: Some(directory),
        })
    }

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

    /// Within what he may shift the limits of each of these projects; `None` where he may set any.
    ///
    /// # Errors
    /// Why he may not touch one of them.
    pub(in crate::api) fn shifts(&self, of: &[&Holder]) -> Result<Option<Pools>, Denied> {
        match &self.directory {
            None => Ok(None),
            Some(directory) => self.rights.shifts(directory.live(), of.iter().copied()),
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

#[cfg(test)]
mod tests;
