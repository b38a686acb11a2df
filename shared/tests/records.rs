//! Any record and any frame through the wire and back; and nothing that a peer can send panics.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should panic"
)]

#[path = "records/any.rs"]
mod any;
#[path = "records/capped.rs"]
mod capped;

use capped::capped;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, RngSeed};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::model::{CloudId, Key, Quota, QuotaResource, Record, RecordKind, ServiceKind};
use shared::wire::DecodeError;
use shared::wire::frame::{Answer, Call, Control, FeedFrame, JoinFrame};
use shared::wire::record::{self, Decoded, EncodedRecord, decode, encode};

fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(0x5ec0),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(seeded(600))]

    #[test]
    fn a_record_comes_back_as_it_was_but_for_the_caps(sent in any::record()) {
        let EncodedRecord { kind, id, value } = encode(&sent).unwrap();
        prop_assert!(id.len() <= record::ID_BYTES_MAX && value.len() <= record::VALUE_BYTES_MAX);
        let expected = capped(&sent);
        let Decoded::Known(read) = decode(kind, &id, &value).unwrap() else {
            panic!("a record of this release is known to it")
        };
        prop_assert_eq!(&*read, &expected);
        // What was read is within the caps, so that it is sent on as it came.
        let again = encode(&read).unwrap();
        prop_assert_eq!((again.kind, again.id, again.value), (kind, id, value));
    }

    #[test]
    fn an_id_comes_back(text in ".{0,80}") {
        let id = CloudId::new(&text);
        let bytes = record::encode_id(&id).unwrap();
        prop_assert_eq!(record::decode_id(&bytes).unwrap(), id);
    }
}

#[test]
fn the_largest_record_fits_with_room_to_spare() {
    let long = "中".repeat(700);
    let resource = QuotaResource {
        name: long.clone(),
        limit: Some(u64::MAX),
        used: u64::MAX,
        reserved: u64::MAX,
    };
    let largest = Record::Quota(Quota {
        project: CloudId::new(&long),
        project_name: long,
        service: ServiceKind::Compute,
        resources: vec![resource; 300],
    });
    let encoded = encode(&largest).unwrap();
    assert!(encoded.id.len() <= record::ID_BYTES_MAX);
    let len = encoded.value.len();
    assert!(
        len > 64 << 10 && len < record::VALUE_BYTES_MAX * 3 / 4,
        "{len}"
    );
    let read = decode(encoded.kind, &encoded.id, &encoded.value).unwrap();
    assert_eq!(read, Decoded::Known(Box::new(capped(&largest))));
}

/// Records of every kind, some at their caps.
fn some_records(rng: &mut ChaCha8Rng) -> Vec<EncodedRecord> {
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig::default(),
        proptest::test_runner::TestRng::from_seed(RngAlgorithm::ChaCha, &rng.random::<[u8; 32]>()),
    );
    let mut make = || {
        let tree = any::record().new_tree(&mut runner).unwrap();
        encode(&proptest::strategy::ValueTree::current(&tree)).unwrap()
    };
    (0..200).map(|_| make()).collect()
}

fn damaged(rng: &mut ChaCha8Rng, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..rng.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..4) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            // What announces the longest lengths.
            1 => bytes[at] = rng.random_range(250..=255),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, rng.random()),
        }
    }
    bytes
}

/// Whatever comes, a reader says what it is or what is wrong, and what it takes over it could send.
fn read_everything(kind: u16, id: &[u8], value: &[u8]) {
    if let Ok(Decoded::Known(read)) = decode(kind, id, value) {
        assert_eq!(record::kind_code(read.key().kind), kind);
        encode(&read).unwrap();
    }
    let _ = record::decode_id(id);
    let _ = record::decode_sample(value);
    let kind = kind % 64;
    let _ = Control::decode(kind, value);
    let _ = Call::decode(kind, value);
    let _ = Answer::decode(kind, value);
    let _ = FeedFrame::decode(kind, value);
    let _ = JoinFrame::decode(kind, value);
}

#[test]
fn no_bytes_make_a_reader_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(0xbad);
    let mut bytes = [0; 96];
    for _ in 0..200_000 {
        rng.fill_bytes(&mut bytes);
        let len = rng.random_range(0..bytes.len());
        // Most values begin as one of this release, so that more than the first byte is read.
        if rng.random_ratio(3, 4) {
            bytes[0] = 1;
        }
        let kind = rng.random_range(0..64);
        let (id, value) = (&bytes[..len.min(20)], &bytes[..len]);
        read_everything(kind, id, value);
    }
}

#[test]
fn no_damage_to_a_record_makes_a_reader_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(0xdead);
    let records = some_records(&mut rng);
    for _ in 0..50_000 {
        let record = &records[rng.random_range(0..records.len())];
        let value = damaged(&mut rng, &record.value);
        let id = if rng.random_ratio(1, 8) {
            damaged(&mut rng, &record.id)
        } else {
            record.id.clone()
        };
        read_everything(record.kind, &id, &value);
    }
}

#[test]
fn no_damage_to_a_frame_makes_a_reader_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(0xfade);
    let frames = any::frames();
    for _ in 0..100_000 {
        let frame = &frames[rng.random_range(0..frames.len())];
        let (kind, payload) = (u16::from_le_bytes([frame[0], frame[1]]), &frame[6..]);
        let payload = damaged(&mut rng, payload);
        let _ = Control::decode(kind, &payload);
        let _ = FeedFrame::decode(kind, &payload);
        let _ = JoinFrame::decode(kind, &payload);
    }
}

#[test]
fn a_record_under_another_id_than_its_own_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(0x1d);
    let mut refused = 0;
    for EncodedRecord { kind, id, value } in some_records(&mut rng) {
        let (known, other) = (record::kind_of(kind).unwrap(), CloudId::new("another"));
        let (_, other) = record::encode_key(&Key {
            kind: known,
            id: other,
        })
        .unwrap();
        match decode(kind, &other, &value) {
            // Its id is what it was sent under, and stands nowhere else.
            Ok(Decoded::Known(read)) => {
                assert!(!record::has_derived_id(known));
                assert_eq!(record::encode_id(&read.key().id).unwrap(), other);
            }
            Err(DecodeError::OutOfRange { what }) => {
                assert!(record::has_derived_id(known));
                assert_eq!(what, "a record's id");
                refused += 1;
            }
            outcome => panic!("{outcome:?}"),
        }
        assert!(matches!(decode(kind, &id, &value), Ok(Decoded::Known(_))));
    }
    assert!(refused > 20);
}

#[test]
fn a_sample_is_read_by_its_value_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(0x5a);
    let mut read = 0;
    for EncodedRecord { kind, id, value } in some_records(&mut rng) {
        if record::kind_of(kind) != Some(RecordKind::HostSample) {
            continue;
        }
        let Ok(Decoded::Known(record)) = decode(kind, &id, &value) else {
            panic!("it was encoded here")
        };
        let sample = record::decode_sample(&value).unwrap().unwrap();
        assert_eq!(*record, Record::HostSample(sample));
        let later = [&[2], &value[1..]].concat();
        assert_eq!(record::decode_sample(&later).unwrap(), None);
        read += 1;
    }
    assert!(read > 5);
}
