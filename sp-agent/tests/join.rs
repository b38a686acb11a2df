//! Joins and recoveries with a hub on the loopback, over the real transport.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

#[path = "support/hub.rs"]
#[allow(dead_code, reason = "the other test crate uses the rest")]
mod hub;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub::{Hub, Mood};
use shared::link::agent::Phase;
use shared::model::{CloudDescription, CloudKind, HostSample};
use shared::pki::{Fingerprint, JoinToken, PublicSealingKey};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use shared::transport::DialOptions;
use shared::wire::frame::Refusal;
use sp_agent::join::{self, JoinError, Joined, Request};
use sp_agent::membership::{Credentials, Membership, MembershipError};
use sp_agent::replica::store::Store;
use sp_agent::spool::Spool;
use sp_agent::uplink::{Options, Unanswered, Uplink};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

fn request(hub: &Hub, data_dir: &Path) -> Request {
    Request {
        token: hub.token.clone(),
        addresses: vec![hub.address.clone()],
        data_dir: data_dir.into(),
        description: Some(CloudDescription {
            kind: CloudKind::OpenStack,
            version: "Nova 2.96".to_owned(),
            endpoint: "https://cloud:5000".to_owned(),
        }),
        dial: DialOptions::default(),
    }
}

fn data_dir() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    (folder, data_dir)
}

async fn join(hub: &Hub, data_dir: &Path) -> Result<Joined, JoinError> {
    join::join(request(hub, data_dir)).await
}

#[tokio::test]
async fn a_join_leaves_a_membership_that_both_sides_know() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    let joined = join(&hub, &data_dir).await.unwrap();
    assert_eq!(joined.membership.region, hub.region);
    assert_eq!(joined.membership.federation, hub.federation);
    assert_eq!(joined.membership.name, "east");
    assert_eq!(joined.membership.addresses, [hub.address.to_string()]);
    let kept = Membership::load(&data_dir).unwrap();
    assert_eq!(kept, Some(joined.membership));
    let known = hub.known().unwrap();
    assert_eq!(known.key, joined.fingerprint);
    assert_eq!(known.cloud_version, "Nova 2.96");
    assert_eq!(known.host, join::host_name());
    let credentials = Credentials::load(&data_dir).unwrap();
    assert!(!credentials.expired(Clock::system().unix_millis()));

    let again = join(&hub, &data_dir).await.unwrap_err();
    assert!(matches!(
        again,
        JoinError::Membership(MembershipError::AlreadyJoined)
    ));
    assert!(again.to_string().contains("sp-agent leave"), "{again}");
}

#[tokio::test]
async fn an_answer_that_is_lost_costs_nothing() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    hub.set_mood(Mood::Mute);
    let lost = join(&hub, &data_dir).await.unwrap_err();
    assert!(matches!(lost, JoinError::Unanswered { .. }), "{lost}");
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
    assert!(hub.known().is_some(), "the hub has used the token up");
    hub.set_mood(Mood::Fair);
    join(&hub, &data_dir).await.unwrap();
    assert!(Membership::load(&data_dir).unwrap().is_some());
}

#[tokio::test]
async fn a_refusal_is_told_in_the_hubs_words() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    hub.set_mood(Mood::Refusing);
    let refused = join(&hub, &data_dir).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("the name is taken; ask for another invitation"),
        "{refused}"
    );
    hub.set_mood(Mood::Fair);
    let (_other, elsewhere) = self::data_dir();
    join(&hub, &elsewhere).await.unwrap();
    let used = join(&hub, &data_dir).await.unwrap_err().to_string();
    assert!(used.contains("the token is used up"), "{used}");
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
}

#[tokio::test]
async fn a_hub_of_another_ca_gets_no_secret() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    let pin = Fingerprint::from_bytes([9; 32]);
    let token = JoinToken::from_parts(hub.token.id(), *hub.token.secret(), pin);
    let request = Request {
        token,
        ..request(&hub, &data_dir)
    };
    let error = join::join(request).await.unwrap_err();
    let told = chain(&error).to_string();
    assert!(
        told.contains("check that the address is the hub's link port, and that the join token"),
        "{told}"
    );
    assert!(hub.known().is_none());
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
}

#[tokio::test]
async fn several_addresses_are_tried_and_kept() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    let dead: shared::host_port::HostPort = "nowhere.invalid:7443".parse().unwrap();
    let mut request = request(&hub, &data_dir);
    request.addresses = vec![dead.clone(), hub.address.clone()];
    let joined = join::join(request).await.unwrap();
    let kept = [hub.address.to_string(), dead.to_string()];
    assert_eq!(joined.membership.addresses, kept);

    let (_other, elsewhere) = self::data_dir();
    let mut request = self::request(&hub, &elsewhere);
    request.addresses.clear();
    assert!(matches!(
        join::join(request).await,
        Err(JoinError::NoAddress)
    ));
    assert!(
        !elsewhere.exists(),
        "nothing is made for a join without an address"
    );
    let mut request = self::request(&hub, &elsewhere);
    request.addresses = vec![dead];
    let error = join::join(request).await.unwrap_err().to_string();
    assert!(
        error.starts_with("no hub answers as it should: nowhere.invalid:7443: cannot look up"),
        "{error}"
    );
}

#[tokio::test]
async fn an_expired_certificate_is_recovered_by_the_bound_key() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    hub.set_lifetime(Duration::from_secs(1));
    let joined = join(&hub, &data_dir).await.unwrap();
    let credentials = Arc::new(Credentials::load(&data_dir).unwrap());
    let clock = Clock::system();
    clock.sleep(Duration::from_millis(2100)).await;
    assert!(credentials.expired(clock.unix_millis()));
    hub.set_lifetime(Duration::from_secs(3600));
    let region = joined.membership.region;
    let address = hub.address.to_string();
    join::recover(&credentials, region, &address, DialOptions::default())
        .await
        .unwrap();
    assert!(!credentials.expired(clock.unix_millis()));
    let kept = Credentials::load(&data_dir).unwrap();
    assert_eq!(kept.not_after(), credentials.not_after());
    let stranger = shared::ids::RegionId::from_random(99);
    let refused = join::recover(&credentials, stranger, &address, DialOptions::default()).await;
    assert!(matches!(refused, Err(JoinError::Refused { .. })));
}

fn spool(data_dir: &Path) -> Spool {
    let mut chance = 0;
    let now = Clock::system().unix_millis();
    Spool::open(&data_dir.join("spool"), now, move || {
        chance += 1;
        chance
    })
    .unwrap()
}

/// What the agent works with, whose cloud stays what it is.
fn options(hub: &Hub, data_dir: &Path, joined: Joined, spool: Spool) -> Options {
    let (_, description) = watch::channel(request(hub, data_dir).description.unwrap());
    let federation = joined.membership.federation;
    let now = Clock::system().unix_millis();
    Options {
        replica: Store::open(data_dir, federation, now).unwrap(),
        sealing: PublicSealingKey::from_bytes([7; 32]),
        answering: Arc::new(Unanswered),
        membership: joined.membership,
        credentials: Arc::new(Credentials::load(data_dir).unwrap()),
        spool,
        clock: Clock::system(),
        dial: DialOptions::default(),
        description,
        data_dir: data_dir.into(),
    }
}

/// Runs an agent's link until it is in a phase, ten seconds at most; the phase that it came to.
async fn phase_of(options: Options, is_awaited: impl Fn(&Phase) -> bool) -> Phase {
    let (uplink, mut status) = Uplink::new(options);
    let running = uplink.run(Shutdown::new(), CancellationToken::new());
    let awaited = status.wait_for(|status| is_awaited(&status.phase));
    tokio::select! {
        _ = running => {}
        _ = tokio::time::timeout(Duration::from_secs(10), awaited) => {}
    }
    status.borrow().phase.clone()
}

#[tokio::test]
async fn a_certificate_that_does_not_count_yet_is_recovered() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    hub.set_ahead(Duration::from_secs(12 * 3600));
    let joined = join(&hub, &data_dir).await.unwrap();
    hub.set_ahead(Duration::ZERO);
    hub.accept();
    let options = options(&hub, &data_dir, joined, spool(&data_dir));
    assert!(!options.credentials.expired(options.clock.unix_millis()));
    let is_following = |phase: &Phase| matches!(phase, Phase::Following { .. });
    let phase = phase_of(options, is_following).await;
    assert!(is_following(&phase), "{phase:?}");
}

#[tokio::test]
async fn a_refused_recovery_is_waited_out_and_shown_as_any_refusal() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    hub.set_lifetime(Duration::from_secs(1));
    let joined = join(&hub, &data_dir).await.unwrap();
    Clock::system().sleep(Duration::from_millis(2100)).await;
    hub.set_mood(Mood::Refusing);
    let options = options(&hub, &data_dir, joined, spool(&data_dir));
    let is_waiting = |phase: &Phase| {
        matches!(
            phase,
            Phase::Waiting {
                reason: Some(_),
                ..
            }
        )
    };
    let phase = phase_of(options, is_waiting).await;
    let Phase::Waiting { refusal, reason } = phase else {
        panic!("{phase:?}");
    };
    assert_eq!(refusal, Some(Refusal::Removed), "{reason:?}");
    assert!(reason.unwrap().ends_with("ask for another invitation"));
}

#[tokio::test]
async fn a_spool_that_can_not_be_read_does_not_end_the_link() {
    let (_folder, data_dir) = data_dir();
    let hub = Hub::start();
    let joined = join(&hub, &data_dir).await.unwrap();
    hub.accept();
    let spool = spool(&data_dir);
    spool.put_sample(HostSample::default()).await.unwrap();
    // A closed spool still tells its extents, and each reading fails.
    spool.close().await.unwrap();
    let (uplink, _status) = Uplink::new(options(&hub, &data_dir, joined, spool));
    let running = uplink.run(Shutdown::new(), CancellationToken::new());
    let _ = tokio::time::timeout(Duration::from_secs(10), running).await;
    let (greetings, heartbeats) = hub.heard();
    assert_eq!(greetings, 1, "the link came and went");
    assert!(heartbeats >= 1, "{heartbeats} heartbeats in 10 s");
}
