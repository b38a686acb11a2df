//! Frames over real streams: as they should be, and as they should not.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::ids::{FederationId, FeedId};
use shared::transport::{ByteBudget, CloseCode, Loss, ReadError};
use shared::wire::frame::*;
use shared::wire::{Bytes, List, Text, codec};

use super::kit::*;

fn hello() -> Control<'static> {
    Control::Hello(Hello {
        versions: PROTOCOL,
        codec: codec::CODEC,
        software: Text::cut("0.1.0"),
        host: Text::cut("cloud-1"),
        cloud: Cloud {
            kind: 1,
            version: Text::cut("2026.2"),
            endpoint: Text::cut(""),
        },
        federation: FederationId::from_bytes([1; 16]),
        epoch: 1,
        offers: List::default(),
    })
}

fn batch(records: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|(id, value)| BatchRecord {
            kind: 1,
            id: Bytes::new(id).unwrap(),
            value: Some(Bytes::new(value).unwrap()),
        })
        .collect();
    let batch = Batch {
        after: 0,
        last: 9,
        digest: None,
        records: List::cut(records),
    };
    let mut bytes = Vec::new();
    FeedFrame::Batch(batch).encode(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_greeting_a_feed_and_its_acknowledgement() {
    let link = Federation::new(1).link().await;
    assert_eq!(link.hub.identity().peer(), region(1));
    assert_eq!(link.agent.identity().peer(), HUB);

    let (mut say, mut hear) = link.agent.control().await.unwrap();
    say.write(encoded(&hello())).await.unwrap();
    let (mut hub_say, mut hub_hear) = link.hub.control().await.unwrap();
    let frame = hub_hear.next().await.unwrap().unwrap();
    assert_eq!(
        Control::decode(frame.kind, &frame.payload).unwrap(),
        Some(hello())
    );

    let mut feed = link.agent.open_feed().await.unwrap();
    let open = Open {
        feed: 1,
        id: FeedId::NONE,
        start: Start::Snapshot,
    };
    let mut frames = Vec::new();
    FeedFrame::Open(open).encode(&mut frames).unwrap();
    let records: Vec<_> = (0..800u32)
        .map(|i| (i.to_le_bytes().to_vec(), vec![7; 300]))
        .collect();
    frames.extend(batch(&records));
    // More than the window at first: it is taken while the hub reads.
    let write = async {
        feed.write(frames).await.unwrap();
        feed.finish().await.unwrap();
    };

    let budget = ByteBudget::new(8 << 20);
    let read = async {
        let mut hub_feed = link
            .hub
            .accept_feed()
            .await
            .unwrap()
            .with_budget(budget.clone());
        let first = hub_feed.next().await.unwrap().unwrap();
        let decoded = FeedFrame::decode(first.kind, &first.payload).unwrap();
        assert_eq!(decoded, Some(FeedFrame::Open(open)));
        let second = hub_feed.next().await.unwrap().unwrap();
        assert!(second.permit.is_some() && budget.available() < 8 << 20);
        match FeedFrame::decode(second.kind, &second.payload).unwrap() {
            Some(FeedFrame::Batch(batch)) => assert_eq!(batch.records.as_slice().len(), 800),
            other => panic!("{other:?}"),
        }
        drop(second);
        assert_eq!(budget.available(), 8 << 20);
        assert!(
            hub_feed.next().await.unwrap().is_none(),
            "the feed ends in good order"
        );
    };
    tokio::join!(write, read);

    let ack = Control::Ack(Ack { feed: 1, seq: 9 });
    hub_say.write(encoded(&ack)).await.unwrap();
    let frame = hear.next().await.unwrap().unwrap();
    assert_eq!(
        Control::decode(frame.kind, &frame.payload).unwrap(),
        Some(ack)
    );
}

#[tokio::test]
async fn what_breaks_a_streams_bounds_is_refused() {
    let link = Federation::new(1).link().await;
    let [(_, mut hub_hear), (mut say, _)] = link.controls().await;
    // A control frame of a feed's size, of which no more than the header needs to come.
    say.write(raw(1, &vec![0; CONTROL_BYTES_MAX + 1]))
        .await
        .unwrap();
    let error = hub_hear.next().await.unwrap_err();
    assert!(matches!(error, ReadError::Frame(_)), "{error}");
    link.hub
        .close(error.close_code().unwrap(), "a frame too long");

    let loss = link.agent.closed().await;
    let expected = Loss::ByPeer {
        code: CloseCode::Protocol,
        reason: "a frame too long".into(),
    };
    assert_eq!(loss, expected);
    let own = Loss::Here {
        code: CloseCode::Protocol,
        reason: "a frame too long".into(),
    };
    assert_eq!(link.hub.closed().await, own);
}

#[tokio::test]
async fn a_frame_without_end_is_held_to_its_length() {
    let link = Federation::new(1).link().await;
    let mut feed = link.agent.open_feed().await.unwrap();
    // One whole frame of an unknown kind, then a length beyond the cap with a flood behind it.
    let mut bytes = raw(999, &[1; 70_000]);
    bytes.extend([1, 0, 0xff, 0xff, 0xff, 0xff]);
    feed.write(bytes).await.unwrap();
    let flood = async move { while feed.write(vec![0; 100_000]).await.is_ok() {} };
    let read = async {
        let mut hub_feed = link.hub.accept_feed().await.unwrap();
        assert_eq!(
            hub_feed.next().await.unwrap().unwrap().payload.len(),
            70_000
        );
        assert!(matches!(hub_feed.next().await, Err(ReadError::Frame(_))));
        hub_feed.stop(CloseCode::Protocol);
    };
    // The flood ends since the reader stopped it.
    tokio::join!(flood, read);
}

#[tokio::test]
async fn a_cut_off_frame_and_an_abandoned_stream_are_told_apart() {
    let link = Federation::new(1).link().await;
    let mut feed = link.agent.open_feed().await.unwrap();
    feed.write(raw(1, b"whole")[..8].to_vec()).await.unwrap();
    let mut hub_feed = link.hub.accept_feed().await.unwrap();
    let (finished, read) = tokio::join!(feed.finish(), hub_feed.next());
    finished.unwrap();
    assert!(matches!(read, Err(ReadError::Truncated)));

    // A write that is given up midway must not look like a broken peer.
    let mut feed = link.agent.open_feed().await.unwrap();
    let frame = raw(1, &vec![0; FEED_BYTES_MAX]);
    let unread = vec![frame; 20].concat();
    let write = tokio::time::timeout(Duration::from_millis(300), feed.write(unread));
    assert!(write.await.is_err(), "nobody reads, so it does not end");
    drop(feed);
    let mut hub_feed = link.hub.accept_feed().await.unwrap();
    let error = loop {
        match hub_feed.next().await {
            Ok(frame) => assert!(frame.is_some()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ReadError::Abandoned(_)), "{error}");
}

#[tokio::test]
async fn interrupted_readers_and_writers_lose_and_split_nothing() {
    let link = Federation::new(1).link().await;
    let mut feed = link.agent.open_feed().await.unwrap();
    let sizes: Vec<usize> = {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut size = || {
            let most = [10, 2_000, 60_000][rng.random_range(0..3)];
            rng.random_range(0..most)
        };
        (0..400).map(|_| size()).collect()
    };
    let payload = |i: usize| vec![(i % 251) as u8; sizes[i]];
    let patience = |rng: &mut ChaCha8Rng| Duration::from_micros(rng.random_range(0..400));

    let write = async {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for i in 0..sizes.len() {
            let frame = raw(i as u16, &payload(i));
            // Nothing is left of the one before, so this one is taken at once, come what may.
            let write = tokio::time::timeout(patience(&mut rng), feed.write(frame));
            if write.await.is_err() {
                while tokio::time::timeout(patience(&mut rng), feed.flush())
                    .await
                    .is_err()
                {}
            }
        }
        feed.finish().await.unwrap();
    };
    let read = async {
        let mut hub_feed = link.hub.accept_feed().await.unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut read = Vec::new();
        loop {
            match tokio::time::timeout(patience(&mut rng), hub_feed.next()).await {
                Ok(Ok(Some(frame))) => read.push(frame),
                Ok(Ok(None)) => break read,
                Ok(Err(error)) => panic!("{error}"),
                Err(_interrupted) => {}
            }
        }
    };
    let ((), read) = tokio::join!(write, read);
    assert_eq!(read.len(), sizes.len());
    for (i, frame) in read.iter().enumerate() {
        assert_eq!(
            (frame.kind, &frame.payload[..]),
            (i as u16, &payload(i)[..])
        );
    }
}
