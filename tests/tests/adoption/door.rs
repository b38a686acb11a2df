//! What an adoption comes to, and what is left of one that fails.

use std::time::{Duration, Instant};

use idp_hub::adoption::{AdoptionError, DOOR_PORT};
use idp_hub::authority::INVITATION_LIFETIME;
use shared::pki::Fingerprint;
use shared::wire::frame::{Denial, Standing};
use sp_agent::adoption::{Closed, TRIES_AT_ONCE, TRY_EACH};
use sp_agent::membership::Membership;

use super::rig::{PASSWORD, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_looked_at_adopted_and_accepted() {
    let rig = Rig::new().await;
    let looked = rig.look().await.unwrap();
    assert_eq!(looked.key, rig.key);
    assert!(looked.software.starts_with("sp-agent "), "{looked:?}");
    assert_eq!(looked.cloud, tests::inproc::description());
    let adopted = rig.adopt(rig.request("north", PASSWORD)).await.unwrap();
    assert_eq!(adopted.key, rig.key);
    let regions = rig.hub.hub.authority.regions().await.unwrap();
    assert_eq!(regions.len(), 1);
    let region = &regions[0];
    assert_eq!(
        (region.facts.name.as_str(), region.facts.fingerprint),
        ("north", rig.key)
    );
    assert_eq!(
        (region.facts.id, region.facts.standing),
        (adopted.region, Standing::Accepted)
    );
    let membership = Membership::load(rig.data.path()).unwrap().unwrap();
    assert_eq!(membership.region, adopted.region);
    assert_eq!(membership.addresses, [rig.hub.hub.address.to_string()]);
    assert_eq!(rig.closed().await, Closed::Adopted);
}

/// As the daemon closes it: by the membership, which is there before the answer has gone out.
#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_closes_at_the_membership_still_gives_its_answer() {
    for _ in 0..5 {
        let rig = Rig::new().await;
        let watching = tokio::spawn(rig.close_at_membership());
        let adopted = rig.adopt(rig.request("north", PASSWORD)).await.unwrap();
        assert_eq!(adopted.hub_address, rig.hub.hub.address.to_string());
        watching.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_closes_lets_a_join_come_to_its_end() {
    let rig = Rig::new().await;
    let adopter = rig.hub.hub.adopter.clone();
    let request = rig.slow_request("north");
    let adopting = tokio::spawn(async move { adopter.adopt(request).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.reload();
    let adopted = adopting.await.unwrap().unwrap();
    let membership = Membership::load(rig.data.path()).unwrap().unwrap();
    assert_eq!(membership.region, adopted.region);
    assert_eq!(rig.closed().await, Closed::Adopted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_stops_waits_no_longer_than_it_may_for_an_adoption() {
    let mut rig = Rig::new().await;
    let adopter = rig.hub.hub.adopter.clone();
    let authority = rig.hub.hub.authority.clone();
    let (request, data) = (rig.slow_request("north"), rig.data.path().to_owned());
    let adopting = tokio::spawn(async move { adopter.adopt(request).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    rig.stop();
    let begin = Instant::now();
    let closed = (&mut rig.serving).await.unwrap();
    assert_eq!(closed, Closed::Told);
    let waited = begin.elapsed();
    assert!(waited < Duration::from_secs(8), "{waited:?}");
    let error = adopting.await.unwrap().unwrap_err();
    assert!(matches!(error, AdoptionError::Unanswered { .. }), "{error}");
    assert!(authority.regions().await.unwrap().is_empty());
    assert!(Membership::load(&data).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_sent_nothing() {
    let rig = Rig::new().await;
    let mut request = rig.request("north", PASSWORD);
    request.key = Fingerprint::from_bytes([7; 32]);
    let error = rig.adopt(request).await.unwrap_err();
    assert!(
        matches!(&error, AdoptionError::OtherKey { shown, .. } if *shown == rig.key),
        "{error}"
    );
    rig.is_as_before().await;
    assert_eq!(rig.close().await, Closed::Told);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_and_then_one_a_minute() {
    let rig = Rig::new().await;
    for _ in 0..TRIES_AT_ONCE {
        let (denial, reason, _) = rig.denied(rig.request("north", "guess")).await;
        assert_eq!(denial, Denial::Account, "{reason}");
    }
    let (denial, reason, wait) = rig.denied(rig.request("north", PASSWORD)).await;
    assert_eq!((denial, wait), (Denial::TooMany, TRY_EACH), "{reason}");
    assert!(reason.contains("try again in 60 s"), "{reason}");
    rig.is_as_before().await;
    rig.hand.advance(TRY_EACH);
    rig.adopt(rig.request("north", PASSWORD)).await.unwrap();
    assert_eq!(rig.closed().await, Closed::Adopted);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_keys_that_are_taken_are_told_of_before_the_password_is_sent() {
    let rig = Rig::new().await;
    let authority = &rig.hub.hub.authority;
    let token = authority
        .invite("south", INVITATION_LIFETIME)
        .await
        .unwrap()
        .token;
    let other = tests::inproc::private_dir();
    tests::inproc::join(other.path(), &token, rig.hub.hub.address)
        .await
        .unwrap();
    let error = rig.adopt(rig.request("south", "guess")).await.unwrap_err();
    assert!(matches!(error, AdoptionError::Authority(_)), "{error}");
    assert!(error.to_string().contains("south"), "{error}");
    let wrong = rig.adopt(rig.request("", "guess")).await.unwrap_err();
    assert!(matches!(wrong, AdoptionError::Authority(_)), "{wrong}");
    authority.remove("south").await.unwrap();

    // The agent's own disk lost what it had joined by; the hub still has it, not accepted.
    let token = authority
        .invite("north", INVITATION_LIFETIME)
        .await
        .unwrap()
        .token;
    tests::inproc::join(rig.data.path(), &token, rig.hub.hub.address)
        .await
        .unwrap();
    std::fs::remove_dir_all(rig.data.path().join("membership")).unwrap();
    let error = rig.adopt(rig.request("west", PASSWORD)).await.unwrap_err();
    assert!(
        matches!(&error, AdoptionError::KeyRegistered { name } if name == "north"),
        "{error}"
    );
    rig.adopt(rig.request("north", PASSWORD)).await.unwrap();
    assert_eq!(authority.regions().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_can_t_be_reached_as_told_is_tried_where_it_came_from() {
    let rig = Rig::new().await;
    let mut nowhere = rig.request("north", PASSWORD);
    nowhere.hub_addresses = vec!["127.0.0.1:9".parse().unwrap()];
    let (denial, reason, _) = rig.denied(nowhere).await;
    assert_eq!(denial, Denial::Hub, "{reason}");
    assert!(reason.contains("127.0.0.1:9"), "{reason}");
    rig.is_as_before().await;
    let mut observed = rig.request("north", PASSWORD);
    let port = rig.hub.hub.address.port();
    observed.hub_addresses = vec![format!("127.0.0.2:{port}").parse().unwrap()];
    let adopted = rig.adopt(observed).await.unwrap();
    assert_eq!(adopted.hub_address, format!("127.0.0.1:{port}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_door_is_told_as_such() {
    let rig = Rig::new().await;
    let mut request = rig.request("north", PASSWORD);
    request.door = rig.hub.hub.address.to_string().parse().unwrap();
    let error = rig.adopt(request).await.unwrap_err();
    assert!(matches!(error, AdoptionError::NotADoor { .. }), "{error}");
    let nobody = format!("127.0.0.1:{DOOR_PORT}").parse().unwrap();
    let error = idp_hub::adoption::look(&nobody).await.unwrap_err();
    assert!(
        matches!(error, AdoptionError::Unreachable { .. }),
        "{error}"
    );
    rig.is_as_before().await;
}
