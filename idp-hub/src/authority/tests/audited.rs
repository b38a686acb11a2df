//! What the audit trail is told: each change of the registry once, with who asked for it.

use shared::audit::{Act, By, DONE, Wanted};
use shared::pki::{Csr, Peer, Serial, Validity};

use super::super::*;
use super::kit::*;

async fn trail(hub: &Hub) -> Vec<Act> {
    let listed = hub
        .site
        .store
        .read(|it| it.audit_entries(None, 100, &Wanted::default()));
    let items = listed.await.unwrap().items.into_iter().rev();
    items.map(|it| it.entry.unwrap().act).collect()
}

#[tokio::test]
async fn each_change_of_the_registry_has_its_entry_and_what_changes_nothing_has_none() {
    let hub = Hub::new().await;
    let alice = hub.authority.by(By::new("alice", "192.0.2.7"));
    let invited = alice.invite("a", INVITATION_LIFETIME).await.unwrap();
    let agent = Agent::new();
    let joined = agent.join(&hub.authority, &invited.token).await.unwrap();
    agent.join(&hub.authority, &invited.token).await.unwrap();
    for _ in 0..2 {
        alice.accept("a").await.unwrap();
        alice.rename("a", "a").await.unwrap();
    }
    alice.rename("a", "b").await.unwrap();
    alice.rename("nobody", "c").await.unwrap_err();
    agent.recover(&hub.authority, joined.region).await.unwrap();
    alice.invite("c", INVITATION_LIFETIME).await.unwrap();
    alice.withdraw("c").await.unwrap();
    alice.remove("b").await.unwrap();

    let all = trail(&hub).await;
    let told: Vec<_> = all.iter().map(|it| it.action.as_str()).collect();
    let expected = [
        "init",
        "invite",
        "join",
        "join again",
        "accept",
        "rename",
        "recover",
        "invite",
        "withdraw",
        "remove",
    ];
    assert_eq!(told, expected);
    let key = agent.key.fingerprint();
    let join = &all[2];
    assert_eq!(join.by, By::new(format!("agent with key {key}"), "link"));
    assert_eq!(join.subject.id, joined.region.to_string());
    assert!(join.after.contains(&format!("key={key}")), "{join:?}");
    for place in [1, 4, 5, 7, 8, 9] {
        assert_eq!(
            all[place].by,
            By::new("alice", "192.0.2.7"),
            "{}",
            all[place].action
        );
    }
    let (before, after) = (&all[4].before, &all[4].after);
    assert_eq!(
        (before.as_str(), after.as_str()),
        ("pending", &*format!("accepted, key={key}"))
    );
    assert_eq!(
        (all[6].before.as_str(), all[6].after.as_str()),
        ("recoveries=0", "recoveries=1")
    );
    assert!(all.iter().all(|it| it.outcome == DONE));
    let text = format!("{all:?}");
    assert!(
        !text.contains(invited.token.to_text().as_str()),
        "the token is a secret"
    );
    let verified = hub
        .site
        .store
        .read(|it| it.verify_audit(None))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(verified.entries, expected.len() as u64);
}

#[tokio::test]
async fn a_key_that_is_not_the_registered_one_is_told_once_in_a_while() {
    let hub = Hub::new().await;
    let (_, issued) = hub.joined("a").await;
    let csr = Csr::create(&Agent::new().key).unwrap();
    let validity = Validity::starting(START.as_secs(), HOUR);
    let serial = Serial::generate().unwrap();
    let peer = Peer::Region(issued.region);
    let ca = &hub.authority.0.ca;
    let forged = shown(&ca.issue(&csr, peer, serial, validity).unwrap().to_pem());
    for _ in 0..3 {
        hub.authority.admit(&forged).await.unwrap_err();
    }
    let refused = || async {
        let all = trail(&hub).await;
        all.into_iter()
            .filter(|it| it.action == "refuse key")
            .collect::<Vec<_>>()
    };
    // Nobody waits for this entry.
    while refused().await.is_empty() {
        tokio::task::yield_now().await;
    }
    let [refused] = &refused().await[..] else {
        panic!("more than one");
    };
    assert_eq!(refused.subject.id, issued.region.to_string());
    assert!(
        refused.outcome.starts_with("refused: another key"),
        "{refused:?}"
    );
}
