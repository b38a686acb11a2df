//! How a federation begins, is opened, and keeps its own certificate.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::poll;
use shared::keyring;
use shared::model::UnixMillis;
use shared::pki::{JOIN_ALPN, LINK_ALPN};
use shared::runtime::shutdown::Shutdown;

use super::super::*;
use super::kit::*;

fn contents(dir: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|it| it.unwrap());
    entries
        .map(|it| {
            let mode = it.metadata().unwrap().permissions().mode() & 0o777;
            let name = it.file_name().into_string().unwrap();
            (name, (mode, fs::read(it.path()).unwrap()))
        })
        .collect()
}

#[tokio::test]
async fn a_federation_is_made_once_and_never_overwritten() {
    let site = Site::new();
    assert!(matches!(site.open().await, Err(AuthorityError::Unfounded)));
    let founded = site.init().await.unwrap();
    assert_eq!(founded.epoch, 1);
    let made = contents(&site.keys());
    let names: Vec<_> = made.keys().map(String::as_str).collect();
    assert_eq!(names, [CA_FILE, HUB_KEY_FILE, RESET_KEY_FILE]);
    assert!(made.values().all(|(mode, _)| *mode == 0o600));
    assert_eq!(made[RESET_KEY_FILE].1.len(), RESET_KEY_BYTES);

    let again = site.init().await.unwrap_err();
    let federation = founded.federation;
    assert!(
        matches!(again, AuthorityError::Founded { federation: it } if it == federation),
        "{again}"
    );
    assert_eq!(contents(&site.keys()), made);
}

#[tokio::test]
async fn an_opened_federation_is_the_one_that_was_made() {
    let site = Site::new();
    let founded = site.init().await.unwrap();
    let first = site.open().await.unwrap();
    let second = site.open().await.unwrap();
    let facts = first.hub_facts();
    assert_eq!(facts.federation, founded.federation);
    assert_eq!(
        (facts.epoch, facts.path.as_slice()),
        (1, &[founded.hub][..])
    );
    assert_eq!(second.hub_facts(), facts);
    assert_eq!(first.anchor().pin(), founded.pin);
    assert_eq!(first.stateless_reset_key(), second.stateless_reset_key());
    assert_ne!(first.stateless_reset_key(), &[0; RESET_KEY_BYTES]);
    assert_eq!(first.hub_fingerprint(), second.hub_fingerprint());
    let config = first.link_server_config().unwrap();
    assert_eq!(config.alpn_protocols, [LINK_ALPN, JOIN_ALPN]);
}

#[tokio::test]
async fn an_interrupted_founding_is_carried_on() {
    let site = Site::new();
    let begun = Founding {
        federation: shared::ids::FederationId::from_random(4),
        hub: shared::ids::HubId::from_random(5),
        epoch: 1,
        ready: false,
    };
    site.store
        .change(move |it| it.set_founding(&begun))
        .await
        .unwrap();
    assert!(matches!(site.open().await, Err(AuthorityError::Unfinished)));
    // The power went after the CA was written.
    shared::runtime::files::create_private_dir(&site.keys()).unwrap();
    let ca = Ca::create(begun.federation, START.as_secs()).unwrap();
    keyring::create_authority(&site.keys().join(CA_FILE), &ca).unwrap();
    let founded = site.init().await.unwrap();
    assert_eq!(
        (founded.federation, founded.hub),
        (begun.federation, begun.hub)
    );
    assert_eq!(founded.pin, ca.pin());
    site.open().await.unwrap();
}

#[tokio::test]
async fn keys_without_their_database_are_not_taken_for_a_new_federation() {
    let site = Site::new();
    site.init().await.unwrap();
    let before = contents(&site.keys());
    let (store, _) = Store::open(&site.dir.path().join("new.db"), site.clock.clone()).unwrap();
    let orphaned = Authority::init(&site.keys(), &store, &site.clock).await;
    assert!(matches!(orphaned, Err(AuthorityError::Orphaned { .. })));
    let opened = Authority::open(&site.keys(), store.clone(), site.clock.clone(), 3).await;
    let told = opened.err().unwrap().to_string();
    assert!(told.contains("with `idp-hub restore FILE`"), "{told}");
    assert_eq!(contents(&site.keys()), before);

    let other = Authority::init(&site.dir.path().join("other"), &store, &site.clock).await;
    other.unwrap();
    let mixed = Authority::open(&site.keys(), store, site.clock.clone(), 3).await;
    assert!(matches!(mixed, Err(AuthorityError::Mixed { .. })));
}

#[tokio::test]
async fn a_lost_key_is_told_and_not_replaced() {
    let site = Site::new();
    site.init().await.unwrap();
    let path = site.keys().join(HUB_KEY_FILE);
    fs::remove_file(&path).unwrap();
    assert!(matches!(site.open().await, Err(AuthorityError::Keys(_))));
    assert!(!path.exists());
    let path = site.keys().join(RESET_KEY_FILE);
    fs::write(&path, [1; 10]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    keyring::load_or_create_key(&site.keys().join(HUB_KEY_FILE)).unwrap();
    assert!(matches!(
        site.open().await,
        Err(AuthorityError::ResetKeyDamaged { .. })
    ));
}

#[tokio::test]
async fn the_hub_renews_its_own_certificate_at_half_its_life() {
    let hub = Hub::new().await;
    let own = || hub.authority.0.own.current().validity();
    let first = own();
    assert_eq!(first.not_after, START.as_secs() + 24 * 3600);
    let shutdown = Shutdown::new();
    let task = hub.authority.clone().keep_certified(shutdown.clone());
    tokio::pin!(task);
    assert!(poll!(&mut task).is_pending());
    hub.site.hand.advance(10 * HOUR);
    assert!(poll!(&mut task).is_pending());
    assert_eq!(own(), first, "too early");
    hub.site.hand.advance(4 * HOUR);
    assert!(poll!(&mut task).is_pending());
    let second = own();
    assert_eq!(second.not_after, first.not_after + 14 * 3600);
    // An operator sets a clock right that was years ahead: the certificate must not lie ahead too.
    hub.site.hand.set_wall(UnixMillis(START.0 / 2));
    hub.site.hand.advance(Duration::from_secs(60));
    assert!(poll!(&mut task).is_pending());
    assert!(own().contains(START.as_secs() / 2 + 60));
    shutdown.begin();
    task.await;
}
