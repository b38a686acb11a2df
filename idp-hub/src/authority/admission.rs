//! Agents' requests: to be admitted, to renew, to recover. To join: [`super::join`].

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::audit::{Act, By};
use shared::ids::RegionId;
use shared::pki::{ChannelBinding, Csr, CsrError, Fingerprint, Peer, PeerIdentity, Purpose};
use shared::runtime::errors::chain;
use shared::runtime::logs::LogLimiter;
use shared::wire::frame::Recover;

use super::issue::{Certificate, IssuedRegion};
use super::{Authority, AuthorityEvent, Inner, Limiter, NotAdmitted, Refused};
use crate::store::audit::Passing;
use crate::store::regions::RegionRow;
use crate::store::{Changing, Reading, RegionNo, StoreError};

/// A region recovers once a day at most where all is well; more than one a minute is a loop.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(60);

/// A region renews twice a day. A few at once are an agent that did not get its answer.
const RENEWALS_BURST: u32 = 4;

/// See [`RENEWALS_BURST`].
const RENEWAL_INTERVAL: Duration = Duration::from_secs(60);

/// A key that is refused again is noted again after so long.
const STRANGERS_WINDOW: Duration = Duration::from_secs(600);

/// Refused keys that are told apart. Each had a certificate of this federation.
const STRANGERS_MAX: usize = 1024;

/// Which refused keys the audit has heard of.
pub(super) type Strangers = LogLimiter<(RegionId, Fingerprint)>;

pub(super) fn strangers() -> Strangers {
    LogLimiter::new(STRANGERS_WINDOW, STRANGERS_MAX)
}

/// Each registered region has a minute of its own, also where a whole fleet recovers at once.
pub(super) fn recovery_limiter(regions_max: u32) -> Limiter<RegionId> {
    Limiter::new(1, RECOVERY_INTERVAL, count(regions_max))
}

pub(super) fn renewal_limiter(regions_max: u32) -> Limiter<RegionNo> {
    Limiter::new(RENEWALS_BURST, RENEWAL_INTERVAL, count(regions_max))
}

fn count(regions_max: u32) -> usize {
    usize::try_from(regions_max).unwrap_or(usize::MAX)
}

/// What a transaction came to: a refusal is no fault of the store, and undoes nothing.
pub(super) type Outcome<T> = Result<Result<T, Refused>, StoreError>;

impl Authority {
    /// Whether an agent may open a session, by its verified certificate and the registry as it is.
    ///
    /// # Errors
    /// Why not.
    pub async fn admit(&self, peer: &PeerIdentity) -> Result<RegionRow, NotAdmitted> {
        let (authority, peer) = (self.clone(), peer.clone());
        let read = self
            .0
            .store
            .read(move |it| Ok(authority.admit_in(it, &peer)));
        read.await?
    }

    /// As [`admit`](Self::admit), with the registry as `it` sees it. Asked at each `Hello`, in the
    /// transaction in which the session begins, so that a removal comes either before, and is seen,
    /// or after, when the session is listed.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_in(
        &self,
        it: &Reading<'_>,
        peer: &PeerIdentity,
    ) -> Result<RegionRow, NotAdmitted> {
        if peer.federation() != self.0.founding.federation {
            return Err(NotAdmitted::Federation);
        }
        let Peer::Region(id) = peer.peer() else {
            return Err(NotAdmitted::NotRegion);
        };
        let now_secs = self.0.clock.unix_millis().as_secs();
        if !peer.validity().contains(now_secs) {
            return Err(NotAdmitted::OutsideValidity);
        }
        let Some(region) = it.region(id)? else {
            return Err(match it.was_removed(id)? {
                true => NotAdmitted::Removed,
                false => NotAdmitted::Unknown,
            });
        };
        if region.facts.fingerprint != peer.fingerprint() {
            self.0.refused_key(id, peer.fingerprint());
            return Err(NotAdmitted::OtherKey { no: region.no });
        }
        Ok(region)
    }

    /// Gives a region with an open session a new certificate on the key of that session.
    ///
    /// # Errors
    /// Why not.
    pub async fn renew(
        &self,
        no: RegionNo,
        key: &Fingerprint,
        csr_pem: &str,
    ) -> Result<Certificate, Refused> {
        let (csr, key) = (Csr::from_pem(csr_pem.as_bytes())?, *key);
        if csr.public_key().fingerprint() != key {
            return Err(Refused::OtherKey);
        }
        allow(&self.0, &self.0.renewals, no)?;
        let (inner, teller) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let renewed = self.0.store.change_then(
            move |it| inner.renew(it, no, key, &csr),
            move |outcome| {
                if let Ok(issued) = outcome {
                    let (region, not_after) = (issued.region, issued.not_after);
                    tracing::info!(target: "audit", action = "renew", %region, not_after);
                    teller.tell(AuthorityEvent::Certified(no));
                }
            },
        );
        settled(renewed.await)
    }

    /// Gives a region another certificate by proof of its registered key alone: at most one a
    /// minute, counted, and noted in the audit. Whether its last one counts is not asked: it may
    /// have expired, or not count yet where a clock went back.
    ///
    /// # Errors
    /// Why not; [`Refused::frame`] tells the agent.
    pub async fn recover(
        &self,
        recover: &Recover<'_>,
        channel: &ChannelBinding,
    ) -> Result<IssuedRegion, Refused> {
        let (csr, proof) = (recover.csr.as_str(), recover.proof.as_slice());
        let csr = proven(csr, Purpose::Recovery, channel, proof)?;
        let (id, key) = (recover.region, csr.public_key().fingerprint());
        let (inner, teller) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let recovered = self.0.store.change_then(
            move |it| inner.recover(it, id, &csr),
            move |outcome| {
                if let Ok((issued, count)) = outcome {
                    let name = &issued.name;
                    tracing::warn!(
                        target: "audit", action = "recover", region = %id, name, %key, count
                    );
                    teller.tell(AuthorityEvent::Certified(issued.no));
                }
            },
        );
        settled(recovered.await).map(|(issued, _)| issued)
    }
}

impl Inner {
    /// Notes a key that is not the registered one: once for each and a time, as who has it asks
    /// again as long as he runs.
    fn refused_key(&self, region: RegionId, key: Fingerprint) {
        let mut strangers = (self.strangers.lock()).unwrap_or_else(PoisonError::into_inner);
        if let Some(silenced) = strangers.admit(self.clock.now(), (region, key)) {
            tracing::warn!(target: "audit", action = "refuse key", %region, %key, silenced);
            let by = By::new(format!("agent with key {key}"), "link");
            let act = Act::new(by, "refuse key").on("region", region, "");
            let outcome = format!("refused: another key is registered; {silenced} before this");
            // Here may be the writer's own thread, which must not wait for itself.
            let act = act.with_outcome(outcome);
            self.store.audit_soon(Passing::Stranger, act);
        }
    }

    fn renew(
        &self,
        it: &mut Changing<'_>,
        no: RegionNo,
        key: Fingerprint,
        csr: &Csr,
    ) -> Outcome<Certificate> {
        let region = it.region_numbered(no)?;
        let Some(region) = region.filter(|region| region.facts.fingerprint == key) else {
            return Ok(Err(Refused::Unregistered));
        };
        let certificate = match self.certify(csr, region.facts.id, it.now) {
            Ok(certificate) => certificate,
            Err(refused) => return Ok(Err(refused)),
        };
        it.certified(no, certificate.not_after)?;
        Ok(Ok(certificate))
    }

    /// What was issued, and how often by now.
    fn recover(
        &self,
        it: &mut Changing<'_>,
        id: RegionId,
        csr: &Csr,
    ) -> Outcome<(IssuedRegion, u32)> {
        let key = csr.public_key().fingerprint();
        let region = it.region(id)?;
        let Some(region) = region.filter(|region| region.facts.fingerprint == key) else {
            return Ok(Err(Refused::Unregistered));
        };
        // Only who holds the key gets here, so that nobody else can use up a region's minute.
        if let Err(refused) = allow(self, &self.recoveries, id) {
            return Ok(Err(refused));
        }
        let certificate = match self.certify(csr, id, it.now) {
            Ok(certificate) => certificate,
            Err(refused) => return Ok(Err(refused)),
        };
        it.recovered(region.no, certificate.not_after)?;
        let count = region.facts.recoveries.saturating_add(1);
        let by = By::new(format!("agent with key {key}"), "link");
        let act = Act::new(by, "recover").on("region", id, region.facts.name.as_str());
        let counted = |count| format!("recoveries={count}");
        it.audit(act.changing(counted(region.facts.recoveries), counted(count)))?;
        Ok(Ok((
            self.issued(region.no, region.facts.name, certificate),
            count,
        )))
    }
}

/// Reads a request, and checks that the other end of the connection holds its key.
pub(super) fn proven(
    csr_pem: &str,
    purpose: Purpose,
    channel: &ChannelBinding,
    proof: &[u8],
) -> Result<Csr, Refused> {
    Csr::proven(csr_pem.as_bytes(), purpose, channel, proof).map_err(|error| match error {
        CsrError::Proof => Refused::Proof,
        error => error.into(),
    })
}

fn allow<K: Hash + Eq>(inner: &Inner, limiter: &Mutex<Limiter<K>>, key: K) -> Result<(), Refused> {
    let mut limiter = limiter.lock().unwrap_or_else(PoisonError::into_inner);
    limiter
        .admit(inner.clock.now(), key)
        .map_err(|wait| Refused::TooMany { wait })
}

/// A fault of this hub is logged here, as the agent is only told that there is one.
pub(super) fn settled<T>(outcome: Outcome<T>) -> Result<T, Refused> {
    let outcome = outcome.unwrap_or_else(|error| Err(Refused::Store(error)));
    if let Err(refused @ (Refused::Issue(_) | Refused::Store(_))) = &outcome {
        tracing::error!(error = %chain(refused), "cannot answer an agent's request");
    }
    outcome
}
