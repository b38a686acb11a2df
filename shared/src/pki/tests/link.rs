//! The link: who gets through, who doesn't, and that nothing is resumed.

use std::sync::Arc;

use rustls::{CertificateError, Error, HandshakeKind};

use super::kit::*;
use crate::ids::FederationId;
use crate::pki::*;

fn server(ca: &Authority, clock: &Clock) -> Arc<rustls::ServerConfig> {
    link_server(&anchors(ca), &slot(ca, HUB), &clock.tls()).unwrap()
}

fn client(ca: &Authority, own: LinkCredential, clock: &Clock) -> Arc<rustls::ClientConfig> {
    link_client(&anchors(ca), &Slot::new(own), &clock.tls()).unwrap()
}

#[test]
fn members_see_each_other_as_the_ca_named_them() {
    let (ca, clock) = (authority(), Clock::at(START));
    let own = member(&ca, REGION, a_day());
    let expected = own.identity().clone();
    let link = shake(&client(&ca, own, &clock), &server(&ca, &clock)).unwrap();

    assert_eq!(link.hub().peer(), HUB);
    assert_eq!(link.hub().federation(), FEDERATION);
    let caller = link.caller().unwrap();
    assert_eq!(caller, expected);
    assert_eq!(caller.peer(), REGION);
    assert_eq!(caller.not_after(), START + 24 * HOUR);
    assert_eq!(link.server.alpn_protocol(), Some(LINK_ALPN));
    assert_eq!(
        link.server.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
}

#[test]
fn a_hub_may_dial_another_hub() {
    let (ca, clock) = (authority(), Clock::at(START));
    let standby = member(&ca, HUB, a_day());
    let link = shake(&client(&ca, standby, &clock), &server(&ca, &clock)).unwrap();
    assert_eq!(link.caller().unwrap().peer(), HUB);
}

#[test]
fn a_caller_without_a_certificate_is_nobody() {
    let (ca, clock) = (authority(), Clock::at(START));
    let caller = recovery_client(&anchors(&ca), &clock.tls()).unwrap();
    let link = shake(&caller, &server(&ca, &clock)).unwrap();
    assert_eq!(link.caller(), Err(IdentityError::NoCertificate));
    assert_eq!(link.server.alpn_protocol(), Some(JOIN_ALPN));
}

#[test]
fn a_caller_of_a_foreign_ca_is_refused() {
    // The foreign CA even bears the same federation's name.
    let (ca, foreign, clock) = (authority(), authority(), Clock::at(START));
    let own = Slot::new(member(&foreign, REGION, a_day()));
    let caller = link_client(&anchors(&ca), &own, &clock.tls()).unwrap();
    let refused = shake(&caller, &server(&ca, &clock)).err().unwrap();
    assert!(
        matches!(refused, Error::InvalidCertificate(_)),
        "{refused:?}"
    );
}

#[test]
fn a_hub_of_a_foreign_ca_is_refused() {
    let (ca, foreign, clock) = (authority(), authority(), Clock::at(START));
    let caller = client(&ca, member(&ca, REGION, a_day()), &clock);
    let refused = shake(&caller, &server(&foreign, &clock)).err().unwrap();
    assert!(
        matches!(refused, Error::InvalidCertificate(_)),
        "{refused:?}"
    );
}

#[test]
fn a_region_can_not_pose_as_a_hub() {
    let (ca, clock) = (authority(), Clock::at(START));
    let posing = link_server(&anchors(&ca), &slot(&ca, REGION), &clock.tls()).unwrap();
    let caller = client(&ca, member(&ca, REGION, a_day()), &clock);
    assert!(matches!(
        shake(&caller, &posing),
        Err(Error::InvalidCertificate(_))
    ));
}

#[test]
fn a_hub_can_not_be_dialed_by_another_name() {
    let (ca, clock) = (authority(), Clock::at(START));
    let caller = client(&ca, member(&ca, REGION, a_day()), &clock);
    assert!(shake_as("other.regroup.internal", &caller, &server(&ca, &clock)).is_err());
}

#[test]
fn certificates_count_between_their_ends_only() {
    let (ca, clock) = (authority(), Clock::at(START));
    let caller = client(&ca, member(&ca, REGION, a_day()), &clock);
    // The hub's own certificate outlives the test, so that only the caller's decides.
    let long = Validity {
        not_before: START - 24 * HOUR,
        not_after: START + 72 * HOUR,
    };
    let hub = Slot::new(member(&ca, HUB, long));
    let server = link_server(&anchors(&ca), &hub, &clock.tls()).unwrap();
    for (now, accepted) in [
        (START - CLOCK_SKEW_SECS - 1, false),
        (START - CLOCK_SKEW_SECS, true),
        (START + 24 * HOUR, true),
        (START + 24 * HOUR + 1, false),
    ] {
        clock.turn_to(now);
        assert_eq!(shake(&caller, &server).is_ok(), accepted, "{now}");
    }
}

#[test]
fn an_expired_hub_is_refused() {
    let (ca, clock) = (authority(), Clock::at(START + 25 * HOUR));
    let long = Validity {
        not_after: START + 72 * HOUR,
        ..a_day()
    };
    let caller = client(&ca, member(&ca, REGION, long), &clock);
    let refused = shake(&caller, &server(&ca, &clock)).err().unwrap();
    let expired = matches!(
        refused,
        Error::InvalidCertificate(CertificateError::ExpiredContext { .. })
    );
    assert!(expired, "{refused:?}");
}

#[test]
fn an_expired_certificate_is_not_resumed_past_its_end() {
    let (ca, clock) = (authority(), Clock::at(START));
    let server = server(&ca, &clock);
    let caller = client(&ca, member(&ca, REGION, a_day()), &clock);
    // A caller of ours never asks for resumption; a hostile one would.
    let mut hostile = (*caller).clone();
    hostile.resumption = rustls::client::Resumption::in_memory_sessions(32);
    let hostile = Arc::new(hostile);

    for caller in [&caller, &hostile] {
        clock.turn_to(START);
        for _ in 0..2 {
            let mut link = shake(caller, &server).unwrap();
            assert_eq!(link.server.handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(link.client.tls13_tickets_received(), 0);
            assert!(link.client.early_data().is_none());
        }
        clock.turn_to(START + 25 * HOUR);
        assert!(matches!(
            shake(caller, &server),
            Err(Error::InvalidCertificate(_))
        ));
    }
}

#[test]
fn a_renewed_certificate_is_shown_without_a_restart() {
    let (ca, clock) = (authority(), Clock::at(START));
    let (hub, region) = (slot(&ca, HUB), slot(&ca, REGION));
    let server = link_server(&anchors(&ca), &hub, &clock.tls()).unwrap();
    let caller = link_client(&anchors(&ca), &region, &clock.tls()).unwrap();
    let before = shake(&caller, &server).unwrap();

    clock.turn_to(START + 25 * HOUR);
    assert!(shake(&caller, &server).is_err());
    let next = Validity {
        not_before: START + 24 * HOUR,
        not_after: START + 48 * HOUR,
    };
    hub.replace(member(&ca, HUB, next));
    region.replace(member(&ca, REGION, next));
    let after = shake(&caller, &server).unwrap();
    assert_ne!(before.hub().serial(), after.hub().serial());
    assert_ne!(
        before.caller().unwrap().serial(),
        after.caller().unwrap().serial()
    );
    assert_eq!(
        after.caller().unwrap().serial(),
        region.current().identity().serial()
    );
}

#[test]
fn during_a_rotation_members_of_both_cas_meet() {
    let (old, new, clock) = (authority(), authority(), Clock::at(START));
    let both = anchors(&old).with(new.anchor().clone()).unwrap();
    for hub_ca in [&old, &new] {
        let server = link_server(&both, &slot(hub_ca, HUB), &clock.tls()).unwrap();
        for region_ca in [&old, &new] {
            let caller = link_client(&both, &slot(region_ca, REGION), &clock.tls()).unwrap();
            assert_eq!(
                shake(&caller, &server).unwrap().caller().unwrap().peer(),
                REGION
            );
        }
    }
    // The old one is dropped: its members are out.
    let only_new = both.without(&old.pin()).unwrap();
    let server = link_server(&only_new, &slot(&new, HUB), &clock.tls()).unwrap();
    let caller = link_client(&both, &slot(&old, REGION), &clock.tls()).unwrap();
    assert!(shake(&caller, &server).is_err());
}

#[test]
fn a_trusted_ca_makes_no_members_of_another_federation() {
    // Both are trusted, as while two federations become one.
    let (ours, clock) = (authority(), Clock::at(START));
    let theirs = Authority::create(FederationId::from_random(9), START).unwrap();
    let both = anchors(&ours).with(theirs.anchor().clone()).unwrap();
    let server = link_server(&both, &slot(&ours, HUB), &clock.tls()).unwrap();
    let honest = link_client(&both, &slot(&theirs, REGION), &clock.tls()).unwrap();
    let seen = shake(&honest, &server).unwrap().caller().unwrap();
    assert_eq!(seen.federation(), theirs.federation());
}
