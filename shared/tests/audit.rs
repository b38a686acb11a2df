//! Whatever single thing is done to a stored chain of audit entries is found.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

use proptest::prelude::*;
use shared::audit::{Act, Broken, By, Entry, Fault, Head, Link, NoHead, Verified, verify};
use shared::model::UnixMillis;

/// A row as a store has it.
type Row = (u64, Vec<u8>, Link);

#[derive(Debug, Clone)]
struct Chain {
    begin: Head,
    rows: Vec<Row>,
    head: Head,
}

impl Chain {
    fn new(texts: &[String], dropped: usize) -> Self {
        let (mut head, mut begin, mut rows) = (Head::BEGIN, Head::BEGIN, Vec::new());
        for (place, text) in texts.iter().enumerate() {
            let by = By::new("alice", "192.0.2.7");
            let act = Act::new(by, "edit").on("user", place, text.clone());
            let entry = Entry {
                at: UnixMillis(1_795_284_000_000 + place as u64),
                epoch: 1,
                act: act.changing("enabled=true", text.clone()),
            };
            let bytes = entry.encode().unwrap();
            head = head.then(&bytes);
            if place < dropped {
                begin = head;
            } else {
                rows.push((head.number, bytes, head.link));
            }
        }
        Self { begin, rows, head }
    }

    fn verify(&self) -> Result<Verified, Broken> {
        self.verify_against(None)
    }

    fn verify_against(&self, witness: Option<Head>) -> Result<Verified, Broken> {
        let rows = self
            .rows
            .iter()
            .map(|(no, bytes, link)| (*no, &bytes[..], *link));
        verify((self.begin, self.head), rows, witness)
    }
}

/// A chain of 3 to 12 entries, of which the first ones are no longer kept.
fn chains() -> impl Strategy<Value = Chain> {
    let texts = prop::collection::vec(".{0,40}", 3..12);
    (texts, 0..2usize).prop_map(|(texts, dropped)| Chain::new(&texts, dropped))
}

proptest! {
    #[test]
    fn a_chain_that_nobody_touched_holds(chain in chains()) {
        let verified = chain.verify().unwrap();
        prop_assert_eq!(verified.entries, chain.rows.len() as u64);
        prop_assert_eq!((verified.begin, verified.head), (chain.begin, chain.head));
        prop_assert_eq!(Head::from_bytes(chain.head.to_bytes()), chain.head);
    }

    #[test]
    fn what_was_written_down_is_still_there_or_that_it_was_written_anew_is_found(
        chain in chains(), texts in prop::collection::vec(".{0,40}", 3..12),
        at in any::<prop::sample::Index>(),
    ) {
        let (number, _, link) = chain.rows[at.index(chain.rows.len())];
        let witness = Some(Head { number, link });
        prop_assert!(chain.verify_against(witness).unwrap().has_witness);
        // Whoever may write the store makes one that fits: shorter, longer, or of other entries.
        let other = Chain::new(&texts, 0);
        prop_assume!(other.rows.iter().all(|it| it.2 != link));
        prop_assert!(other.verify().is_ok());
        let fault = match number <= other.head.number {
            true => Fault::Rewritten,
            false => Fault::Cut { newest: number },
        };
        prop_assert_eq!(other.verify_against(witness).unwrap_err().fault, fault);
    }

    #[test]
    fn what_is_older_than_the_chain_is_not_compared(chain in chains()) {
        prop_assume!(chain.begin.number > 0);
        // Whoever may write the store says where it begins.
        for too_old in [Head::BEGIN, chain.begin] {
            let found = chain.verify_against(Some(too_old)).unwrap();
            prop_assert!(!found.has_witness);
            prop_assert!(found.said_of(Some(too_old)).starts_with("NOT COMPARED: entry"));
        }
        let other = Link::from_bytes([7; 32]);
        let forged = Head { link: other, ..chain.begin };
        prop_assert_eq!(chain.verify_against(Some(forged)).unwrap_err().fault, Fault::Rewritten);
    }

    #[test]
    fn a_head_is_read_as_it_is_shown_and_nothing_else_is(number in any::<u64>(), link in any::<[u8; 32]>()) {
        let head = Head { number, link: Link::from_bytes(link) };
        for text in [
            head.to_string(),
            format!("{number}:{}", head.link),
            format!("{number}, {}", head.link),
        ] {
            prop_assert_eq!(text.parse(), Ok(head));
        }
        let cut = format!("{number}:{}", &head.link.to_string()[..63]);
        for text in [cut.as_str(), "", ":", "7", "x:00", "-1:00"] {
            prop_assert_eq!(text.parse::<Head>(), Err(NoHead));
        }
    }

    #[test]
    fn a_changed_byte_is_found_where_it_is(
        chain in chains(), at in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(),
        to in 1..=255u8, what in 0..2,
    ) {
        let mut chain = chain;
        let place = at.index(chain.rows.len());
        let row = &mut chain.rows[place];
        let number = row.0;
        match what {
            0 => {
                let byte = byte.index(row.1.len());
                row.1[byte] ^= to;
            }
            _ => {
                let mut link = row.2.to_bytes();
                link[byte.index(32)] ^= to;
                row.2 = Link::from_bytes(link);
            }
        }
        let fault = Fault::Changed;
        prop_assert_eq!(chain.verify(), Err(Broken { number, fault }));
    }

    #[test]
    fn a_changed_number_is_found(
        chain in chains(), at in any::<prop::sample::Index>(), to in any::<u64>(),
    ) {
        let mut chain = chain;
        let place = at.index(chain.rows.len());
        let row = &mut chain.rows[place];
        prop_assume!(row.0 != to);
        row.0 = to;
        prop_assert!(chain.verify().is_err());
        // As a store gives them, in the order of their numbers.
        chain.rows.sort_by_key(|row| row.0);
        prop_assert!(chain.verify().is_err());
    }

    #[test]
    fn a_missing_a_second_and_a_swapped_entry_are_found(
        chain in chains(), at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let (place, other) = (at.index(chain.rows.len()), other.index(chain.rows.len()));
        let mut fewer = chain.clone();
        let gone = fewer.rows.remove(place).0;
        prop_assert_eq!(fewer.verify().unwrap_err().number, gone);
        let mut more = chain.clone();
        more.rows.insert(other, chain.rows[place].clone());
        prop_assert!(more.verify().is_err());
        prop_assume!(place != other);
        let mut swapped = chain.clone();
        swapped.rows.swap(place, other);
        prop_assert!(swapped.verify().is_err());
        // The contents alone, with their links.
        let (one, two) = (chain.rows[place].clone(), chain.rows[other].clone());
        let mut swapped = chain;
        (swapped.rows[place].1, swapped.rows[place].2) = (two.1, two.2);
        (swapped.rows[other].1, swapped.rows[other].2) = (one.1, one.2);
        prop_assert!(swapped.verify().is_err());
    }

    #[test]
    fn an_entry_that_somebody_puts_in_is_found(chain in chains(), number in 1..20u64) {
        let mut chain = chain;
        let by = By::new("mallory", "nowhere");
        let entry = Entry { at: UnixMillis(1), epoch: 1, act: Act::new(by, "edit") };
        let bytes = entry.encode().unwrap();
        // Linked to what stands before it, as well as can be.
        let before = chain.rows.iter().rfind(|row| row.0 < number);
        let before = before.map_or(chain.begin, |row| Head { number: row.0, link: row.2 });
        let forged = before.then(&bytes);
        chain.rows.push((forged.number, bytes, forged.link));
        chain.rows.sort_by_key(|row| row.0);
        prop_assert!(chain.verify().is_err());
    }
}

#[test]
fn a_cut_tail_is_found_by_the_head_that_is_noted() {
    let texts = ["a", "b", "c"].map(str::to_owned);
    let mut chain = Chain::new(&texts, 0);
    chain.rows.pop();
    let fault = Fault::Cut { newest: 3 };
    assert_eq!(chain.verify(), Err(Broken { number: 3, fault }));
    // And a head that was moved back with it is another one than was told before.
    let told = chain.head;
    chain.head = Head {
        number: 2,
        link: chain.rows[1].2,
    };
    assert_ne!(chain.verify().unwrap().head, told);
    let other = Head {
        link: told.link,
        ..chain.head
    };
    chain.head = other;
    assert_eq!(chain.verify().unwrap_err().fault, Fault::OtherHead);
}
