//! What users see, on a real store.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shared::ids::{FederationId, HubId};
use shared::model::{Department, ObjectKind, User};
use shared::runtime::clock::Clock;
use tempfile::TempDir;

use super::*;
use crate::directory::Edit;
use crate::store::Founding;

/// Askers at once: twice as many as there are readers.
const ASKERS: usize = 16;

const OPS: ObjectId = ObjectId::from_bytes([1; 16]);
const ANN: ObjectId = ObjectId::from_bytes([2; 16]);

struct Stage {
    seen: Arc<Seen>,
    store: Store,
    folder: TempDir,
}

impl Stage {
    /// With `ann` of `ops`.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&folder.path().join("hub.db"), Clock::system()).unwrap();
        let founding = Founding {
            federation: FederationId::from_bytes([7; 16]),
            hub: HubId::from_random(1),
            epoch: 3,
            ready: true,
        };
        let founded = store.change(move |it| it.set_founding(&founding));
        founded.await.unwrap();
        let stage = Self {
            seen: Arc::default(),
            store,
            folder,
        };
        stage
            .makes(OPS, Object::Department(department("ops")))
            .await;
        let ann = User {
            department: OPS,
            name: "ann".to_owned(),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        };
        stage.makes(ANN, Object::User(ann)).await;
        stage
    }

    async fn makes(&self, id: ObjectId, object: Object<ObjectId>) {
        let edit = Edit::Create { id, object };
        let made = self.store.change(move |it| it.edit(edit, "boss"));
        made.await.unwrap();
    }

    /// How many of these departments Ann sees.
    async fn count(&self) -> Result<usize, StoreError> {
        let asker = Asker::User(ANN);
        let counted = self.seen.read(&self.store, asker, |it, sight| {
            let page = it.objects_seen(ObjectKind::Department, (&[], 10), |id, object| {
                sight.sees_object(id, object)
            })?;
            Ok(page.items.len())
        });
        counted.await
    }
}

fn department(name: &str) -> Department {
    Department {
        name: name.to_owned(),
        description: None,
        enabled: true,
    }
}

#[tokio::test]
async fn whoever_waits_for_the_directory_to_be_read_holds_no_reader() {
    let stage = Stage::new().await;
    // Somebody reads it, and that takes a while.
    let turn = Arc::clone(&stage.seen.turn).acquire_owned().await.unwrap();
    let mut waiting: FuturesUnordered<_> = (0..ASKERS).map(|_| stage.count()).collect();
    let waited = tokio::time::timeout(Duration::from_millis(300), waiting.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    let other = stage.store.read(|it| it.directory_head());
    let other = tokio::time::timeout(Duration::from_secs(20), other).await;
    assert!(other.unwrap().unwrap() > 0, "others are answered meanwhile");
    drop(turn);
    while let Some(count) = waiting.next().await {
        assert_eq!(count.unwrap(), 1);
    }
}

#[tokio::test]
async fn it_is_read_once_and_anew_when_it_has_changed() {
    let stage = Stage::new().await;
    let all = futures_util::future::join_all((0..ASKERS).map(|_| stage.count())).await;
    assert!(all.into_iter().all(|it| it.unwrap() == 1));
    let first = stage.seen.held().clone().unwrap();
    assert_eq!(stage.count().await.unwrap(), 1);
    assert!(Arc::ptr_eq(&first.1, &stage.seen.held().clone().unwrap().1));
    let lab = ObjectId::from_bytes([3; 16]);
    stage
        .makes(lab, Object::Department(department("lab")))
        .await;
    assert_eq!(stage.count().await.unwrap(), 1, "not his own");
    let second = stage.seen.held().clone().unwrap();
    assert!(second.0 > first.0 && second.1.has(ObjectKind::Department, lab));
    // Whoever is switched off sees nothing from then on.
    let off = Edit::Update {
        kind: ObjectKind::User,
        id: ANN,
        patch: crate::directory::Patch {
            enabled: Some(false),
            ..Default::default()
        },
    };
    stage
        .store
        .change(move |it| it.edit(off, "boss"))
        .await
        .unwrap();
    assert!(stage.count().await.is_err());
    drop(stage.folder);
}
