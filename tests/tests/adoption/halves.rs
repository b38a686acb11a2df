//! Adoptions that are half done: seen by another, or broken off between two steps.

use idp_hub::adoption::AdoptionError;
use idp_hub::authority::INVITATION_LIFETIME;
use shared::pki::Fingerprint;
use shared::wire::frame::{Denial, Standing};

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
