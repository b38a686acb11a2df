//! Who gets a link, who gets a join, and what the others are told.

use std::time::Duration;

use shared::pki::*;
use shared::transport::*;
use shared::wire::Text;
use shared::wire::frame::{JoinFrame, Refuse};

use super::kit::*;

/// What both sides say of a caller that the hub does not want.
async fn turned_away(listener: &Listener, tls: ClientTls) -> (TransportError, Loss) {
    let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    let caller = async {
        match dialer.dial(listener.address()).await {
            // TLS 1.3: the caller believes that it is in until it hears otherwise.
            Ok(link) => link.closed().await,
            Err(TransportError::Handshake { source, .. }) => source,
            Err(other) => panic!("{other}"),
        }
    };
    let (outcome, loss) = tokio::join!(accept(listener), caller);
    (outcome.unwrap_err(), loss)
}

#[tokio::test]
async fn without_a_certificate_there_is_no_link() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let mut tls = (*recovery_client(&federation.anchors(), &TlsClock::system()).unwrap()).clone();
    tls.alpn_protocols = vec![LINK_ALPN.to_vec()];
    let (error, loss) = turned_away(&listener, tls.into()).await;
    let TransportError::Identity { source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*source, IdentityError::NoCertificate);
    assert!(
        matches!(
            loss,
            Loss::ByPeer {
                code: CloseCode::NoIdentity,
                ..
            }
        ),
        "{loss}"
    );
    assert_eq!(listener.counts(), AdmissionCounts::default());
}

#[tokio::test]
async fn another_federations_certificate_is_no_ticket() {
    let (ours, theirs) = (Federation::new(1), Federation::new(2));
    let listener = ours.listen();
    let own = theirs.member(region(1), Duration::from_secs(3600));
    let tls = link_client(&ours.anchors(), &own, &TlsClock::system()).unwrap();
    let (error, loss) = turned_away(&listener, tls).await;
    assert!(matches!(error, TransportError::Handshake { .. }), "{error}");
    let Loss::Handshake { by_peer: true, .. } = &loss else {
        panic!("{loss}")
    };
    assert!(loss.to_string().contains("another federation"), "{loss}");
}

#[tokio::test]
async fn an_expired_certificate_says_look_at_the_clocks() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let own = federation.member(region(1), Duration::from_secs(60));
    let tls = link_client(&federation.anchors(), &own, &TlsClock::system()).unwrap();
    federation.advance(Duration::from_secs(1200));
    let (error, loss) = turned_away(&listener, tls).await;
    assert!(matches!(error, TransportError::Handshake { .. }), "{error}");
    assert!(loss.to_string().contains("clocks"), "{loss}");
}

#[tokio::test]
async fn an_agent_refuses_another_federations_hub() {
    let (ours, theirs) = (Federation::new(1), Federation::new(2));
    let listener = theirs.listen();
    let dialer = ours.dialer(1);
    let (hub, agent) = tokio::join!(accept(&listener), dialer.dial(listener.address()));
    assert!(hub.is_err());
    let TransportError::Handshake { source, .. } = agent.unwrap_err() else {
        panic!()
    };
    assert!(
        matches!(source, Loss::Handshake { by_peer: false, .. }),
        "{source}"
    );
    assert!(
        source.to_string().contains("another federation"),
        "{source}"
    );
}

#[tokio::test]
async fn a_ca_change_holds_for_handshakes_to_come() {
    let (old, new) = (Federation::new(1), Federation::new(1));
    let link = old.link().await;
    let both = old.anchors().with(new.authority.anchor().clone()).unwrap();
    let own = new.member(HUB, Duration::from_secs(3600));
    let tls = link_server(&both, &own, &new.clock()).unwrap();
    link.listener.replace_tls(tls).unwrap();

    let moved = new.dialer(2);
    let (hub, _agent) = meet(&link.listener, moved.dial(link.listener.address())).await;
    assert_eq!(hub.identity().peer(), region(2));
    // The hub shows the new CA's certificate, which an agent of the old one does not know yet.
    let (_, late) = tokio::join!(
        accept(&link.listener),
        link.dialer.dial(link.listener.address())
    );
    assert!(late.is_err());
    let own = old.member(region(1), Duration::from_secs(3600));
    link.dialer
        .replace_tls(link_client(&both, &own, &TlsClock::system()).unwrap())
        .unwrap();
    meet(&link.listener, link.dialer.dial(link.listener.address())).await;
    assert_eq!(link.hub.loss(), None, "what stands is not touched");
}

#[tokio::test]
async fn a_join_is_bound_to_its_connection() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let pin = federation.authority.pin();
    let tls = join_client(pin, &TlsClock::system()).unwrap();
    let dialer = Dialer::new(tls, DialOptions::default()).unwrap();
    let key = BoundKey::generate().unwrap();
    let answer = JoinFrame::Refuse(Refuse {
        code: 5,
        reason: Text::cut("try another day"),
        retry_after_ms: 1,
    });
    let mut answered = Vec::new();
    answer.encode(&mut answered).unwrap();

    let joiner = async {
        let join = dialer.dial_join(listener.address()).await.unwrap();
        assert_eq!(join.hub().peer(), HUB);
        assert_eq!(
            &join.authority(&pin).unwrap(),
            federation.authority.anchor()
        );
        assert!(join.authority(&Federation::new(1).authority.pin()).is_err());
        let proof = key.prove(Purpose::Join, &join.binding().unwrap()).unwrap();
        join.exchange(raw(48, &proof)).await.unwrap()
    };
    let hub = async {
        let Accepted::Join(call) = accept(&listener).await.unwrap() else {
            panic!("a link")
        };
        assert_eq!(listener.counts().joins, 1);
        let binding = call.binding().unwrap();
        let (request, place) = call.request().await.unwrap();
        let public = key.public_key();
        assert_eq!(
            public.check_proof(Purpose::Join, &binding, &request.payload),
            Ok(())
        );
        place.send(answered.clone()).await.unwrap();
    };
    let (frame, ()) = tokio::join!(joiner, hub);
    assert_eq!(
        JoinFrame::decode(frame.kind, &frame.payload).unwrap(),
        Some(answer)
    );
    assert_eq!(listener.counts().joins, 0);
}

#[tokio::test]
async fn a_dialer_dials_only_what_its_configuration_is_for() {
    let federation = Federation::new(1);
    let listener = federation.listen();
    let dialer = federation.dialer(1);
    let (_, joined) = tokio::join!(accept(&listener), dialer.dial_join(listener.address()));
    assert!(matches!(joined, Err(TransportError::Protocol { .. })));
    let name = listener.address().to_string();
    let (hub, agent) = tokio::join!(accept(&listener), dialer.dial_host(&name));
    assert!(matches!(hub, Ok(Accepted::Link(_))));
    agent.unwrap();
}
