use std::sync::Arc;

use shared::ids::{FederationId, RegionId};
use shared::model::{CloudDescription, CloudKind};
use shared::pki::{
    Authority, BoundKey, Csr, Peer, PublicSealingKey, Serial, TrustAnchors, Validity,
};
use shared::transport::DialOptions;
use tokio::sync::watch;

use super::*;
use crate::membership::{Credentials, Founding, Membership};
use crate::replica::store::Store;
use crate::spool::Spool;
use crate::uplink::Unanswered;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn certificate(ca: &Authority, key: &BoundKey, region: RegionId, secs: u64) -> (String, Vec<u8>) {
    let validity = Validity::starting(secs, DAY);
    let (csr, serial) = (Csr::create(key).unwrap(), Serial::generate().unwrap());
    let issued = ca.issue(&csr, Peer::Region(region), serial, validity);
    let issued = issued.unwrap();
    (issued.to_pem(), issued.der)
}

/// An agent with this clock in a fresh data directory, and the renewed certificate of a hub whose
/// clock is the machine's.
fn agent(data_dir: &std::path::Path, clock: Clock) -> (Options, String) {
    let hub_secs = Clock::system().unix_millis().as_secs();
    let (federation, region) = (FederationId::from_random(1), RegionId::from_random(2));
    let ca = Authority::create(federation, hub_secs).unwrap();
    let founding = Founding::begin(data_dir).unwrap();
    let key = founding.bound_key().unwrap();
    let (pem, der) = certificate(&ca, &key, region, hub_secs);
    let membership = Membership {
        federation,
        region,
        name: "north".to_owned(),
        epoch: 1,
        addresses: vec!["hub.example.org:7443".to_owned()],
    };
    let anchors = TrustAnchors::of(ca.anchor().clone());
    founding.commit(&membership, &key, &anchors, &der).unwrap();
    let (_, description) = watch::channel(CloudDescription {
        kind: CloudKind::Other,
        version: String::new(),
        endpoint: String::new(),
    });
    let spool = Spool::open(&data_dir.join("spool"), clock.unix_millis(), || 1).unwrap();
    let options = Options {
        membership,
        credentials: Arc::new(Credentials::load(data_dir).unwrap()),
        spool,
        replica: Store::open(data_dir, federation, clock.unix_millis()).unwrap(),
        sealing: PublicSealingKey::from_bytes([7; 32]),
        answering: Arc::new(Unanswered),
        clock,
        dial: DialOptions::default(),
        description,
        data_dir: data_dir.into(),
    };
    (options, pem)
}

#[tokio::test]
async fn a_renewed_certificate_that_seems_due_at_once_is_not_renewed_in_a_circle() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Clock::system().unix_millis();
    let (clock, _hand) = Clock::manual(hub.plus(Duration::from_secs(14 * 3600)));
    let (options, pem) = agent(&folder.path().join("data"), clock);
    let mut renewal = Renewal::new(&options, 0.5);
    assert!(renewal.request(&options).is_some());
    renewal.keep(&options, &pem);
    let wait = renewal.due - options.clock.now();
    assert!((AGAIN..=2 * AGAIN).contains(&wait), "{wait:?}");
}

/// The next renewal of one that did not count yet was far off.
#[tokio::test]
async fn a_connection_brings_the_renewal_forward_and_never_puts_it_off() {
    let folder = tempfile::tempdir().unwrap();
    let (options, _) = agent(&folder.path().join("data"), Clock::system());
    let mut renewal = Renewal::new(&options, 0.5);
    let due = renewal.due;
    renewal.due += DAY;
    renewal.connected(&options);
    assert!(renewal.due <= due + Duration::from_secs(1));
    renewal.due = options.clock.now();
    renewal.connected(&options);
    assert!(renewal.due <= options.clock.now());
}
