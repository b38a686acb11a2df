//! What operators do to regions, and what it means at once.

use shared::pki::Fingerprint;
use shared::wire::frame::Standing;

use super::super::*;
use super::kit::*;
use crate::store::StoreError;

fn is_missing<T: std::fmt::Debug>(outcome: Result<T, AuthorityError>) -> bool {
    matches!(
        outcome,
        Err(AuthorityError::Store(StoreError::Missing { .. }))
    )
}

#[tokio::test]
async fn the_second_yes_is_told_once() {
    let mut hub = Hub::new().await;
    let (_, issued) = hub.joined("a").await;
    for _ in 0..2 {
        assert_eq!(hub.authority.accept("a").await.unwrap(), issued.no);
    }
    assert_eq!(
        hub.region("a").await.unwrap().facts.standing,
        Standing::Accepted
    );
    let (joined, accepted) = (
        AuthorityEvent::Joined(issued.no),
        AuthorityEvent::Accepted(issued.no),
    );
    assert_eq!(hub.told(), [joined, accepted]);
    assert!(is_missing(hub.authority.accept("b").await));
}

#[tokio::test]
async fn a_yes_to_one_key_is_none_to_another() {
    let hub = Hub::new().await;
    let (agent, _) = hub.joined("a").await;
    let other = Fingerprint::from_bytes([1; 32]);
    let refused = hub.authority.accept_key("a", other).await;
    assert!(matches!(refused, Err(AuthorityError::OtherKey { .. })));
    assert_eq!(
        hub.region("a").await.unwrap().facts.standing,
        Standing::Pending
    );
    let key = agent.key.fingerprint();
    hub.authority.accept_key("a", key).await.unwrap();
    assert_eq!(
        hub.region("a").await.unwrap().facts.standing,
        Standing::Accepted
    );
}

#[tokio::test]
async fn a_region_gets_another_name_that_is_free_and_sound() {
    let mut hub = Hub::new().await;
    let (_, a) = hub.joined("a").await;
    hub.joined("b").await;
    hub.told();
    assert!(hub.authority.rename("a", "b").await.is_err());
    assert!(hub.authority.rename("a", "a\u{202e}").await.is_err());
    assert!(is_missing(hub.authority.rename("c", "d").await));
    hub.authority.rename("a", "a").await.unwrap();
    assert_eq!(hub.told(), []);
    hub.authority.rename("a", "名字").await.unwrap();
    assert_eq!(hub.told(), [AuthorityEvent::Renamed(a.no)]);
    assert_eq!(hub.region("名字").await.unwrap().facts.id, a.region);
}

#[tokio::test]
async fn a_removal_kills_key_and_token_and_frees_the_name() {
    let mut hub = Hub::new().await;
    let (agent, token) = (Agent::new(), hub.invite("a").await);
    let issued = agent.join(&hub.authority, &token).await.unwrap();
    hub.authority.rename("a", "b").await.unwrap();
    hub.authority.remove("b").await.unwrap();
    assert_eq!(hub.told().last(), Some(&AuthorityEvent::Removed(issued.no)));
    assert!(is_missing(hub.authority.remove("b").await));

    let identity = shown(&issued.certificate);
    let refused = hub.authority.admit(&identity).await;
    assert!(matches!(refused, Err(NotAdmitted::Removed)));
    let key = agent.key.fingerprint();
    let renewed = hub.authority.renew(issued.no, &key, &agent.csr()).await;
    assert!(matches!(renewed, Err(Refused::Unregistered)));
    let recovered = agent.recover(&hub.authority, issued.region).await;
    assert!(matches!(recovered, Err(Refused::Unregistered)));
    let joined = agent.join(&hub.authority, &token).await;
    assert!(joined.is_err(), "the hour of its token is not over");

    // It may come back, as another region, with another invitation.
    let token = hub.invite("b").await;
    let back = agent.join(&hub.authority, &token).await.unwrap();
    assert_ne!((back.no, back.region), (issued.no, issued.region));
    let refused = hub.authority.admit(&identity).await;
    assert!(refused.is_err(), "its old certificate stays dead");
}
