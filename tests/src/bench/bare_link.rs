//! The link alone: the hub's own transport and greeting, with no store, session or fleet behind it.
//! What it takes is QUIC's and TLS's, so that the rest of a hub can be told from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use idp_hub::authority::Authority;
use idp_hub::store::Store;
use idp_hub::tasks::database;
use shared::link::hub::{Effect, HubFacts, HubSession, Input};
use shared::runtime::clock::Clock;
use shared::transport::{
    Accepted, FrameReader, FrameWriter, LinkConnection, ListenOptions, Listener, ResetKey,
};
use shared::wire::frame::{Control, Standing};

use super::fleet::hub_dir;

/// Serves the federation in `dir` until the process is ended.
pub async fn serve(dir: &Path, port: u16) {
    let (hub, clock) = (hub_dir(dir), Clock::system());
    let (store, _writer) = Store::open(&database(&hub), clock.clone()).unwrap();
    let authority = Authority::open(&hub, store, clock, 20_000).await.unwrap();
    let options = ListenOptions::new(ResetKey::from_bytes(*authority.stateless_reset_key()));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let tls = authority.link_server_config().unwrap();
    let listener = Listener::bind(address, tls, &options).unwrap();
    let facts = Arc::new(authority.hub_facts());
    println!("READY {}", listener.address());
    while let Some(arrival) = listener.accept().await {
        let facts = Arc::clone(&facts);
        tokio::spawn(async move {
            // Boxed, so that what a handshake needs is not held while the connection lives.
            if let Ok(Accepted::Link(link)) = Box::pin(arrival.handshake()).await {
                let (_writer, mut reader) = Box::pin(greet(&facts, &link)).await;
                while let Ok(Some(_)) = reader.next().await {}
            }
        });
    }
}

/// Takes any member's `Hello`.
async fn greet(facts: &HubFacts, link: &LinkConnection) -> (FrameWriter, FrameReader) {
    let now = Clock::system().now();
    let (mut session, _) = HubSession::new(facts.clone(), now);
    let (mut writer, mut reader) = link.control().await.unwrap();
    let frame = reader.next().await.unwrap().unwrap();
    let hello = Control::decode(frame.kind, &frame.payload)
        .unwrap()
        .unwrap();
    session.handle(now, Input::Frame(hello));
    let known = Input::Registered {
        standing: Standing::Accepted,
        cursors: Vec::new(),
        name: String::new(),
    };
    for effect in session.handle(now, known) {
        if let Effect::Send(welcome) = effect {
            let mut bytes = Vec::new();
            welcome.encode(&mut bytes).unwrap();
            writer.write(bytes).await.unwrap();
        }
    }
    (writer, reader)
}
