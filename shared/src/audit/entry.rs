//! One entry, and its bytes.

use serde::{Deserialize, Serialize};

use crate::model::UnixMillis;
use crate::wire::Text;
use crate::wire::codec::{self, DecodeError, EncodeError};

/// The most bytes of an encoded entry: a million of them are 4 GiB at worst, and a page of a list
/// is 4 MB.
pub const ENTRY_BYTES_MAX: usize = 4096;

/// The version of the bytes, which is the first of them.
const VERSION: u8 = 1;

/// Bytes of each text at most. Together with the numbers they stay below [`ENTRY_BYTES_MAX`].
/// An account of a cloud, in a name that an administrator can tell apart.
const WHO_MAX: usize = 256;
/// An IPv6 address with its port and zone, or a few words.
const SOURCE_MAX: usize = 128;
/// A word.
const WORD_MAX: usize = 32;
/// The ids of an assignment's three ends.
const ID_MAX: usize = 384;
/// Keystone's longest name, of 255 characters, where they are of one byte.
pub(super) const NAME_MAX: usize = 288;
/// A thing's fields, unless somebody wrote a long description.
const FIELDS_MAX: usize = 1152;
/// An error's sentence.
const OUTCOME_MAX: usize = 384;

/// Room for what stands in the place of what was cut.
const CUT_MARK_MAX: usize = 40;

/// The outcome of what went well.
pub const DONE: &str = "done";

/// On whose behalf something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The account, or the daemon that decided by itself.
    pub who: String,
    /// Where the request came from: an address, or a way in such as `local socket`.
    pub source: String,
}

impl By {
    /// Somebody, from somewhere.
    pub fn new(who: impl Into<String>, source: impl Into<String>) -> Self {
        let (who, source) = (who.into(), source.into());
        Self { who, source }
    }
}

/// What something was done to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing, such as `user` or `region`.
    pub kind: String,
    /// Its id; empty where it has none.
    pub id: String,
    /// What it was called before.
    pub name: String,
}

/// What was done. It holds no secret: whoever makes one leaves passwords and tokens out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// On whose behalf.
    pub by: By,
    /// A word for what was done, such as `edit` or `sign-in`.
    pub action: String,
    /// To what.
    pub subject: Subject,
    /// What of it changed, as it was before.
    pub before: String,
    /// The same, as it is from then on.
    pub after: String,
    /// [`DONE`], or why not.
    pub outcome: String,
}

impl Act {
    /// Something that went well, and as yet has no subject.
    pub fn new(by: By, action: &str) -> Self {
        Self {
            by,
            action: action.to_owned(),
            subject: Subject::default(),
            before: String::new(),
            after: String::new(),
            outcome: DONE.to_owned(),
        }
    }

    /// Done to this.
    #[must_use]
    pub fn on(mut self, kind: &str, id: impl ToString, name: impl Into<String>) -> Self {
        self.subject = Subject {
            kind: kind.to_owned(),
            id: id.to_string(),
            name: name.into(),
        };
        self
    }

    /// What changed.
    #[must_use]
    pub fn changing(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        (self.before, self.after) = (before.into(), after.into());
        self
    }

    /// What came of it, where it is not [`DONE`].
    #[must_use]
    pub fn with_outcome(mut self, outcome: impl Into<String>) -> Self {
        self.outcome = outcome.into();
        self
    }
}

/// An act as the trail has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, by the daemon's wall clock: the order is the numbers', as a clock may go back.
    pub at: UnixMillis,
    /// The federation's epoch then; 0 where there was none.
    pub epoch: u64,
    /// What was done.
    pub act: Act,
}

#[derive(Serialize, Deserialize)]
struct EntryV1<'a> {
    at_ms: u64,
    epoch: u64,
    #[serde(borrow)]
    who: Text<'a, WHO_MAX>,
    source: Text<'a, SOURCE_MAX>,
    action: Text<'a, WORD_MAX>,
    kind: Text<'a, WORD_MAX>,
    id: Text<'a, ID_MAX>,
    name: Text<'a, NAME_MAX>,
    before: Text<'a, FIELDS_MAX>,
    after: Text<'a, FIELDS_MAX>,
    outcome: Text<'a, OUTCOME_MAX>,
}

impl Entry {
    /// The bytes that are kept, and that the chain is over: at most [`ENTRY_BYTES_MAX`]. A text
    /// that is longer than its cap is cut, and says so.
    ///
    /// # Errors
    /// Never, unless by our own mistake: every text is capped.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let Self { at, epoch, act } = self;
        let entry = EntryV1 {
            at_ms: at.0,
            epoch: *epoch,
            who: cut(&act.by.who),
            source: cut(&act.by.source),
            action: cut(&act.action),
            kind: cut(&act.subject.kind),
            id: cut(&act.subject.id),
            name: cut(&act.subject.name),
            before: cut(&act.before),
            after: cut(&act.after),
            outcome: cut(&act.outcome),
        };
        let mut bytes = vec![VERSION];
        codec::encode_into(&entry, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads an entry's bytes.
    ///
    /// # Errors
    /// If a later release wrote them, or they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Some((&VERSION, bytes)) = bytes.split_first() else {
            let what = "the version of an audit entry";
            return Err(DecodeError::OutOfRange { what });
        };
        let entry: EntryV1<'_> = codec::decode(bytes)?;
        Ok(Self {
            at: UnixMillis(entry.at_ms),
            epoch: entry.epoch,
            act: Act {
                by: By::new(entry.who.into_string(), entry.source.into_string()),
                action: entry.action.into_string(),
                subject: Subject {
                    kind: entry.kind.into_string(),
                    id: entry.id.into_string(),
                    name: entry.name.into_string(),
                },
                before: entry.before.into_string(),
                after: entry.after.into_string(),
                outcome: entry.outcome.into_string(),
            },
        })
    }
}

/// The text, or its beginning and a word on how long it was.
fn cut<const MAX: usize>(text: &str) -> Text<'_, MAX> {
    if text.len() <= MAX {
        return Text::cut(text);
    }
    let mark = format!("…[cut, of {} bytes]", text.len());
    if MAX <= CUT_MARK_MAX {
        return Text::cut(text);
    }
    let kept = text.floor_char_boundary(MAX - CUT_MARK_MAX);
    let kept = text.get(..kept).unwrap_or_default();
    Text::cut_owned(format!("{kept}{mark}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(length: usize) -> Entry {
        let text = "名".repeat(length);
        let by = By::new(text.clone(), text.clone());
        let act = Act::new(by, &text).on(&text, &text, text.clone());
        Entry {
            at: UnixMillis(u64::MAX),
            epoch: u64::MAX,
            act: act.changing(text.clone(), text.clone()).with_outcome(text),
        }
    }

    #[test]
    fn an_entry_reads_what_it_writes() {
        let by = By::new("alice", "192.0.2.7");
        let act = Act::new(by, "edit").on("user", 7, "carol");
        let act = act.changing("enabled=true", "enabled=false");
        let entry = Entry {
            at: UnixMillis(1_795_284_000_000),
            epoch: 3,
            act,
        };
        let bytes = entry.encode().unwrap();
        assert_eq!(Entry::decode(&bytes).unwrap(), entry);
        for wrong in [&[][..], &[2, 0, 0], &bytes[..bytes.len() - 1]] {
            assert!(Entry::decode(wrong).is_err());
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let bytes = long(100_000).encode().unwrap();
        assert!(bytes.len() <= ENTRY_BYTES_MAX, "{}", bytes.len());
        let read = Entry::decode(&bytes).unwrap().act;
        for text in [&read.before, &read.after, &read.by.who, &read.subject.name] {
            assert!(text.ends_with("…[cut, of 300000 bytes]"), "{text}");
            assert!(text.starts_with("名名名"), "{text}");
        }
        let bytes = long(10).encode().unwrap();
        let read = Entry::decode(&bytes).unwrap().act;
        assert_eq!(read.before, "名".repeat(10));
    }
}
