//! Who may speak, renew and recover.

use shared::model::UnixMillis;
use shared::pki::{CLOCK_SKEW_SECS, Csr, Peer, Serial, Validity};
use shared::wire::frame::Refusal;

use super::super::*;
use super::kit::*;

#[test]
fn each_region_of_a_fleet_that_recovers_has_a_minute_of_its_own() {
    let now = shared::runtime::clock::Clock::system().now();
    let mut limiter = super::super::admission::recovery_limiter(10_000);
    for number in 0..10_000 {
        assert_eq!(limiter.admit(now, RegionId::from_random(number)), Ok(()));
    }
    assert!(limiter.admit(now, RegionId::from_random(0)).is_err());
}

#[tokio::test]
async fn a_registered_key_is_admitted_and_no_other() {
    let hub = Hub::new().await;
    let (_, issued) = hub.joined("a").await;
    let identity = shown(&issued.certificate);
    let region = hub.authority.admit(&identity).await.unwrap();
    assert_eq!((region.no, region.facts.name.as_str()), (issued.no, "a"));

    // The CA's own signature for a region's id over another key: only the registry can tell.
    let ca = &hub.authority.0.ca;
    let forged = |peer| {
        let csr = Csr::create(&Agent::new().key).unwrap();
        let validity = Validity::starting(START.as_secs(), HOUR);
        let serial = Serial::generate().unwrap();
        shown(&ca.issue(&csr, peer, serial, validity).unwrap().to_pem())
    };
    let admit = async |identity| hub.authority.admit(&identity).await.unwrap_err();
    let other_key = admit(forged(Peer::Region(issued.region))).await;
    assert!(matches!(other_key, NotAdmitted::OtherKey { .. }));
    let unknown = admit(forged(Peer::Region(RegionId::from_random(3)))).await;
    assert!(
        matches!(unknown, NotAdmitted::Unknown),
        "not said to be removed"
    );
    assert_eq!(unknown.refusal(), Refusal::Unknown);
    let all = "this hub does not know the region; it may have been restored from an older backup";
    assert!(unknown.reason().starts_with(all), "{}", unknown.reason());
    let a_hub = admit(forged(Peer::Hub(issued.hub))).await;
    assert!(matches!(a_hub, NotAdmitted::NotRegion));

    let foreign = Hub::new().await;
    let refused = foreign.authority.admit(&identity).await.unwrap_err();
    assert_eq!(refused.refusal(), Refusal::Federation);
}

#[tokio::test]
async fn a_certificate_counts_in_its_time_only() {
    let hub = Hub::new().await;
    let (_, issued) = hub.joined("a").await;
    let identity = shown(&issued.certificate);
    for (wall, admitted) in [
        (START.as_secs() - CLOCK_SKEW_SECS - 1, false),
        (START.as_secs() - CLOCK_SKEW_SECS, true),
        (issued.not_after, true),
        (issued.not_after + 1, false),
    ] {
        hub.site.hand.set_wall(UnixMillis::from_secs(wall));
        let outcome = hub.authority.admit(&identity).await;
        assert_eq!(outcome.is_ok(), admitted, "{wall}");
        assert!(matches!(outcome, Ok(_) | Err(NotAdmitted::OutsideValidity)));
    }
}

#[tokio::test]
async fn a_renewal_is_over_the_registered_key_and_bounded() {
    let mut hub = Hub::new().await;
    let (agent, issued) = hub.joined("a").await;
    let key = agent.key.fingerprint();
    hub.site.hand.advance(12 * HOUR);
    let (no, csr) = (issued.no, agent.csr());
    let certificate = hub.authority.renew(no, &key, &csr).await.unwrap();
    let renewed = shown(&certificate.pem);
    assert_eq!(certificate.not_after, renewed.not_after());
    assert_eq!(renewed.not_after(), issued.not_after + 12 * 3600);
    assert_eq!(
        hub.region("a").await.unwrap().facts.not_after,
        renewed.not_after()
    );
    let (joined, certified) = (AuthorityEvent::Joined(no), AuthorityEvent::Certified(no));
    assert_eq!(hub.told(), [joined, certified]);

    let other = Agent::new();
    let swapped = hub.authority.renew(no, &key, &other.csr()).await;
    assert!(matches!(swapped, Err(Refused::OtherKey)));
    let other_key = other.key.fingerprint();
    let unregistered = hub.authority.renew(no, &other_key, &other.csr()).await;
    assert!(matches!(unregistered, Err(Refused::Unregistered)));
    for expected in [true, true, false] {
        let again = hub.authority.renew(no, &key, &csr).await;
        assert_eq!(again.is_ok(), expected, "{again:?}");
    }
    hub.site.hand.advance(HOUR / 60);
    hub.authority.renew(no, &key, &csr).await.unwrap();
}

#[tokio::test]
async fn a_recovery_takes_the_key_is_counted_and_at_most_one_a_minute() {
    let mut hub = Hub::new().await;
    let (agent, issued) = hub.joined("a").await;
    hub.site.hand.advance(100 * HOUR);
    let stranger = Agent::new().recover(&hub.authority, issued.region).await;
    let unknown = agent
        .recover(&hub.authority, RegionId::from_random(9))
        .await;
    let told = [stranger, unknown].map(|it| it.unwrap_err().to_string());
    assert_eq!(told[0], told[1], "a stranger learns nothing about regions");

    let recovered = agent.recover(&hub.authority, issued.region).await.unwrap();
    assert_eq!((recovered.no, recovered.name.as_str()), (issued.no, "a"));
    assert!(
        hub.authority
            .admit(&shown(&recovered.certificate))
            .await
            .is_ok()
    );
    assert_eq!(hub.region("a").await.unwrap().facts.recoveries, 1);
    let certified = AuthorityEvent::Certified(issued.no);
    assert_eq!(hub.told().last(), Some(&certified));

    let soon = agent.recover(&hub.authority, issued.region).await;
    let Err(Refused::TooMany { wait }) = soon else {
        panic!("{soon:?}")
    };
    assert_eq!(wait, Duration::from_secs(60));
    hub.site.hand.advance(wait);
    agent.recover(&hub.authority, issued.region).await.unwrap();
    assert_eq!(hub.region("a").await.unwrap().facts.recoveries, 2);
}

#[tokio::test]
async fn joins_of_one_source_are_bounded() {
    let hub = Hub::new().await;
    let source = "192.0.2.1".parse().unwrap();
    let passed = (0..1000).take_while(|_| hub.authority.allow_join(source).is_ok());
    assert_eq!(passed.count(), 256);
    let refused = hub.authority.allow_join(source).unwrap_err();
    assert_eq!(refused.refusal(), Refusal::Busy);
}
