//! Invitations: join tokens, of which only the secret's hash is kept.

use std::time::Duration;

use shared::audit::Act;
use shared::model::UnixMillis;
use shared::pki::{Fingerprint, JoinToken, TokenId};

use super::{Authority, AuthorityError, check_name};
use crate::store::StoreError;
use crate::store::tokens::OpenToken;

/// How long an invitation is good unless asked otherwise, and at most: it is for the one who sits
/// at the region now, not for a drawer.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(3600);

/// The shortest: less than a person needs to copy it helps nobody.
const INVITATION_LIFETIME_MIN: Duration = Duration::from_secs(60);

/// What is missing where none is open for a name.
pub(crate) const OPEN_INVITATION: &str = "open invitation for";

/// The most open invitations: a whole fleet's at once.
pub const OPEN_INVITATIONS_MAX: u64 = 10_000;

/// What is carried to a region, once.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The token; its text holds the secret, and is shown this one time.
    pub token: JoinToken,
    /// The region that it is for.
    pub region_name: String,
    /// Until when it is good.
    pub expires: UnixMillis,
    /// Whether an earlier one was still open, and is now good for nothing.
    pub replaces: bool,
}

/// What becomes of the other open invitations of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    Dropped,
    Kept,
}

impl Authority {
    /// Invites a region under a name that no region has. An earlier open invitation of that name
    /// is good for nothing any more.
    ///
    /// # Errors
    /// If the name can't be had, or `lifetime` is below a minute or above
    /// [`INVITATION_LIFETIME`], or too many are open.
    pub async fn invite(
        &self,
        name: &str,
        lifetime: Duration,
    ) -> Result<Invitation, AuthorityError> {
        self.invite_as(name, lifetime, Others::Dropped).await
    }

    /// Invites a region for one occasion, by a token that whoever asked withdraws: an invitation of
    /// that name that somebody carries to a region stays good.
    ///
    /// # Errors
    /// As [`invite`](Self::invite).
    pub(crate) async fn invite_beside(&self, name: &str) -> Result<Invitation, AuthorityError> {
        self.invite_as(name, INVITATION_LIFETIME, Others::Kept)
            .await
    }

    async fn invite_as(
        &self,
        name: &str,
        lifetime: Duration,
        others: Others,
    ) -> Result<Invitation, AuthorityError> {
        check_name(name)?;
        if !(INVITATION_LIFETIME_MIN..=INVITATION_LIFETIME).contains(&lifetime) {
            return Err(AuthorityError::Lifetime { lifetime });
        }
        let token = JoinToken::generate(self.0.ca.pin()).map_err(AuthorityError::Random)?;
        let (id, hash, region_name) = (token.id(), token.secret_hash(), name.to_owned());
        let regions_max = self.0.regions_max;
        let by = self.on_behalf();
        let kept = self.0.store.change_then(
            move |it| {
                if !it.is_name_free(&region_name)? {
                    return Err(StoreError::NameTaken { name: region_name });
                }
                // All refusals come before the first write. What is replaced makes no more of them.
                let replaced = (others == Others::Dropped).then_some(region_name.as_str());
                let open = it.open_token_count(replaced)?;
                if open >= OPEN_INVITATIONS_MAX {
                    return Ok(Err(AuthorityError::TooManyInvitations));
                }
                // Each open invitation may become a region.
                if u64::from(it.region_count()?) + open >= regions_max.into() {
                    return Ok(Err(AuthorityError::TooManyRegions { regions_max }));
                }
                let replaces = match others {
                    Others::Dropped => it.expire_tokens_for(&region_name)?,
                    Others::Kept => false,
                };
                let expires = it.now.plus(lifetime);
                it.add_token(id, hash, &region_name, expires)?;
                let act = Act::new(by, "invite").on("invitation", id, region_name.as_str());
                let after = format!("expires={} replaces={replaces}", expires.as_secs());
                it.audit(act.changing("", after))?;
                Ok(Ok((region_name, expires, replaces)))
            },
            move |kept| {
                if let Ok((name, expires, replaces)) = kept {
                    let expires = expires.as_secs();
                    tracing::info!(
                        target: "audit", action = "invite", name, token = %id, expires, replaces
                    );
                }
            },
        );
        let (region_name, expires, replaces) = kept.await??;
        Ok(Invitation {
            token,
            region_name,
            expires,
            replaces,
        })
    }

    /// The invitations that were not used yet, by name. Nobody here knows their secrets.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn invitations(&self) -> Result<Vec<OpenToken>, AuthorityError> {
        let now = self.0.clock.unix_millis();
        Ok(self.0.store.read(move |it| it.open_tokens(now)).await?)
    }

    /// Makes one invitation good for nothing, if it was not used yet: one that was made for one
    /// occasion, beside which there may be another for the same name. Returns the key that has used
    /// it before.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn withdraw_token(
        &self,
        id: TokenId,
    ) -> Result<Option<Fingerprint>, AuthorityError> {
        let by = self.on_behalf();
        let withdrawn = self.0.store.change_then(
            move |it| {
                let token = it.token(id)?;
                let used_by = token.as_ref().and_then(|token| token.used_by);
                let dropped = it.drop_token(id)?;
                if dropped {
                    let name = token.map_or_else(String::new, |it| it.region_name);
                    it.audit(Act::new(by, "withdraw").on("invitation", id, name))?;
                }
                Ok((dropped, used_by))
            },
            move |(dropped, _)| {
                if *dropped {
                    tracing::info!(target: "audit", action = "withdraw", token = %id);
                }
            },
        );
        Ok(withdrawn.await?.1)
    }

    /// Makes the open invitations for a name good for nothing.
    ///
    /// # Errors
    /// If there is none.
    pub async fn withdraw(&self, name: &str) -> Result<(), AuthorityError> {
        let (name, by) = (name.to_owned(), self.on_behalf());
        let withdrawn = self.0.store.change_then(
            move |it| {
                let open = it.open_tokens()?;
                if !open.iter().any(|token| token.region_name == name) {
                    let what = OPEN_INVITATION;
                    return Err(StoreError::Missing { what, name });
                }
                it.drop_tokens_for(&name)?;
                it.audit(Act::new(by, "withdraw").on("invitation", "", name.as_str()))?;
                Ok(name)
            },
            |name| tracing::info!(target: "audit", action = "withdraw", name),
        );
        withdrawn.await?;
        Ok(())
    }
}
