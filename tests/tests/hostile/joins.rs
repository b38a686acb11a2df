//! Joins and recoveries with what is not theirs to use.

use std::time::Duration;

use idp_hub::authority::INVITATION_LIFETIME;
use shared::pki::{
    BoundKey, ChannelBinding, Csr, Fingerprint, JoinToken, Purpose, TlsClock, join_client,
};
use shared::transport::{DialOptions, Dialer, JoinConnection};
use shared::wire::frame::{Cloud, Join, JoinFrame, Recover, Refuse};
use shared::wire::{Bytes, Text};
use tests::inproc::{description, join, private_dir};

use super::log;
use super::stage::Stage;

/// The caller's end of a join.
struct Caller {
    call: JoinConnection,
    key: BoundKey,
}

impl Caller {
    async fn new(stage: &Stage, key: BoundKey) -> Self {
        let pin = stage.hub.hub.authority.anchor().pin();
        let tls = join_client(pin, &TlsClock::system()).unwrap();
        let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
        let call = dialer.dial_join(stage.hub.hub.address).await.unwrap();
        Self { call, key }
    }

    fn binding(&self) -> ChannelBinding {
        self.call.binding().unwrap()
    }

    /// Asks to join, with a proof over this channel.
    async fn join(self, token: &JoinToken, over: &ChannelBinding) -> String {
        let proof = self.key.prove(Purpose::Join, over).unwrap();
        let description = description();
        let request = JoinFrame::Join(Join {
            token_id: Text::cut_owned(token.id().to_string()),
            secret: *token.secret(),
            csr: Text::cut_owned(Csr::create(&self.key).unwrap().to_pem()),
            proof: Bytes::new(&proof).unwrap(),
            software: Text::cut("test"),
            host: Text::cut("host"),
            cloud: Cloud::from(&description),
        });
        self.ask(&request).await
    }

    async fn recover(self, region: shared::ids::RegionId) -> String {
        let proof = self.key.prove(Purpose::Recovery, &self.binding()).unwrap();
        let request = JoinFrame::Recover(Recover {
            region,
            csr: Text::cut_owned(Csr::create(&self.key).unwrap().to_pem()),
            proof: Bytes::new(&proof).unwrap(),
        });
        self.ask(&request).await
    }

    async fn ask(self, request: &JoinFrame<'_>) -> String {
        let mut bytes = Vec::new();
        request.encode(&mut bytes).unwrap();
        self.send(bytes).await
    }

    /// Why the hub refuses.
    async fn send(self, bytes: Vec<u8>) -> String {
        let answer = self.call.exchange(bytes).await.unwrap();
        match JoinFrame::decode(answer.kind, &answer.payload)
            .unwrap()
            .unwrap()
        {
            JoinFrame::Refuse(Refuse { reason, .. }) => reason.into_string(),
            other => panic!("let in: {other:?}"),
        }
    }
}

async fn stranger(stage: &Stage) -> Caller {
    Caller::new(stage, BoundKey::generate().unwrap()).await
}

async fn invited(stage: &Stage, name: &str) -> JoinToken {
    let authority = &stage.hub.hub.authority;
    authority
        .invite(name, INVITATION_LIFETIME)
        .await
        .unwrap()
        .token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once_and_while_it_lasts_and_can_t_be_guessed() {
    let stage = Stage::set().await;
    let address = stage.hub.hub.address;
    let token = invited(&stage, "north").await;
    let pin = stage.hub.hub.authority.anchor().pin();
    for secret in 0..20 {
        let guessed = JoinToken::from_parts(token.id(), [secret; 32], pin);
        let caller = stranger(&stage).await;
        let binding = caller.binding();
        let told = caller.join(&guessed, &binding).await;
        assert!(told.contains("not good at this hub"), "{told}");
    }
    let logged = log::lines_with(&["a join was refused", "not good at this hub"]);
    assert_eq!(logged.len(), 1, "{logged:?}");

    let first = private_dir();
    join(first.path(), &token, address).await.unwrap();
    let told = join(private_dir().path(), &token, address)
        .await
        .unwrap_err();
    assert!(told.contains("used by another agent"), "{told}");

    let late = JoinToken::generate(pin).unwrap();
    let (id, hash) = (late.id(), late.secret_hash());
    let added = stage.hub.hub.store.change(move |it| {
        let over = shared::model::UnixMillis(it.now.0 - 1);
        it.add_token(id, hash, "south", over)
    });
    added.await.unwrap();
    let told = join(private_dir().path(), &late, address)
        .await
        .unwrap_err();
    assert!(told.contains("has expired"), "{told}");
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_good_on_its_own_connection_only() {
    let stage = Stage::set().await;
    let token = invited(&stage, "north").await;
    let (other, caller) = (stranger(&stage).await, stranger(&stage).await);
    let told = caller.join(&token, &other.binding()).await;
    assert!(
        told.contains("does not belong to this connection"),
        "{told}"
    );
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_can_t_recover_another_s_certificate() {
    let stage = Stage::set().await;
    let (north, south) = (stage.traitor("north").await, stage.traitor("south").await);
    let pem = north.credentials.key.to_pem();
    let key = || BoundKey::from_pem(pem.as_bytes()).unwrap();
    let caller = Caller::new(&stage, key()).await;
    let told = caller.recover(south.membership.region).await;
    assert!(
        told.contains("no region is registered here with this id and key"),
        "{told}"
    );
    let told = stranger(&stage)
        .await
        .recover(south.membership.region)
        .await;
    assert!(
        told.contains("no region is registered here with this id and key"),
        "{told}"
    );
    // Nor did it use up the other's allowance.
    let south_key = BoundKey::from_pem(south.credentials.key.to_pem().as_bytes()).unwrap();
    let caller = Caller::new(&stage, south_key).await;
    let proof = caller
        .key
        .prove(Purpose::Recovery, &caller.binding())
        .unwrap();
    let request = JoinFrame::Recover(Recover {
        region: south.membership.region,
        csr: Text::cut_owned(Csr::create(&caller.key).unwrap().to_pem()),
        proof: Bytes::new(&proof).unwrap(),
    });
    let mut bytes = Vec::new();
    request.encode(&mut bytes).unwrap();
    let answer = caller.call.exchange(bytes).await.unwrap();
    let answer = JoinFrame::decode(answer.kind, &answer.payload)
        .unwrap()
        .unwrap();
    assert!(matches!(answer, JoinFrame::Issued(_)), "{answer:?}");
    stage.stands().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none_are_answered_and_logged_once() {
    let stage = Stage::set().await;
    for kind in [0u16, 4, 48, 49, 50, 9999] {
        let garbage = [&kind.to_le_bytes()[..], &3u32.to_le_bytes(), &[1, 2, 3]].concat();
        let told = stranger(&stage).await.send(garbage).await;
        assert!(told.contains("can't be read"), "{told}");
    }
    let logged = log::lines_with(&["a join was refused", "can't be read"]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    // A length that is not allowed gets no answer: nothing of it is worth reading.
    let caller = stranger(&stage).await;
    let endless = [&48u16.to_le_bytes()[..], &u32::MAX.to_le_bytes()].concat();
    assert!(caller.call.exchange(endless).await.is_err());
    stage.stands().await;
}

/// More than the hub admits from one place: what is beyond is told to wait, in one line of the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_joins_is_held_off() {
    let stage = Stage::set().await;
    let token = JoinToken::generate(Fingerprint::from_bytes([1; 32])).unwrap();
    let mut held_off = 0;
    for _ in 0..400 {
        let caller = stranger(&stage).await;
        let binding = caller.binding();
        let told = caller.join(&token, &binding).await;
        held_off += u32::from(told.contains("too many requests"));
    }
    let lines = log::lines_with(&["a join was refused", "too many requests"]);
    assert_eq!(
        lines.len(),
        usize::from(held_off > 0),
        "{held_off}: {lines:?}"
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.stands().await;
}
