//! Adoptions that are half done: seen by another, or broken off between two steps.

use idp_hub::adoption::AdoptionError;
use idp_hub::authority::INVITATION_LIFETIME;
use shared::pki::Fingerprint;
use shared::wire::frame::{Denial, Standing};
use tests::inproc::{TestAgent, private_dir};

use super::scripted::Scripted;

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_that_goes_on_is_left_alone_by_another() {
    let agent = Scripted::new().await;
    let first = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    let joined = agent.join(&asked.token).await;
    let mut other_key = agent.request("north");
    other_key.key = Fingerprint::from_bytes([7; 32]);
    for request in [agent.request("north"), agent.request("south"), other_key] {
        let error = agent.hub.hub.adopter.adopt(request).await.unwrap_err();
        assert!(matches!(error, AdoptionError::UnderWay { .. }), "{error}");
        assert!(error.to_string().contains("wait some seconds"), "{error}");
    }
    assert_eq!(agent.regions().await[0].facts.standing, Standing::Pending);
    asked.adopted(&joined).await;
    let adopted = first.await.unwrap().unwrap();
    assert_eq!(adopted.region, joined.region);
    assert_eq!(agent.regions().await[0].facts.standing, Standing::Accepted);
    // It is over for others too.
    let known = agent.hub.hub.adopter.adopt(agent.request("north")).await;
    assert!(
        matches!(known, Err(AdoptionError::KeyRegistered { .. })),
        "{known:?}"
    );
}

/// The agent's administrator joins it by hand while it is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_denial_takes_nothing_that_another_invitation_has_made() {
    let agent = Scripted::new().await;
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    let invited = agent.hub.hub.authority.invite("north", INVITATION_LIFETIME);
    let joined = agent.join(&invited.await.unwrap().token).await;
    asked.denied(Denial::Busy).await;
    let error = adoption.await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            AdoptionError::Denied {
                denial: Denial::Busy,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(agent.regions().await[0].facts.id, joined.region);
}

/// Its disk was full, say.
#[tokio::test(flavor = "multi_thread")]
async fn a_denial_takes_what_its_own_invitation_has_made() {
    let agent = Scripted::new().await;
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    agent.join(&asked.token).await;
    asked.denied(Denial::Agent).await;
    adoption.await.unwrap().unwrap_err();
    assert!(agent.regions().await.is_empty());
}

/// The region that an adoption left pending, of which it says that it may have joined.
async fn unsettled(agent: &Scripted, error: AdoptionError) {
    assert!(
        matches!(&error, AdoptionError::Unsettled { name } if name == "north"),
        "{error}"
    );
    let regions = agent.regions().await;
    assert_eq!(regions.len(), 1);
    assert_eq!(regions[0].facts.standing, Standing::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_agents_word_nobody_is_accepted_until_it_is_connected() {
    let mut agent = Scripted::new().await;
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    agent.join(&asked.token).await;
    drop(asked);
    unsettled(&agent, adoption.await.unwrap().unwrap_err()).await;
    // A door that nobody opens says nothing of the agent: the address may be mistyped.
    let mut mistyped = agent.request("north");
    mistyped.door = "127.0.0.1:9".parse().unwrap();
    let adopting = agent.hub.hub.adopter.adopt(mistyped);
    unsettled(&agent, adopting.await.unwrap_err()).await;
    // Once it is connected, it has kept what it joined by.
    let mut repeated = agent.request("north");
    repeated.door = "127.0.0.1:9".parse().unwrap();
    let data = std::mem::replace(&mut agent.data, private_dir());
    let linked = TestAgent::start(data).await;
    agent.connected().await;
    let adopted = agent.hub.hub.adopter.adopt(repeated).await.unwrap();
    let region = &agent.regions().await[0];
    assert_eq!(adopted.region, region.facts.id);
    assert_eq!(region.facts.standing, Standing::Accepted);
    linked.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_connects_after_its_answer_was_lost_is_accepted() {
    let mut agent = Scripted::new().await;
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    agent.join(&asked.token).await;
    drop(asked);
    let data = std::mem::replace(&mut agent.data, private_dir());
    let linked = TestAgent::start(data).await;
    let adopted = adoption.await.unwrap().unwrap();
    assert_eq!(adopted.hub_address, "");
    assert_eq!(agent.regions().await[0].facts.standing, Standing::Accepted);
    linked.stop().await;
}

/// Its disk lost what it had joined by, so that it waits at its door again.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_begins_anew() {
    let agent = Scripted::new().await;
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    let lost = agent.join(&asked.token).await;
    drop(asked);
    unsettled(&agent, adoption.await.unwrap().unwrap_err()).await;
    std::fs::remove_dir_all(agent.data.path().join("membership")).unwrap();
    let adoption = agent.begin(agent.request("north"));
    let asked = agent.asked().await;
    let joined = agent.join(&asked.token).await;
    asked.adopted(&joined).await;
    let adopted = adoption.await.unwrap().unwrap();
    assert_eq!(adopted.region, joined.region);
    assert_ne!(adopted.region, lost.region);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_somebody_carries_outlives_an_adoption_of_its_name() {
    let agent = Scripted::new().await;
    let authority = &agent.hub.hub.authority;
    let carried = authority
        .invite("north", INVITATION_LIFETIME)
        .await
        .unwrap();
    let adoption = agent.begin(agent.request("north"));
    agent.asked().await.denied(Denial::Account).await;
    adoption.await.unwrap().unwrap_err();
    let open = authority.invitations().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, carried.token.id());
    agent.join(&carried.token).await;
}
