//! Entries of the audit trail, and the head of a chain over them.

use shared::audit::{Act, By, Entry, Head};
use shared::model::UnixMillis;

use super::{Example, Part};

pub(crate) fn examples() -> Vec<Example> {
    let act = Act::new(By::new("alice", "192.0.2.7"), "edit");
    let act = act.on("user", "67e55044-10b1-426f-9247-bb680e5fe0c8", "björn");
    let full = Entry {
        at: UnixMillis(1_795_284_000_123),
        epoch: 3,
        act: act
            .changing("enabled=true", "enabled=false")
            .with_outcome("refused: name-taken"),
    };
    let least = Entry {
        at: UnixMillis(0),
        epoch: 0,
        act: Act::new(By::new("", ""), "").with_outcome(""),
    };
    let entries = [full, least];
    let bytes: Vec<Vec<u8>> = entries.iter().map(|it| it.encode().unwrap()).collect();
    let head = bytes.iter().fold(Head::BEGIN, |head, it| head.then(it));
    let mut parts: Vec<Part> = ["full", "minimal"]
        .into_iter()
        .zip(bytes)
        .map(|(name, bytes)| Part::new(name, bytes))
        .collect();
    parts.push(Part::new("head", head.to_bytes().to_vec()));
    vec![Example {
        name: "audit-entries".to_owned(),
        parts,
        read: Box::new(move |parts| {
            let mut chained = Head::BEGIN;
            for (part, entry) in parts.iter().zip(&entries) {
                assert_eq!(Entry::decode(&part.bytes).unwrap(), *entry);
                chained = chained.then(&part.bytes);
            }
            let frozen: [u8; 40] = parts[2].bytes.as_slice().try_into().unwrap();
            assert_eq!(Head::from_bytes(frozen), chained);
        }),
    }]
}
