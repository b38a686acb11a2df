//! A region's join: from a token and a key to a registered, pending region.

use std::sync::Arc;

use shared::audit::{Act, By};
use shared::ids::RegionId;
use shared::pki::{ChannelBinding, Csr, Fingerprint, Purpose, TokenId};
use shared::wire::frame::Join;
use zeroize::Zeroizing;

use super::admission::{Outcome, proven, settled};
use super::issue::IssuedRegion;
use super::{Authority, AuthorityEvent, Inner, Refused};
use crate::store::Changing;
use crate::store::regions::Introduction;

/// A join whose request was checked by itself.
struct Joining {
    csr: Csr,
    token: Option<TokenId>,
    secret: Zeroizing<[u8; 32]>,
    introduction: Introduction,
}

/// A join that was granted.
struct Joined {
    issued: IssuedRegion,
    key: Fingerprint,
    first: bool,
}

impl Authority {
    /// Gives an invited region its first certificate, and registers it as pending.
    ///
    /// The token is used up in the same transaction. The same key may ask again while the token's
    /// hour lasts, so that an answer that was lost costs nothing.
    ///
    /// # Errors
    /// Why not; [`Refused::frame`] tells the agent.
    pub async fn join(
        &self,
        join: &Join<'_>,
        channel: &ChannelBinding,
    ) -> Result<IssuedRegion, Refused> {
        let (csr, proof) = (join.csr.as_str(), join.proof.as_slice());
        let joining = Joining {
            csr: proven(csr, Purpose::Join, channel, proof)?,
            token: join.token_id.as_str().parse().ok(),
            secret: Zeroizing::new(join.secret),
            introduction: Introduction::said(
                &join.cloud.description(),
                join.software.as_str(),
                join.host.as_str(),
            ),
        };
        let (inner, teller) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let joined = self.0.store.change_then(
            move |it| inner.join(it, &joining),
            move |outcome| {
                if let Ok(joined) = outcome {
                    teller.joined(joined);
                }
            },
        );
        settled(joined.await).map(|joined| joined.issued)
    }
}

impl Inner {
    fn join(&self, it: &mut Changing<'_>, joining: &Joining) -> Outcome<Joined> {
        let key = joining.csr.public_key().fingerprint();
        let found = match joining.token {
            Some(id) => it.token(id)?.map(|token| (id, token)),
            None => None,
        };
        let known = found.filter(|(_, token)| token.secret_hash.matches(&joining.secret));
        let Some((id, token)) = known else {
            return Ok(Err(Refused::Token));
        };
        if token.expires <= it.now {
            return Ok(Err(Refused::TokenExpired));
        }
        match (token.used_by, it.region_keyed(key)?) {
            (Some(used_by), Some(region)) if used_by == key => {
                let certificate = match self.certify(&joining.csr, region.facts.id, it.now) {
                    Ok(certificate) => certificate,
                    Err(refused) => return Ok(Err(refused)),
                };
                it.certified(region.no, certificate.not_after)?;
                let issued = self.issued(region.no, region.facts.name, certificate);
                let first = false;
                it.audit(told("join again", &issued, key, id))?;
                Ok(Ok(Joined { issued, key, first }))
            }
            (Some(_), _) => Ok(Err(Refused::TokenUsed)),
            (None, Some(region)) => Ok(Err(Refused::KeyRegistered {
                name: region.facts.name,
            })),
            (None, None) => self.register(it, joining, id, token.region_name),
        }
    }

    /// Everything that can be refused comes before the first write, so that nothing is undone but
    /// for the database's own faults.
    fn register(
        &self,
        it: &mut Changing<'_>,
        joining: &Joining,
        token: TokenId,
        name: String,
    ) -> Outcome<Joined> {
        if !it.is_name_free(&name)? {
            return Ok(Err(Refused::NameTaken { name }));
        }
        let region = RegionId::from_random(rand::random());
        let certificate = match self.certify(&joining.csr, region, it.now) {
            Ok(certificate) => certificate,
            Err(refused) => return Ok(Err(refused)),
        };
        let key = joining.csr.public_key().fingerprint();
        let not_after = certificate.not_after;
        let no = it.add_region(region, &name, key, &joining.introduction, not_after)?;
        it.use_token(token, key)?;
        let issued = self.issued(no, name, certificate);
        it.audit(told("join", &issued, key, token))?;
        Ok(Ok(Joined {
            issued,
            key,
            first: true,
        }))
    }

    fn joined(&self, joined: &Joined) {
        let Joined { issued, key, first } = joined;
        let (no, id, name) = (issued.no, issued.region, &issued.name);
        let (action, event) = if *first {
            ("join", AuthorityEvent::Joined(no))
        } else {
            ("join again", AuthorityEvent::Certified(no))
        };
        tracing::info!(target: "audit", action, region = %id, name, %key);
        self.tell(event);
    }
}

fn told(action: &str, issued: &IssuedRegion, key: Fingerprint, token: TokenId) -> Act {
    let by = By::new(format!("agent with key {key}"), "link");
    let act = Act::new(by, action).on("region", issued.region, issued.name.as_str());
    act.changing("", format!("pending, key={key} invitation={token}"))
}
