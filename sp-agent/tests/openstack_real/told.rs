//! What a pass told, as a test asks about it.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{CloudId, Key, Record, RecordKind};
use sp_agent::cloud::openstack::OpenStack;
use sp_agent::cloud::{Cloud, CloudError, Mark, Page, Part};
use tokio::sync::mpsc;

/// What a pass told.
pub(crate) struct Told {
    pub(crate) mark: Mark,
    pub(crate) records: BTreeMap<Key, Record>,
    pub(crate) deleted: Vec<Key>,
    pub(crate) pages: usize,
}

impl Told {
    pub(crate) fn get(&self, kind: RecordKind, id: &str) -> Option<&Record> {
        self.records.get(&key(kind, id))
    }
}

pub(crate) fn key(kind: RecordKind, id: &str) -> Key {
    let id = CloudId::new(id);
    Key { kind, id }
}

async fn collect(
    pass: impl AsyncFnOnce(mpsc::Sender<Page>) -> Result<Option<Mark>, CloudError>,
) -> Option<Told> {
    let (sender, mut receiver) = mpsc::channel::<Page>(1);
    let gather = async {
        let mut told = (BTreeMap::new(), Vec::new(), 0);
        while let Some(page) = receiver.recv().await {
            told.0
                .extend(page.records.into_iter().map(|it| (it.key(), it)));
            told.1.extend(page.deleted);
            told.2 += 1;
        }
        told
    };
    let (mark, (records, deleted, pages)) = tokio::join!(pass(sender), gather);
    let mark = mark.expect("the pass succeeds")?;
    Some(Told {
        mark,
        records,
        deleted,
        pages,
    })
}

pub(crate) async fn audit(cloud: &OpenStack, part: Part) -> Told {
    let told = collect(async |pages| cloud.audit(part, &pages).await.map(|it| Some(it.mark))).await;
    let told = told.unwrap();
    assert!(told.deleted.is_empty(), "an audit does not tell deletions");
    told
}

pub(crate) async fn changes(cloud: &OpenStack, part: Part, since: Mark) -> Option<Told> {
    collect(async |pages| cloud.changes(part, since, &pages).await).await
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}
