//! The chain over the entries: how it grows, and how it is checked.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

use super::Entry;
use crate::model::UnixMillis;

/// SHA-256 (FIPS 180-4) over the link before, the entry's number (8 bytes, little-endian) and its
/// bytes. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; 32]);

impl Link {
    /// As it stood in a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it goes into a store.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({self})")
    }
}

/// A place in the chain: the entry with this number, and its link. Whoever holds a head holds all
/// that came before it to what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The entry's number, from 1; 0 before the first.
    pub number: u64,
    /// Its link.
    pub link: Link,
}

impl Head {
    /// Before the first entry.
    pub const BEGIN: Self = Self {
        number: 0,
        link: Link([0; 32]),
    };

    /// The head with one more entry, of these bytes.
    #[must_use]
    pub fn then(self, bytes: &[u8]) -> Self {
        let number = self.number.saturating_add(1);
        let mut hashed = Context::new(&SHA256);
        hashed.update(&self.link.0);
        hashed.update(&number.to_le_bytes());
        hashed.update(bytes);
        let mut link = [0; 32];
        // A SHA-256 digest has 32 bytes, so `zip` drops none.
        for (to, from) in link.iter_mut().zip(hashed.finish().as_ref()) {
            *to = *from;
        }
        let link = Link(link);
        Self { number, link }
    }

    /// As it goes into a store: the number, little-endian, and the link.
    pub fn to_bytes(self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let parts = self.number.to_le_bytes().into_iter().chain(self.link.0);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// As it stood in a store.
    pub fn from_bytes(bytes: [u8; 40]) -> Self {
        let (number, link) = bytes.split_first_chunk().unwrap_or((&[0; 8], &[]));
        Self {
            number: u64::from_le_bytes(*number),
            link: Link(link.try_into().unwrap_or([0; 32])),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.link)
    }
}

/// What is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write an entry's number and its link, such as 17:9f86d08…, with all 64 digits of the link"
)]
pub struct NoHead;

/// `NUMBER:LINK`, or as it is shown: `NUMBER, LINK`.
impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (number, link) = text.split_once([':', ',', ' ']).ok_or(NoHead)?;
        let number = number.trim().parse().map_err(|_| NoHead)?;
        let link = HEXLOWER_PERMISSIVE.decode(link.trim().as_bytes());
        let link = link.map_err(|_| NoHead)?.try_into().map_err(|_| NoHead)?;
        let link = Link(link);
        Ok(Self { number, link })
    }
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not there.
    #[error("it is missing: entry {found} comes next")]
    Missing {
        /// The one that stands in its place.
        found: u64,
    },
    /// It stands where another one should.
    #[error("it stands where entry {expected} should")]
    Misplaced {
        /// Which should.
        expected: u64,
    },
    /// It, or its link, is not what was written.
    #[error("it does not fit the entries before it: it was changed, or one of them was")]
    Changed,
    /// It is what was written, and can't be read.
    #[error("it can't be read ({0}); a later release may have written it")]
    Unreadable(String),
    /// It, and what follows up to the newest, is missing.
    #[error("it and all that follow, up to entry {newest}, are missing")]
    Cut {
        /// The newest, by what is noted.
        newest: u64,
    },
    /// It stands behind the newest.
    #[error("it stands behind entry {newest}, which is the newest by what is noted")]
    Beyond {
        /// The newest, by what is noted.
        newest: u64,
    },
    /// All fits, and it is not what somebody wrote down: entries were written anew.
    #[error(
        "its link is not the one that was written down: it, or one before it, was written anew"
    )]
    Rewritten,
    /// It is the newest, and not the one that is noted.
    #[error("it is the newest, and its link is not the one that is noted")]
    OtherHead,
}

/// The first entry of a chain that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {number} is broken: {fault}")]
pub struct Broken {
    /// Its number.
    pub number: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What a chain that holds is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were checked.
    pub entries: u64,
    /// Where the chain begins: the last entry that is no longer kept.
    pub begin: Head,
    /// When the first of them was written.
    pub first: Option<UnixMillis>,
    /// When the last of them was written.
    pub last: Option<UnixMillis>,
    /// Where it ends.
    pub head: Head,
    /// Whether it has the entry that somebody wrote down, as he did: where one was given and is
    /// not here, it is older than what is kept.
    pub has_witness: bool,
}

impl Verified {
    /// What the entry that somebody wrote down shows, for people.
    pub fn said_of(&self, witness: Option<Head>) -> String {
        match witness {
            None => "That none was cut off or written anew, only a newest entry can show that was \
                     written down before: the log has one of each day; see --head."
                .to_owned(),
            Some(it) if self.has_witness => {
                format!("Entry {} is the one that was written down.", it.number)
            }
            Some(it) => format!(
                "NOT COMPARED: entry {} is no longer kept. Give a later one that was written down.",
                it.number
            ),
        }
    }
}

/// Checks a chain, entry by entry.
#[derive(Debug)]
pub struct Verifier {
    so_far: Verified,
    witness: Option<Head>,
}

impl Verifier {
    /// Nothing is checked yet. `begin` is the last entry that is no longer kept. `witness` is one
    /// that somebody wrote down before: whoever may write the store can make a chain that fits
    /// anew, but not one that has this.
    pub fn new(begin: Head, witness: Option<Head>) -> Self {
        let so_far = Verified {
            entries: 0,
            begin,
            first: None,
            last: None,
            head: begin,
            has_witness: false,
        };
        Self { so_far, witness }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// If it is not the one that follows.
    pub fn take(&mut self, number: u64, bytes: &[u8], link: Link) -> Result<(), Broken> {
        let it = &mut self.so_far;
        let next = it.head.then(bytes);
        let expected = next.number;
        let broken = |number, fault| Err(Broken { number, fault });
        if number > expected {
            return broken(expected, Fault::Missing { found: number });
        }
        if number < expected {
            return broken(number, Fault::Misplaced { expected });
        }
        if link != next.link {
            return broken(number, Fault::Changed);
        }
        if let Some(witness) = self.witness.filter(|it| it.number == number) {
            if witness.link != link {
                return broken(number, Fault::Rewritten);
            }
            it.has_witness = true;
        }
        let at = match Entry::decode(bytes) {
            Ok(entry) => entry.at,
            Err(error) => return broken(number, Fault::Unreadable(error.to_string())),
        };
        it.entries = it.entries.saturating_add(1);
        it.first = it.first.or(Some(at));
        it.last = Some(at);
        it.head = next;
        Ok(())
    }

    /// All entries were taken. `head` is the newest, by what is noted.
    ///
    /// # Errors
    /// If the last that was taken is another one.
    pub fn finish(self, head: Head) -> Result<Verified, Broken> {
        let (last, begin) = (self.so_far.head, self.so_far.begin);
        let noted = self.witness.map_or(0, |it| it.number);
        let newest = head.number.max(noted);
        if self
            .witness
            .is_some_and(|it| it.number == begin.number && it != begin)
        {
            let (number, fault) = (begin.number, Fault::Rewritten);
            return Err(Broken { number, fault });
        }
        let (number, fault) = match last.number {
            number if number < newest => (number.saturating_add(1), Fault::Cut { newest }),
            number if number > newest => (number, Fault::Beyond { newest }),
            number if last.link != head.link => (number, Fault::OtherHead),
            _ => return Ok(self.so_far),
        };
        Err(Broken { number, fault })
    }
}

/// Checks a whole chain: from where it begins, its entries with their numbers and links, its noted
/// head, and an entry that somebody wrote down before.
///
/// # Errors
/// The first entry that is not as it was written.
pub fn verify<'a>(
    (begin, head): (Head, Head),
    entries: impl IntoIterator<Item = (u64, &'a [u8], Link)>,
    witness: Option<Head>,
) -> Result<Verified, Broken> {
    let mut verifier = Verifier::new(begin, witness);
    for (number, bytes, link) in entries {
        verifier.take(number, bytes, link)?;
    }
    verifier.finish(head)
}
