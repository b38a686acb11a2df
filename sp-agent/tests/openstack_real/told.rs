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

/// Pages here hold two records, so all of one may well go at once, but not each time.
const AUDITS_MAX: usize = 5;

async fn collect(
    pass: impl AsyncFnOnce(mpsc::Sender<Page>) -> Result<Option<Mark>, CloudError>,
) -> Result<Option<Told>, CloudError> {
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
    Ok(mark?.map(|mark| Told {
        mark,
        records,
        deleted,
        pages,
    }))
}

pub(crate) async fn audit(cloud: &OpenStack, part: Part) -> Told {
    for _ in 0..AUDITS_MAX {
        let pass = async |pages| cloud.audit(part, &pages).await.map(|it| Some(it.mark));
        match collect(pass).await {
            // The records of a whole page went between two pages: it is read anew, as always.
            Err(CloudError::Status { status: 404, .. }) => {}
            told => {
                let told = told.expect("the pass succeeds").unwrap();
                assert!(told.deleted.is_empty(), "an audit does not tell deletions");
                return told;
            }
        }
    }
    panic!("{} vanish from each page", part.name());
}

pub(crate) async fn changes(cloud: &OpenStack, part: Part, since: Mark) -> Option<Told> {
    let told = collect(async |pages| cloud.changes(part, since, &pages).await).await;
    told.expect("the pass succeeds")
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}
