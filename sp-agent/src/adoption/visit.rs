//! One visitor: what it asks, and what comes of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use shared::audit::{Act, By};
use shared::host_port::HostPort;
use shared::pki::JoinToken;
use shared::runtime::errors::chain;
use shared::transport::{DialOptions, JoinAnswer, JoinCall, RawFrame};
use shared::wire::Text;
use shared::wire::frame::{Adopt, AdoptFrame, Adopted, Cloud, Denial, Looked};
use zeroize::Zeroize;

use super::denial::No;
use super::notes::{Notes, Thing};
use super::{Parts, Tries};
use crate::cloud::{Account, AccountError, openstack, simulated};
use crate::config::CloudConfig;
use crate::join::{self, Joined, Request, SOFTWARE, host_name};

/// The time for a visitor to ask. A hub does so in the packets after its handshake, so that this is
/// four round trips of a bad line; who says nothing holds one of four places for as long.
const REQUEST_MAX: Duration = Duration::from_secs(3);

/// The longest that the cloud may take to tell of an account: an administrator waits for it.
const ACCOUNT_MAX: Duration = Duration::from_secs(12);

/// Addresses of a hub that are dialed for one adoption: the hub's, its standby's, each under two
/// names, and where the visitor came from. Each that is silent costs the administrator's time.
const ADDRESSES_MAX: usize = 5;

/// A visitor, and whom it visits.
pub(super) struct Visit<'a> {
    call: JoinCall,
    parts: &'a Parts,
    notes: &'a Notes,
}

/// What an adoption takes, checked by itself.
struct Asked {
    token: JoinToken,
    addresses: Vec<HostPort>,
    account: Account,
}

impl<'a> Visit<'a> {
    pub(super) const fn new(call: JoinCall, parts: &'a Parts, notes: &'a Notes) -> Self {
        Self { call, parts, notes }
    }

    /// Answers the visitor. Whether the agent was adopted.
    pub(super) async fn serve(self) -> bool {
        let Self { call, parts, notes } = self;
        let remote = call.remote();
        let (request, answer) = match call.request_within(REQUEST_MAX).await {
            Ok(asked) => asked,
            // Strangers come and say nothing all day.
            Err(error) => {
                tracing::debug!(%remote, error = %chain(&error), "a visitor said nothing of use");
                return false;
            }
        };
        let asked = match AdoptFrame::decode(request.kind, &request.payload) {
            Ok(Some(AdoptFrame::Look(_))) => {
                note(notes, parts, remote, Thing::Looked, None);
                look(parts, remote, answer).await;
                return false;
            }
            Ok(Some(AdoptFrame::Adopt(adopt))) => Asked::read(&adopt, remote.ip()),
            Ok(_) => Err(No::unreadable(
                "this is the door of an unjoined agent, which was asked for something else; is \
                 the hub's release newer?",
            )),
            Err(error) => Err(No::unreadable(format!(
                "the request can't be read: {error}"
            ))),
        };
        wipe(request);
        // There is one adoption at a time.
        let mut tries = None;
        let outcome = match (asked, parts.tries.try_lock()) {
            (Ok(asked), Ok(held)) => {
                let held = tries.insert(held);
                adopt(parts, held, asked, &answer).await
            }
            (Ok(_), Err(_)) => Err(No::busy()),
            (Err(no), _) => Err(no),
        };
        // Where it succeeded, until the answer has gone out: a door that closes, as it does once
        // there is a membership, waits for whoever holds this.
        tries = tries.filter(|_| outcome.is_ok());
        match &outcome {
            Ok(joined) => {
                let (region, name) = (joined.membership.region, &joined.membership.name);
                let (hub, key) = (joined.hub, joined.fingerprint);
                tracing::info!(
                    target: "audit", action = "adopt", by = %remote, region = %region, name,
                    hub = %hub, %key, "adopted"
                );
                let act = joined.act(By::new(format!("hub {hub}"), remote.to_string()), "adopt");
                parts.trail.note(parts.clock.unix_millis(), act).await;
            }
            Err(no) => {
                let reason = is_for_the_log(no.denial).then_some(no.reason.as_str());
                if note(notes, parts, remote, Thing::Denied(no.denial), reason) {
                    let by = By::new("stranger", remote.to_string());
                    let act =
                        Act::new(by, "adopt").with_outcome(format!("denied: {}", no.denial.name()));
                    parts.trail.note(parts.clock.unix_millis(), act).await;
                }
            }
        }
        let frame = match &outcome {
            Ok(joined) => AdoptFrame::Adopted(adopted(joined)),
            Err(no) => AdoptFrame::Denied(no.frame()),
        };
        say(&frame, remote, answer).await;
        drop(tries);
        outcome.is_ok()
    }
}

/// A line for the audit. Whether it was time for one.
fn note(
    notes: &Notes,
    parts: &Parts,
    remote: SocketAddr,
    thing: Thing,
    reason: Option<&str>,
) -> bool {
    let Some(silenced) = notes.admit(parts.clock.now(), remote.ip(), thing) else {
        return false;
    };
    match thing {
        Thing::Looked => tracing::info!(
            target: "audit", action = "look", by = %remote, silenced, "somebody looks at the door"
        ),
        Thing::Denied(denial) => tracing::warn!(
            target: "audit", action = "adopt", by = %remote, denial = denial.name(), reason,
            silenced, "denied"
        ),
    }
    true
}

/// What this machine's operator should read of a denial: what went wrong here. What a stranger has
/// sent, or an account is like, is for the visitor alone.
const fn is_for_the_log(denial: Denial) -> bool {
    matches!(
        denial,
        Denial::Cloud | Denial::Hub | Denial::Join | Denial::Agent
    )
}

async fn look(parts: &Parts, remote: SocketAddr, answer: JoinAnswer) {
    let description = parts.description.borrow().clone();
    let looked = AdoptFrame::Looked(Looked {
        software: Text::cut(SOFTWARE),
        host: Text::cut_owned(host_name()),
        cloud: Cloud::from(&description),
    });
    say(&looked, remote, answer).await;
}

async fn say(frame: &AdoptFrame<'_>, remote: SocketAddr, answer: JoinAnswer) {
    let mut bytes = Vec::new();
    let sent = match frame.encode(&mut bytes) {
        Ok(()) => answer
            .send(bytes)
            .await
            .map_err(|it| chain(&it).to_string()),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = sent {
        tracing::debug!(%remote, error, "a visitor may not have got its answer");
    }
}

/// Overwrites a request, which may hold a password, where nobody else holds a part of it.
fn wipe(request: RawFrame) {
    if let Ok(mut bytes) = request.payload.try_into_mut() {
        bytes.zeroize();
    }
}

impl Asked {
    fn read(adopt: &Adopt<'_>, source: IpAddr) -> Result<Self, No> {
        let token = adopt
            .token
            .as_str()
            .parse()
            .map_err(|error| No::unreadable(format!("the invitation's token: {error}")))?;
        let mut addresses = Vec::new();
        for text in adopt.addresses.as_slice().iter().take(ADDRESSES_MAX - 1) {
            let address = text.as_str().parse::<HostPort>().map_err(|error| {
                No::unreadable(format!("the hub's address {:?} {error}", text.as_str()))
            })?;
            addresses.push(address);
        }
        // A hub whose name this machine can't look up is mostly where it came from.
        let observed = HostPort::new(&source.to_canonical().to_string(), adopt.link_port);
        let observed = observed.ok().filter(|it| !addresses.contains(it));
        addresses.extend(observed);
        let account = &adopt.account;
        let name = |name: &Option<Text<'_, 1020>>| name.as_ref().map(|it| it.as_str().to_owned());
        Ok(Self {
            token,
            addresses,
            account: Account {
                user: account.user.as_str().to_owned().into(),
                password: account.password.as_str().to_owned().into(),
                user_domain: name(&account.user_domain),
                project: name(&account.project),
                project_domain: name(&account.project_domain),
            },
        })
    }
}

async fn adopt(
    parts: &Parts,
    tries: &mut Tries,
    asked: Asked,
    answer: &JoinAnswer,
) -> Result<Joined, No> {
    tries.admit(parts.clock.now()).map_err(No::too_many)?;
    let Asked {
        token,
        addresses,
        account,
    } = asked;
    let checked = tokio::time::timeout(ACCOUNT_MAX, check(parts, &account)).await;
    drop(account);
    let checked = checked.unwrap_or_else(|_| {
        let seconds = ACCOUNT_MAX.as_secs();
        let told = format!("the agent's cloud did not tell of the account within {seconds} s");
        Err(AccountError::Unanswered(told))
    });
    if let Err(error) = checked {
        // Also where the cloud is silent: each try costs it something.
        tries.failed(parts.clock.now());
        return Err(error.into());
    }
    if answer.is_gone() {
        return Err(No::new(
            Denial::Hub,
            "the hub has gone before the join began",
        ));
    }
    let congestion = parts.configs.borrow().hub.congestion;
    let description = Some(parts.description.borrow().clone());
    let joined = join::join(Request {
        token,
        addresses,
        data_dir: parts.data_dir.clone(),
        description,
        dial: DialOptions {
            congestion,
            ..DialOptions::default()
        },
    });
    joined.await.map_err(No::from)
}

/// Asks the configured cloud whether the account is an administrator's.
async fn check(parts: &Parts, account: &Account) -> Result<(), AccountError> {
    let cloud = parts.configs.borrow().cloud.clone();
    match cloud {
        Some(CloudConfig::OpenStack(options)) => {
            openstack::check_account(&options, account, parts.clock.clone()).await
        }
        Some(CloudConfig::Simulated(plan)) => simulated::check_account(&plan, account),
        None => {
            let told = "the agent's configuration names no cloud that could tell of the account";
            Err(AccountError::Unanswered(told.to_owned()))
        }
    }
}

fn adopted(joined: &Joined) -> Adopted<'_> {
    let membership = &joined.membership;
    Adopted {
        region: membership.region,
        name: Text::cut(&membership.name),
        federation: membership.federation,
        address: Text::cut(membership.addresses.first().map_or("", String::as_str)),
    }
}
