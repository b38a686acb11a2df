//! The audit trail in documents.

use serde::{Deserialize, Serialize};
use shared::audit::{Broken, Head, Verified};
use utoipa::ToSchema;

use crate::api::documents::Time;
use crate::store::audit::Numbered;

/// What to do about a trail that is broken.
const BROKEN_NEXT: &str = "Somebody, or a failing disk, was at the database. Keep a copy of it \
    (`idp-hub backup FILE`), check older backups (`idp-hub audit verify --file BACKUP`) and \
    compare with the heads in the log (`journalctl -u idp-hub | grep audit`): what they agree on \
    holds.";

/// A place in the chain: whoever wrote it down can tell later whether the entries up to it are
/// still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHeadDocument {
    /// The entry's number; 0 before the first.
    pub number: u64,
    /// SHA-256 over the link before, the number and the entry: 64 hexadecimal digits.
    pub link: String,
}

impl From<Head> for AuditHeadDocument {
    fn from(head: Head) -> Self {
        Self {
            number: head.number,
            link: head.link.to_string(),
        }
    }
}

/// What something was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditSubjectDocument {
    /// What kind of thing: `user`, `region` and so on.
    pub kind: String,
    /// Its id; empty where it has none.
    pub id: String,
    /// What it was called before.
    pub name: String,
}

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntryDocument {
    /// Its place in the chain.
    pub number: u64,
    /// When, by the hub's clock; absent where the entry can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The federation's epoch then.
    pub epoch: u64,
    /// Who did it.
    pub who: String,
    /// Where it was asked from: an address, or `local socket`.
    pub source: String,
    /// What was done: `create`, `edit`, `end`, `link`, `unlink`, `merge`, `invite`, `accept`,
    /// `sign-in` and so on.
    pub action: String,
    /// To what.
    pub subject: AuditSubjectDocument,
    /// What of it changed, as it was; empty where that does not apply.
    pub before: String,
    /// The same, as it is from then on.
    pub after: String,
    /// `done`, or why not.
    pub outcome: String,
}

impl From<Numbered> for AuditEntryDocument {
    fn from(numbered: Numbered) -> Self {
        let number = numbered.number;
        let Some(entry) = numbered.entry else {
            return Self {
                number,
                outcome: "this entry can't be read".to_owned(),
                ..Self::default()
            };
        };
        let act = entry.act;
        Self {
            number,
            at: Some(entry.at.into()),
            epoch: entry.epoch,
            who: act.by.who,
            source: act.by.source,
            action: act.action,
            subject: AuditSubjectDocument {
                kind: act.subject.kind,
                id: act.subject.id,
                name: act.subject.name,
            },
            before: act.before,
            after: act.after,
            outcome: act.outcome,
        }
    }
}

/// Some entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditDocument {
    /// The newest first.
    pub items: Vec<AuditEntryDocument>,
    /// What to ask for the next page with, as `after`; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The newest entry of all.
    pub head: AuditHeadDocument,
}

/// The first entry of the trail that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenDocument {
    /// Its number.
    pub number: u64,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub next_step: String,
}

/// What a check of the whole trail found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedDocument {
    /// Whether every entry is as it was written.
    pub intact: bool,
    /// How many entries were checked; absent, as all that follows, where the trail is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// When the first of them was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Time>,
    /// When the last of them was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// The last entry that is no longer kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin: Option<AuditHeadDocument>,
    /// The newest entry. Nothing here can tell that later ones were cut off, or all written anew:
    /// ask again with a head that was written down before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<AuditHeadDocument>,
    /// Whether the entry that was asked about is there as it was written down; `false` where it is
    /// no longer kept, and absent where none was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_head: Option<bool>,
    /// What that shows, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shows: Option<String>,
    /// The first broken entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<BrokenDocument>,
}

impl VerifiedDocument {
    /// What was found, held against an entry that somebody wrote down.
    pub fn new(found: Result<Verified, Broken>, witness: Option<Head>) -> Self {
        match found {
            Ok(it) => Self {
                intact: true,
                entries: Some(it.entries),
                first: it.first.map(Into::into),
                last: it.last.map(Into::into),
                begin: Some(it.begin.into()),
                head: Some(it.head.into()),
                has_head: witness.map(|_| it.has_witness),
                shows: Some(it.said_of(witness)),
                broken: None,
            },
            Err(broken) => Self {
                broken: Some(BrokenDocument {
                    number: broken.number,
                    what: broken.fault.to_string(),
                    next_step: BROKEN_NEXT.to_owned(),
                }),
                ..Self::default()
            },
        }
    }
}
