//! One full and one minimal frame of each kind of a feed's stream.

use shared::ids::FeedId;
use shared::wire::frame::{Batch, BatchRecord, FeedFrame, Open, Start};
use shared::wire::{Bytes, List};

use super::frames::{same, split};
use super::{Example, Part};

pub(crate) fn examples() -> Vec<Example> {
    let id = FeedId::from_bytes([0x0f; 16]);
    let resume = Open {
        feed: 4,
        id,
        start: Start::Resume { seq: 5_000_000_000 },
    };
    let snapshot = Open {
        feed: 1,
        id,
        start: Start::Snapshot,
    };
    let batch = Batch {
        after: 250,
        last: 70_000,
        digest: Some([0xd1; 16]),
        records: List::cut([record(300, Some(b"value")), record(1, None)]),
    };
    let empty = Batch {
        after: 0,
        last: 0,
        digest: None,
        records: List::default(),
    };
    vec![
        example("open-resume", FeedFrame::Open(resume)),
        example("open-snapshot", FeedFrame::Open(snapshot)),
        example("batch-full", FeedFrame::Batch(batch)),
        example("batch-minimal", FeedFrame::Batch(empty)),
    ]
}

fn record(kind: u16, value: Option<&'static [u8]>) -> BatchRecord<'static> {
    BatchRecord {
        kind,
        id: Bytes::new(b"id").unwrap(),
        value: value.map(|it| Bytes::new(it).unwrap()),
    }
}

fn example(name: &str, frame: FeedFrame<'static>) -> Example {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    Example {
        name: format!("frame-{name}"),
        parts: vec![Part::new("frame", bytes)],
        read: Box::new(move |parts| {
            let (kind, payload) = split(&parts[0].bytes);
            same(FeedFrame::decode(kind, payload).unwrap(), &frame);
        }),
    }
}
