//! Putting how far the directory is applied: the agent's own word, which no audit of the cloud
//! reads or removes.

use shared::ids::FeedId;
use shared::model::{Applying, CloudId, Feed, Key, Recall, Record, RecordKind, Remark, Subject};
use shared::wire::record::{encode, encode_id, encode_key};

use super::Written;
use super::audits::Seen;
use super::error::Fault;
use super::put::Put;

/// The number by which the file names what sweeps these records: theirs alone.
const REMARKS: u8 = 74;

/// How far the directory is applied, and what is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remarks {
    /// The counts.
    pub applying: Applying,
    /// In which life of its feed the hub told the directory by which these were made; `None` where
    /// it told none.
    pub recalled: Option<FeedId>,
    /// Each thing once.
    pub remarks: Vec<Remark>,
    /// Whether what is not among them is as it should be.
    pub is_whole: bool,
    /// Remarks that stay all the same, by their ids: of what nothing is known.
    pub kept: Vec<CloudId>,
}

impl Put<'_> {
    /// Puts all remarks there are.
    pub(super) fn remarks(&mut self, all: &Remarks) -> Result<Written, Fault> {
        let feed = Feed::Organization;
        let mut written = Written::default();
        let mut seen = Seen::default();
        for remark in &all.remarks {
            let record = encode(&Record::Remark(remark.clone()))?;
            seen.saw(&record.id);
            written.changed += u64::from(self.upsert(feed, REMARKS, &record)?);
        }
        let applying = encode(&Record::Applying(all.applying.clone()))?;
        written.changed += u64::from(self.upsert(feed, REMARKS, &applying)?);
        if let Some(feed_told) = all.recalled {
            // Behind what it is about, in the feed too: who has this has that.
            let recall = Recall { feed: feed_told };
            let recall = encode(&Record::Recall(recall))?;
            written.changed += u64::from(self.upsert(feed, REMARKS, &recall)?);
        }
        if all.is_whole {
            for id in &all.kept {
                seen.saw(&encode_id(id)?);
            }
            let (gone, _) = self.missing(RecordKind::Remark, REMARKS, &seen)?;
            written.removed = self.bury_all(RecordKind::Remark, REMARKS, &gone)?.removed;
        } else {
            // What can be read again is told no more, while other kinds can't: by their keys.
            for kind in RecordKind::ALL {
                let key = Key {
                    kind: RecordKind::Remark,
                    id: Subject::Reading(kind).id(),
                };
                let (code, id) = encode_key(&key)?;
                if !seen.has(&id) {
                    written.removed += u64::from(self.bury(feed, code, &id)?);
                }
            }
        }
        Ok(written)
    }
}
