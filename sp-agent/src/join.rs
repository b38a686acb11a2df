//! How a region comes into a federation, and back when its certificate does not count.
//!
//! ```text
//! token ─ pin ─▶ dial ─▶ hub of the pinned CA ─ Join(secret, request, proof) ─▶ Issued
//!                                                                                 │
//! bound key ◀─ made once, before                        Founding ─ commit ◀───────┘
//! ```
//!
//! The hub uses a token up only together with the certificate, and gives the same key another one
//! while the token's hour lasts. So whatever breaks off a join, the same command repeats it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shared::audit::{Act, By};
use shared::host_port::HostPort;
use shared::ids::{HubId, RegionId};
use shared::model::{CloudDescription, CloudKind};
use shared::pki::{self, BoundKey, Fingerprint, JoinToken, Purpose, TlsClock, TrustAnchors};
use shared::transport::{DialOptions, Dialer, JoinConnection};
use shared::wire::frame::{Cloud, Join, JoinFrame, Recover};
use shared::wire::{Bytes, Text};

mod error;
mod frames;

use crate::membership::{Credentials, Founding, Kept, Membership, MembershipError};
pub use error::{Attempt, JoinError};

/// A hub that is there answers sooner, over any line; one that is not costs nobody more time.
const HEAD_START: Duration = Duration::from_secs(2);

/// What is sent as the agent's release.
pub const SOFTWARE: &str = concat!("sp-agent ", env!("CARGO_PKG_VERSION"));

/// What a join takes.
#[derive(Debug)]
pub struct Request {
    /// What the hub's administrator gave.
    pub token: JoinToken,
    /// Where the hub may be dialed, one after another; all are kept.
    pub addresses: Vec<HostPort>,
    /// Where key and membership are kept.
    pub data_dir: PathBuf,
    /// What the cloud is, for the hub's administrator; a join goes on without it.
    pub description: Option<CloudDescription>,
    /// How to dial.
    pub dial: DialOptions,
}

/// What came of a join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The membership, which is kept by now.
    pub membership: Membership,
    /// The hub.
    pub hub: HubId,
    /// Of the bound key: what both administrators compare.
    pub fingerprint: Fingerprint,
}

impl Joined {
    /// What the audit trail is told of it.
    pub fn act(&self, by: By, action: &str) -> Act {
        let Self {
            membership,
            hub,
            fingerprint,
        } = self;
        let (region, name, epoch) = (membership.region, &membership.name, membership.epoch);
        let after =
            format!("region={region} name={name:?} epoch={epoch} hub={hub} key={fingerprint}");
        let act = Act::new(by, action).on("federation", membership.federation, "");
        act.changing("not joined", after)
    }
}

/// Joins the federation that the token is for. When it returns, the membership survives a power
/// cut; the region then waits for the hub's administrator.
///
/// # Errors
/// What failed; the agent is then not joined, and may try again with the same token.
pub async fn join(request: Request) -> Result<Joined, JoinError> {
    if request.addresses.is_empty() {
        return Err(JoinError::NoAddress);
    }
    let data_dir = request.data_dir.clone();
    let (founding, key) = blocking(move || {
        let founding = Founding::begin(&data_dir)?;
        let key = founding.bound_key()?;
        Ok((founding, key))
    })
    .await?;
    let token = &request.token;
    let tls = pki::join_client(token.pin(), &TlsClock::system())?;
    let dialer = Dialer::new(tls, request.dial.clone()).map_err(JoinError::Socket)?;
    let (reached, connection) = dial(&dialer, &request.addresses).await?;
    let anchor = connection.authority(&token.pin())?;
    let frame = introduction(&request, &key, &connection)?;
    let address = reached.to_string();
    let (issued, certificate) = frames::exchange(connection, frame, &address).await?;
    if issued.federation != anchor.federation() {
        return Err(JoinError::OtherFederation { address });
    }
    let membership = Membership {
        federation: issued.federation,
        region: issued.region,
        name: issued.name,
        epoch: issued.epoch,
        addresses: first(reached, &request.addresses),
    };
    let joined = Joined {
        membership: membership.clone(),
        hub: issued.hub,
        fingerprint: key.fingerprint(),
    };
    let anchors = TrustAnchors::of(anchor);
    blocking(move || founding.commit(&membership, &key, &anchors, &certificate)).await?;
    Ok(joined)
}

/// Gets another certificate for one that does not count, by the bound key alone, and keeps it; says
/// whether it could be stored.
///
/// # Errors
/// What failed; the credentials are then as they were.
pub async fn recover(
    credentials: &Arc<Credentials>,
    region: RegionId,
    address: &str,
    dial: DialOptions,
) -> Result<Kept, JoinError> {
    let tls = pki::recovery_client(&credentials.anchors, &TlsClock::system())?;
    let dialer = Dialer::new(tls, dial).map_err(JoinError::Socket)?;
    let connection = dialer
        .dial_join_host(address)
        .await
        .map_err(|source| JoinError::Unreachable(vec![Attempt::new(address, source)]))?;
    let csr = credentials.csr()?;
    let binding = connection.binding().map_err(JoinError::Binding)?;
    let proof = credentials.key.prove(Purpose::Recovery, &binding)?;
    let frame = frames::encode(&JoinFrame::Recover(Recover {
        region,
        csr: Text::cut_owned(csr),
        proof: Bytes::new(&proof).ok_or(JoinError::Proof)?,
    }))?;
    let (issued, _) = frames::exchange(connection, frame, address).await?;
    let credentials = Arc::clone(credentials);
    blocking(move || credentials.keep_certificate(&issued.certificate)).await
}

/// The kernel's name for this machine; empty where it can't be read.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// The first address where a hub of the pinned CA answers, and the connection with it. Each has a
/// head start before the next is tried beside it.
async fn dial<'a>(
    dialer: &Dialer,
    addresses: &'a [HostPort],
) -> Result<(&'a HostPort, JoinConnection), JoinError> {
    let one = |address: &'a HostPort| async move {
        let dialed = dialer.dial_join_host(&address.to_string()).await;
        (address, dialed)
    };
    let (mut attempts, mut waiting) = (Vec::new(), addresses.iter());
    let mut dialing = FuturesUnordered::new();
    dialing.extend(waiting.next().map(one));
    loop {
        let next = tokio::time::timeout(HEAD_START, dialing.next());
        let dialed = match waiting.len() {
            0 => dialing.next().await,
            _ => next.await.unwrap_or(None),
        };
        match dialed {
            Some((address, Ok(connection))) => return Ok((address, connection)),
            Some((address, Err(source))) => {
                attempts.push(Attempt::new(&address.to_string(), source));
            }
            None if waiting.len() == 0 => return Err(JoinError::Unreachable(attempts)),
            None => {}
        }
        dialing.extend(waiting.next().map(one));
    }
}

/// The request, encoded.
fn introduction(
    request: &Request,
    key: &BoundKey,
    connection: &JoinConnection,
) -> Result<Vec<u8>, JoinError> {
    let csr = pki::Csr::create(key)
        .map_err(MembershipError::from)?
        .to_pem();
    let binding = connection.binding().map_err(JoinError::Binding)?;
    let proof = key.prove(Purpose::Join, &binding)?;
    let unknown = CloudDescription {
        kind: CloudKind::Other,
        version: String::new(),
        endpoint: String::new(),
    };
    let cloud = request.description.as_ref().unwrap_or(&unknown);
    frames::encode(&JoinFrame::Join(Join {
        token_id: Text::cut_owned(request.token.id().to_string()),
        secret: *request.token.secret(),
        csr: Text::cut_owned(csr),
        proof: Bytes::new(&proof).ok_or(JoinError::Proof)?,
        software: Text::cut(SOFTWARE),
        host: Text::cut_owned(host_name()),
        cloud: Cloud::from(cloud),
    }))
}

/// All addresses, the one that answered before the others.
fn first(reached: &HostPort, all: &[HostPort]) -> Vec<String> {
    let others = all.iter().filter(|address| *address != reached);
    std::iter::once(reached)
        .chain(others)
        .map(ToString::to_string)
        .collect()
}

/// Runs what blocks on the disk where that delays nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, MembershipError> + Send + 'static,
) -> Result<T, JoinError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(JoinError::Stopped),
    }
}
