//! From a token to a pending region, once, by one key.

use futures_util::poll;
use shared::ids::FederationId;
use shared::model::CloudKind;
use shared::pki::{ChannelBinding, JoinToken, Peer, TokenId};
use shared::wire::frame::{JoinFrame, Refusal, Standing};

use super::super::*;
use super::kit::*;
use crate::store::StoreError;

#[tokio::test]
async fn an_invited_region_joins_and_waits_for_the_second_yes() {
    let mut hub = Hub::new().await;
    let (agent, issued) = hub.joined("北京").await;
    let region = hub.region("北京").await.unwrap();
    assert_eq!((region.no, region.facts.id), (issued.no, issued.region));
    assert_eq!(region.facts.standing, Standing::Pending);
    assert_eq!(region.facts.fingerprint, agent.key.fingerprint());
    assert_eq!(region.facts.cloud.kind, CloudKind::Simulated);
    assert_eq!(
        (region.facts.software.as_str(), region.facts.host.as_str()),
        ("sp-agent 0.1.0", "node1")
    );
    assert_eq!(region.facts.not_after, issued.not_after);
    assert_eq!(
        issued.not_after,
        START.as_secs() + CERTIFICATE_LIFETIME.as_secs()
    );
    let identity = shown(&issued.certificate);
    assert_eq!(identity.peer(), Peer::Region(issued.region));
    assert_eq!(identity.federation(), hub.authority.hub_facts().federation);
    assert_eq!(identity.fingerprint(), agent.key.fingerprint());
    assert_eq!(hub.told(), [AuthorityEvent::Joined(issued.no)]);
    assert!(hub.authority.invitations().await.unwrap().is_empty());

    let mut bytes = Vec::new();
    JoinFrame::Issued(issued.frame())
        .encode(&mut bytes)
        .unwrap();
    let frame = JoinFrame::decode(50, &bytes[6..]).unwrap();
    let Some(JoinFrame::Issued(frame)) = frame else {
        panic!("{frame:?}")
    };
    assert_eq!(frame.certificate.as_str(), issued.certificate);
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_by_the_same_key() {
    let mut hub = Hub::new().await;
    let (agent, token) = (Agent::new(), hub.invite("a").await);
    let first = agent.join(&hub.authority, &token).await.unwrap();
    hub.site.hand.advance(HOUR / 2);
    let again = agent.join(&hub.authority, &token).await.unwrap();
    assert_eq!((again.no, again.region), (first.no, first.region));
    assert!(again.not_after > first.not_after);
    assert_ne!(again.certificate, first.certificate);
    assert_eq!(
        hub.region("a").await.unwrap().facts.not_after,
        again.not_after
    );
    let (joined, certified) = (
        AuthorityEvent::Joined(first.no),
        AuthorityEvent::Certified(first.no),
    );
    assert_eq!(hub.told(), [joined, certified]);

    let other = Agent::new().join(&hub.authority, &token).await;
    assert!(matches!(other, Err(Refused::TokenUsed)));
    hub.site.hand.advance(HOUR / 2);
    let late = agent.join(&hub.authority, &token).await;
    assert!(matches!(late, Err(Refused::TokenExpired)));
    assert_eq!(hub.told(), []);
}

#[tokio::test]
async fn of_two_agents_with_one_token_one_joins() {
    let hub = Hub::new().await;
    let token = hub.invite("a").await;
    let agents = [Agent::new(), Agent::new(), Agent::new()];
    let asked = agents.each_ref().map(|it| it.join(&hub.authority, &token));
    let [a, b, c] = asked;
    let answers = tokio::join!(a, b, c);
    let outcomes = [answers.0, answers.1, answers.2];
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(hub.authority.regions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_stranger_learns_nothing_about_tokens() {
    let hub = Hub::new().await;
    let token = hub.invite("a").await;
    let agent = Agent::new();
    let mut told = Vec::new();
    for (id, secret) in [
        (token.id().to_string(), [1; 32]),
        (TokenId::from_bytes([9; 8]).to_string(), *token.secret()),
        ("not an id".to_owned(), *token.secret()),
    ] {
        let refused = agent.join_by(&hub.authority, &id, secret, &CHANNEL).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.refusal(), Refusal::Removed);
        told.push(refused.to_string());
    }
    hub.site.hand.advance(2 * HOUR);
    let id = token.id().to_string();
    let expired = agent.join_by(&hub.authority, &id, [1; 32], &CHANNEL).await;
    told.push(expired.unwrap_err().to_string());
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn a_proof_of_another_connection_or_a_damaged_request_is_refused() {
    let hub = Hub::new().await;
    let token = hub.invite("a").await;
    let (agent, id) = (Agent::new(), token.id().to_string());
    let elsewhere = ChannelBinding::from_exported([8; 32]);
    let relayed = agent
        .join_by(&hub.authority, &id, *token.secret(), &elsewhere)
        .await;
    assert!(matches!(relayed, Err(Refused::Proof)));
    let renewed = hub
        .authority
        .renew(RegionNo(1), &agent.key.fingerprint(), "no request")
        .await;
    assert!(matches!(renewed, Err(Refused::Request(_))));
    assert!(hub.authority.regions().await.unwrap().is_empty());
    // The token was not spent by it.
    agent.join(&hub.authority, &token).await.unwrap();
}

#[tokio::test]
async fn one_key_is_one_region_and_one_name_is_one_region() {
    let hub = Hub::new().await;
    let (agent, _) = hub.joined("a").await;
    let second = hub.invite("b").await;
    let refused = agent.join(&hub.authority, &second).await.unwrap_err();
    assert!(matches!(&refused, Refused::KeyRegistered { name } if name == "a"));
    hub.authority.rename("a", "b").await.unwrap();
    let refused = Agent::new().join(&hub.authority, &second).await;
    assert!(matches!(refused, Err(Refused::NameTaken { name }) if name == "b"));
    let taken = hub.authority.invite("b", INVITATION_LIFETIME).await;
    assert!(matches!(
        taken,
        Err(AuthorityError::Store(StoreError::NameTaken { .. }))
    ));
}

#[tokio::test]
async fn a_join_that_nobody_waits_for_any_more_is_told_all_the_same() {
    let mut hub = Hub::new().await;
    let (agent, token) = (Agent::new(), hub.invite("a").await);
    {
        let join = agent.join(&hub.authority, &token);
        tokio::pin!(join);
        assert!(poll!(&mut join).is_pending());
    }
    let told = tokio::time::timeout(Duration::from_secs(5), hub.events.recv());
    let Ok(AuthorityEvent::Joined(no)) = told.await.unwrap() else {
        panic!("no join was told")
    };
    assert_eq!(hub.region("a").await.unwrap().no, no);
}

#[tokio::test]
async fn an_invitation_is_checked_bounded_and_withdrawn() {
    let hub = Hub::new().await;
    let invite = |name, lifetime| hub.authority.invite(name, lifetime);
    assert!(matches!(
        invite(" a", HOUR).await,
        Err(AuthorityError::Name(NameError::HiddenSpace))
    ));
    for lifetime in [Duration::ZERO, HOUR + Duration::from_secs(1)] {
        let refused = invite("a", lifetime).await;
        assert!(matches!(refused, Err(AuthorityError::Lifetime { .. })));
    }
    let lost = hub.invite("a").await;
    let kept = invite("a", HOUR / 4).await.unwrap();
    assert_eq!((kept.expires, kept.replaces), (START.plus(HOUR / 4), true));
    assert_eq!(kept.token.pin(), hub.authority.anchor().pin());
    let open = hub.authority.invitations().await.unwrap();
    assert_eq!((open.len(), open[0].id), (1, kept.token.id()));
    let replaced = Agent::new().join(&hub.authority, &lost).await;
    let Err(Refused::TokenExpired) = replaced else {
        panic!("{replaced:?}");
    };

    hub.authority.withdraw("a").await.unwrap();
    assert!(hub.authority.withdraw("a").await.is_err());
    let withdrawn = Agent::new().join(&hub.authority, &kept.token).await;
    assert!(matches!(withdrawn, Err(Refused::Token)));
}

#[tokio::test]
async fn another_federations_ids_are_never_issued() {
    let hub = Hub::new().await;
    let (_, a) = hub.joined("a").await;
    let (_, b) = hub.joined("b").await;
    assert_ne!(a.region, b.region);
    assert_ne!(a.federation, FederationId::from_bytes([0; 16]));
    assert_eq!(
        (a.federation, a.epoch, a.hub),
        (b.federation, b.epoch, b.hub)
    );
}

#[tokio::test]
async fn an_invitation_for_one_occasion_leaves_another_of_the_name_alone() {
    let hub = Hub::new().await;
    let carried = hub.invite("a").await;
    let once = hub.authority.invite_beside("a").await.unwrap().token;
    assert_eq!(hub.authority.invitations().await.unwrap().len(), 2);
    assert_eq!(hub.authority.withdraw_token(once.id()).await.unwrap(), None);
    let agent = Agent::new();
    let refused = agent.join(&hub.authority, &once).await;
    assert!(matches!(refused, Err(Refused::Token)));
    agent.join(&hub.authority, &carried).await.unwrap();
    let used_by = hub.authority.withdraw_token(carried.id()).await.unwrap();
    assert_eq!(used_by, Some(agent.key.fingerprint()));
    let taken = hub.authority.invite_beside("a").await;
    assert!(matches!(
        taken,
        Err(AuthorityError::Store(StoreError::NameTaken { .. }))
    ));
}

#[tokio::test]
async fn an_invitation_for_one_occasion_counts_as_others_do() {
    let hub = Hub::new().await;
    let expires = START.plus(HOUR);
    let filled = hub.site.store.change(move |it| {
        for number in 0..OPEN_INVITATIONS_MAX {
            let token = JoinToken::generate(Fingerprint::from_bytes([1; 32])).unwrap();
            it.add_token(
                token.id(),
                token.secret_hash(),
                &number.to_string(),
                expires,
            )?;
        }
        Ok(())
    });
    filled.await.unwrap();
    let refused = hub.authority.invite_beside("a").await;
    assert!(matches!(refused, Err(AuthorityError::TooManyInvitations)));
    let refused = hub.authority.invite_beside("0").await;
    assert!(matches!(refused, Err(AuthorityError::TooManyInvitations)));
    let replaced = hub.authority.invite("0", HOUR).await.unwrap();
    assert!(replaced.replaces, "it makes them no more");
}

#[tokio::test]
async fn no_more_regions_are_invited_than_may_have_joined() {
    let hub = Hub::new().await;
    hub.joined("a").await;
    let full = hub.site.open_for(1).await.unwrap();
    let refused = full.invite("b", HOUR).await.unwrap_err();
    assert!(matches!(
        refused,
        AuthorityError::TooManyRegions { regions_max: 1 }
    ));
    let text = refused.to_string();
    assert!(
        text.contains("limits.regions_max") && text.contains("remove"),
        "{text}"
    );

    let one_more = hub.site.open_for(2).await.unwrap();
    one_more.invite("b", HOUR).await.unwrap();
    assert!(one_more.invite("b", HOUR).await.unwrap().replaces);
    for beside in [
        one_more.invite("c", HOUR).await,
        one_more.invite_beside("b").await,
    ] {
        let is_too_many = matches!(beside, Err(AuthorityError::TooManyRegions { .. }));
        assert!(is_too_many, "{beside:?}");
    }
}
