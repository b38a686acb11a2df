//! Adopts unjoined agents by their management address, from this side.
//!
//! ```text
//! look ──▶ door ──▶ key, release, host, cloud ──▶ the administrator compares and confirms
//! adopt ─▶ door of that very key ─ invitation, addresses, cloud account ─▶ agent joins ─▶ accepted
//! ```
//!
//! The account goes to the confirmed key and nowhere else: it is neither stored nor logged here. An
//! invitation is made for each adoption, and withdrawn where none comes of it, so that a name is
//! taken by success alone and the same request may be made again. A region is accepted on its
//! agent's word that it has joined, or where it is connected; otherwise it stays pending.
//!
//! One adoption at a time goes on of each key and for each name: what is found of an agent is then
//! what its own adoption has left.

mod error;
mod exclusion;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shared::audit::By;
use shared::host_port::HostPort;
use shared::ids::RegionId;
use shared::model::CloudDescription;
use shared::pki::{Fingerprint, JoinToken, TlsClock, adoption_client};
use shared::runtime::clock::Clock;
use shared::transport::{DoorConnection, DoorDialer, RawFrame, TransportError};
use shared::wire::codec::EncodeError;
use shared::wire::frame::Standing;
use shared::wire::frame::{
    Account as AccountFrame, Adopt, AdoptFrame, CONTROL_BYTES_MAX, Denial, Denied, Look,
};
use shared::wire::{List, Text};
use zeroize::Zeroizing;

pub use self::error::AdoptionError;
use self::exclusion::Exclusion;
use crate::authority::{Authority, AuthorityError, check_name};
use crate::store::introduction::said;
use crate::store::regions::RegionRow;
use crate::store::{RegionNo, StoreError};

/// The port where agents wait, unless somebody says otherwise.
pub const DOOR_PORT: u16 = 7444;

/// What is sent as this hub's release.
const SOFTWARE: &str = concat!("idp-hub ", env!("CARGO_PKG_VERSION"));

/// The time for an agent to say who it is, once it is reached.
const LOOKED_MAX: Duration = Duration::from_secs(10);

/// The time for an agent to have the account checked and to join: 12 s for its cloud, and some
/// addresses of this hub that it can't reach, besides the one that it can.
const ADOPTED_MAX: Duration = Duration::from_secs(38);

/// The time for an agent whose answer was lost to connect by what it has joined with: it does so
/// within a second, over any line in some.
const SESSION_WAIT: Duration = Duration::from_secs(5);

/// How often it is looked whether it has.
const SESSION_LOOK: Duration = Duration::from_millis(100);

/// An unjoined agent, by its key, and by its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The fingerprint of the key that it has proven to hold.
    pub key: Fingerprint,
    /// Its release.
    pub software: String,
    /// Its host name.
    pub host: String,
    /// What its cloud is.
    pub cloud: CloudDescription,
}

/// An administrator of the agent's cloud.
pub struct Account {
    /// The account's name.
    pub user: Zeroizing<String>,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Its domain; the cloud's default one if not given.
    pub user_domain: Option<String>,
    /// The project in which it is an administrator; the agent's own if not given.
    pub project: Option<String>,
    /// The project's domain.
    pub project_domain: Option<String>,
}

/// What an adoption takes.
pub struct Request {
    /// Where the agent waits.
    pub door: HostPort,
    /// The key that the administrator has confirmed.
    pub key: Fingerprint,
    /// The name that the region will have.
    pub name: String,
    /// Where the agent is to dial this hub; not empty.
    pub hub_addresses: Vec<HostPort>,
    /// By whom.
    pub account: Account,
}

/// A region that was adopted, and accepted with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// Its id.
    pub region: RegionId,
    /// Its key.
    pub key: Fingerprint,
    /// The address of this hub that the agent reached; empty where its answer was lost.
    pub hub_address: String,
}

/// Asks an unjoined agent who it is.
///
/// # Errors
/// If nobody answers there, or nobody who waits for an adoption.
pub async fn look(door: &HostPort) -> Result<Looked, AdoptionError> {
    let connection = dialer()?
        .dial_host(&door.to_string(), None)
        .await
        .map_err(|source| AdoptionError::of_dial(door, source))?;
    let key = connection.key();
    let mut bytes = Vec::new();
    let software = Text::cut(SOFTWARE);
    AdoptFrame::Look(Look { software }).encode(&mut bytes)?;
    let answer = connection
        .exchange(bytes, LOOKED_MAX)
        .await
        .map_err(|source| AdoptionError::silent(door, source))?;
    match read(door, &answer)? {
        AdoptFrame::Looked(looked) => {
            let cloud = looked.cloud.description();
            Ok(Looked {
                key,
                software: said(looked.software.as_str()),
                host: said(looked.host.as_str()),
                cloud: CloudDescription {
                    kind: cloud.kind,
                    version: said(&cloud.version),
                    endpoint: said(&cloud.endpoint),
                },
            })
        }
        AdoptFrame::Denied(denied) => Err(denial(&denied)),
        _ => Err(AdoptionError::NotADoor { door: door.clone() }),
    }
}

/// Tells whether a region has a live session.
type IsLive = dyn Fn(RegionNo) -> bool + Send + Sync;

/// Adopts agents. Cheap to clone; all clones know of each other's adoptions.
#[derive(Clone)]
pub struct Adopter {
    authority: Authority,
    clock: Clock,
    is_live: Arc<IsLive>,
    under_way: Exclusion,
}

impl Adopter {
    /// Adopts into the federation of this authority, whose live sessions are told by `is_live`.
    pub fn new(
        authority: Authority,
        clock: Clock,
        is_live: impl Fn(RegionNo) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            authority,
            clock,
            is_live: Arc::new(is_live),
            under_way: Exclusion::default(),
        }
    }

    /// The same, on behalf of somebody: what comes of it is his in the audit trail.
    #[must_use]
    pub fn by(&self, by: By) -> Self {
        Self {
            authority: self.authority.by(by),
            ..self.clone()
        }
    }

    /// Has an agent join this hub, and accepts the region that it becomes.
    ///
    /// # Errors
    /// [`AdoptionError::UnderWay`] if the agent is being adopted, or somebody under this name;
    /// [`AdoptionError::Unsettled`] if it may have joined, and waits to be accepted; else what
    /// failed, and the agent is not joined. The same request may be made again.
    pub async fn adopt(&self, request: Request) -> Result<Adopted, AdoptionError> {
        check_name(&request.name).map_err(AuthorityError::from)?;
        let held = self.under_way.hold(request.key, &request.name);
        let _held = held.ok_or_else(|| AdoptionError::UnderWay {
            name: request.name.clone(),
        })?;
        let earlier = earlier(&self.authority, &request.name, request.key).await?;
        let dialed = dialer()?
            .dial_host(&request.door.to_string(), Some(request.key))
            .await;
        let dialed = dialed.map_err(|source| AdoptionError::of_dial(&request.door, source));
        match (dialed, earlier) {
            (Ok(connection), None) => self.ask(connection, request).await,
            // It has joined, and its door is just closing.
            (Ok(_), Some(region)) if (self.is_live)(region.no) => {
                self.accept(region, String::new()).await
            }
            (Ok(connection), Some(_)) => {
                // An open door belongs to an agent that is not joined, whatever its last attempt
                // left.
                let Request { name, key, .. } = &request;
                self.authority.remove_pending(name, *key).await?;
                self.ask(connection, request).await
            }
            // The answer to an earlier request was lost, perhaps after the agent had joined.
            (Err(AdoptionError::Unreachable { .. }), Some(region)) => {
                self.accept_if_live(region).await
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Asks the agent that was reached to join, and finds out what has come of it.
    async fn ask(
        &self,
        connection: DoorConnection,
        request: Request,
    ) -> Result<Adopted, AdoptionError> {
        let Request {
            door,
            key,
            name,
            hub_addresses,
            account,
        } = request;
        let authority = &self.authority;
        let token = authority.invite_beside(&name).await?.token;
        let answer = match encode(&token, &hub_addresses, account) {
            Ok(frame) => connection.exchange(frame, ADOPTED_MAX).await,
            Err(error) => {
                authority.withdraw_token(token.id()).await?;
                return Err(error.into());
            }
        };
        let outcome = outcome(&door, answer.as_ref().ok());
        // From here on no key can use the invitation up, so that what is found is what has come of
        // it.
        let used_by = authority.withdraw_token(token.id()).await?;
        let region = region(authority, &name, key).await?;
        match (outcome, region) {
            (Ok(address), Some(region)) => self.accept(region, address).await,
            (Ok(_), None) => Err(AdoptionError::OtherRegion { name }),
            (Err(error @ AdoptionError::Denied { .. }), Some(_)) => {
                // The agent says that it did not join, though it was let in: its disk, perhaps. Who
                // was let in by another invitation is another's.
                if used_by == Some(key) {
                    authority.remove_pending(&name, key).await?;
                }
                Err(error)
            }
            (Err(_), Some(region)) => {
                self.session_of(region.no).await;
                self.accept_if_live(region).await
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Waits for a region's session, for a while.
    async fn session_of(&self, region: RegionNo) {
        let deadline = self.clock.now() + SESSION_WAIT;
        while !(self.is_live)(region) && self.clock.now() < deadline {
            self.clock.sleep(SESSION_LOOK).await;
        }
    }

    /// Accepts a region whose agent has not said that it joined. It has, where it is connected by
    /// what it joined with; otherwise nobody knows, and the region stays as it is.
    async fn accept_if_live(&self, region: RegionRow) -> Result<Adopted, AdoptionError> {
        if (self.is_live)(region.no) {
            return self.accept(region, String::new()).await;
        }
        let name = region.facts.name;
        Err(AdoptionError::Unsettled { name })
    }

    /// The second yes, to the key that was confirmed.
    async fn accept(
        &self,
        region: RegionRow,
        hub_address: String,
    ) -> Result<Adopted, AdoptionError> {
        let (name, key) = (&region.facts.name, region.facts.fingerprint);
        self.authority.accept_key(name, key).await?;
        Ok(Adopted {
            region: region.facts.id,
            key,
            hub_address,
        })
    }
}

/// What the agent says to an adoption: the hub's address that it reached. `None` where no answer
/// came.
fn outcome(door: &HostPort, answer: Option<&RawFrame>) -> Result<String, AdoptionError> {
    let Some(answer) = answer else {
        return Err(AdoptionError::Unanswered { door: door.clone() });
    };
    match read(door, answer)? {
        AdoptFrame::Adopted(it) => Ok(said(it.address.as_str())),
        AdoptFrame::Denied(denied) => Err(denial(&denied)),
        _ => Err(AdoptionError::NotADoor { door: door.clone() }),
    }
}

/// What stands in the way of a name and a key, looked up before anything is dialed: the pending
/// region that an earlier adoption of this very agent left.
async fn earlier(
    authority: &Authority,
    name: &str,
    key: Fingerprint,
) -> Result<Option<RegionRow>, AdoptionError> {
    for region in authority.regions().await? {
        match (region.facts.name == name, region.facts.fingerprint == key) {
            (true, true) if region.facts.standing == Standing::Pending => return Ok(Some(region)),
            (_, true) => {
                return Err(AdoptionError::KeyRegistered {
                    name: region.facts.name,
                });
            }
            (true, false) => {
                let taken = StoreError::NameTaken {
                    name: region.facts.name,
                };
                return Err(AuthorityError::from(taken).into());
            }
            (false, false) => {}
        }
    }
    Ok(None)
}

async fn region(
    authority: &Authority,
    name: &str,
    key: Fingerprint,
) -> Result<Option<RegionRow>, AdoptionError> {
    let regions = authority.regions().await?;
    let fits = |it: &RegionRow| it.facts.name == name && it.facts.fingerprint == key;
    Ok(regions.into_iter().find(fits))
}

fn dialer() -> Result<DoorDialer, AdoptionError> {
    let tls = adoption_client(&TlsClock::system())?;
    DoorDialer::new(tls).map_err(AdoptionError::Socket)
}

/// The request, in bytes that are wiped once nobody holds them any more. What QUIC and TLS make of
/// them is theirs.
fn encode(
    token: &JoinToken,
    hub_addresses: &[HostPort],
    account: Account,
) -> Result<Bytes, EncodeError> {
    let text = token.to_text();
    let addresses = hub_addresses.iter().map(ToString::to_string);
    let frame = AdoptFrame::Adopt(Adopt {
        token: Text::cut(&text),
        addresses: List::cut(addresses.map(Text::cut_owned)),
        link_port: hub_addresses.first().map_or(0, HostPort::port),
        account: AccountFrame {
            user: Text::cut(&account.user),
            password: Text::cut(&account.password),
            user_domain: account.user_domain.as_deref().map(Text::cut),
            project: account.project.as_deref().map(Text::cut),
            project_domain: account.project_domain.as_deref().map(Text::cut),
        },
    });
    // With all its room from the beginning it leaves no smaller copy behind when it grows.
    let mut bytes = Zeroizing::new(Vec::with_capacity(CONTROL_BYTES_MAX));
    frame.encode(&mut bytes)?;
    Ok(Bytes::from_owner(bytes))
}

fn read<'a>(door: &HostPort, answer: &'a RawFrame) -> Result<AdoptFrame<'a>, AdoptionError> {
    match AdoptFrame::decode(answer.kind, &answer.payload) {
        Ok(Some(frame)) => Ok(frame),
        Ok(None) | Err(_) => Err(AdoptionError::NotADoor { door: door.clone() }),
    }
}

fn denial(denied: &Denied<'_>) -> AdoptionError {
    AdoptionError::Denied {
        denial: Denial::from_code(denied.code),
        reason: said(denied.reason.as_str()),
        wait: Duration::from_millis(denied.retry_after_ms.into()),
    }
}

impl AdoptionError {
    fn silent(door: &HostPort, source: TransportError) -> Self {
        match source {
            TransportError::Read(_) | TransportError::Protocol { .. } => {
                Self::NotADoor { door: door.clone() }
            }
            source => Self::of_dial(door, source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_request_fits_a_frame() {
        let pin = Fingerprint::from_bytes([7; 32]);
        let token = JoinToken::generate(pin).unwrap();
        let host = format!("{}:7443", ["a".repeat(62).as_str(); 4].join("."));
        let addresses = vec![host.parse().unwrap(); 4];
        let name = Some("n".repeat(1020));
        let account = Account {
            user: "u".repeat(1020).into(),
            password: "p".repeat(4096).into(),
            user_domain: name.clone(),
            project: name.clone(),
            project_domain: name,
        };
        let bytes = encode(&token, &addresses, account).unwrap();
        assert!(bytes.len() < CONTROL_BYTES_MAX, "{}", bytes.len());
    }
}
