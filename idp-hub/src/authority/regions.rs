//! Operators' requests about regions: to accept, rename and remove.

use std::sync::Arc;

use shared::audit::Act;
use shared::pki::Fingerprint;
use shared::wire::frame::Standing;

use super::{Authority, AuthorityError, AuthorityEvent, check_name};
use crate::store::regions::RegionRow;
use crate::store::{Changing, RegionNo, StoreError};

/// What was changed of a region.
struct Made {
    event: AuthorityEvent,
    before: String,
    after: String,
}

impl Made {
    fn new(event: AuthorityEvent, before: impl Into<String>, after: impl Into<String>) -> Self {
        let (before, after) = (before.into(), after.into());
        Self {
            event,
            before,
            after,
        }
    }
}

/// What a change came to: what is told of it, if it changed anything.
type Managed = Result<Option<Made>, StoreError>;

impl Authority {
    /// Tells that a region has said something new of itself, which is stored by now.
    pub fn introduced(&self, no: RegionNo) {
        self.0.tell(AuthorityEvent::Introduced(no));
    }

    /// The second yes. Again is nothing.
    ///
    /// # Errors
    /// If there is no such region.
    pub async fn accept(&self, name: &str) -> Result<RegionNo, AuthorityError> {
        self.accept_if(name, None).await
    }

    /// The second yes to the very key that the administrator looked at: a region that was removed
    /// and joined anew in between is another one.
    ///
    /// # Errors
    /// [`AuthorityError::OtherKey`] if the region has another; or if there is no such region.
    pub async fn accept_key(
        &self,
        name: &str,
        key: Fingerprint,
    ) -> Result<RegionNo, AuthorityError> {
        self.accept_if(name, Some(key)).await
    }

    async fn accept_if(
        &self,
        name: &str,
        wanted: Option<Fingerprint>,
    ) -> Result<RegionNo, AuthorityError> {
        let region = self.manage(name, "accept", move |it, region| {
            let fits = wanted.is_none_or(|key| key == region.facts.fingerprint);
            if !fits || region.facts.standing == Standing::Accepted {
                return Ok(None);
            }
            it.accept_region(region.no)?;
            let event = AuthorityEvent::Accepted(region.no);
            let after = format!("accepted, key={}", region.facts.fingerprint);
            Ok(Some(Made::new(event, standing(region), after)))
        });
        let region = region.await?;
        if wanted.is_some_and(|key| key != region.facts.fingerprint) {
            let name = region.facts.name;
            return Err(AuthorityError::OtherKey { name });
        }
        Ok(region.no)
    }

    /// Gives a region another name.
    ///
    /// # Errors
    /// If there is no such region, or the new name can't be had.
    pub async fn rename(&self, from: &str, to: &str) -> Result<RegionNo, AuthorityError> {
        check_name(to)?;
        let to = to.to_owned();
        let region = self.manage(from, "rename", move |it, region| {
            if region.facts.name == to {
                return Ok(None);
            }
            it.rename_region(region.no, &to)?;
            let event = AuthorityEvent::Renamed(region.no);
            let before = format!("name={:?}", region.facts.name);
            Ok(Some(Made::new(event, before, format!("name={to:?}"))))
        });
        Ok(region.await?.no)
    }

    /// Removes a region: its key and tokens are dead at once, its name is free, and what it
    /// reported is gone here. Nothing is touched in the region itself.
    ///
    /// # Errors
    /// If there is no such region.
    pub async fn remove(&self, name: &str) -> Result<RegionNo, AuthorityError> {
        let region = self.manage(name, "remove", |it, region| {
            it.drop_tokens_for(&region.facts.name)?;
            it.remove_region(region.no)?;
            Ok(Some(removed(region)))
        });
        Ok(region.await?.no)
    }

    /// Removes a region that was never accepted and still has this key: what a join left behind of
    /// which its agent knows nothing. Any other is left as it is.
    ///
    /// # Errors
    /// If there is no region of this name.
    pub(crate) async fn remove_pending(
        &self,
        name: &str,
        key: Fingerprint,
    ) -> Result<(), AuthorityError> {
        let removed = self.manage(name, "remove", move |it, region| {
            if region.facts.standing == Standing::Accepted || region.facts.fingerprint != key {
                return Ok(None);
            }
            it.remove_region(region.no)?;
            Ok(Some(removed(region)))
        });
        removed.await.map(drop)
    }

    /// Changes the region of a name. Returns it as it was before.
    async fn manage(
        &self,
        name: &str,
        action: &'static str,
        change: impl FnOnce(&mut Changing<'_>, &RegionRow) -> Managed + Send + 'static,
    ) -> Result<RegionRow, AuthorityError> {
        let (name, teller) = (name.to_owned(), Arc::clone(&self.0));
        let by = self.on_behalf();
        let changed = self.0.store.change_then(
            move |it| {
                let region = it.region_named(&name)?;
                let Some(made) = change(it, &region)? else {
                    return Ok((region, None));
                };
                let act = Act::new(by, action).on("region", region.facts.id, name);
                it.audit(act.changing(made.before, made.after))?;
                Ok((region, Some(made.event)))
            },
            move |(region, event)| {
                if let Some(event) = event {
                    let (id, name, key) = (
                        region.facts.id,
                        &region.facts.name,
                        region.facts.fingerprint,
                    );
                    tracing::info!(target: "audit", action, region = %id, name, %key);
                    teller.tell(*event);
                }
            },
        );
        Ok(changed.await?.0)
    }
}

fn removed(region: &RegionRow) -> Made {
    let before = format!("{}, key={}", standing(region), region.facts.fingerprint);
    Made::new(AuthorityEvent::Removed(region.no), before, "removed")
}

const fn standing(region: &RegionRow) -> &'static str {
    match region.facts.standing {
        Standing::Pending => "pending",
        Standing::Accepted => "accepted",
    }
}
