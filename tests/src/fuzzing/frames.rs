//! Frames and records: what decodes is encoded and decoded to the same again.

use std::cell::OnceCell;

use bytes::Bytes;
use shared::transport::frames_in;
use shared::wire::frame::{
    AdoptFrame, Answer, CONTROL_BYTES_MAX, Call, Control, FEED_BYTES_MAX, FeedFrame, HEADER_BYTES,
    Header, JoinFrame,
};
use shared::wire::record::{self, Decoded};

/// Kind and payload of a frame that the header says is whole.
fn split(bytes: &[u8], len_max: usize) -> Option<(u16, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let header = Header::read(*header, len_max).ok()?;
    // What a mutation did to the length is the reader's matter; the decoder gets what is there.
    Some((header.kind, rest))
}

/// A control stream's frame.
pub(super) fn control(bytes: &[u8]) {
    let Some((kind, payload)) = split(bytes, CONTROL_BYTES_MAX) else {
        return;
    };
    let Ok(Some(frame)) = Control::decode(kind, payload) else {
        return;
    };
    let mut again = Vec::new();
    frame.encode(&mut again).unwrap();
    let (kind, payload) = whole(&again);
    assert_eq!(Control::decode(kind, payload).unwrap().unwrap(), frame);
}

/// A call's stream: what is asked, and what is answered.
pub(super) fn call(bytes: &[u8]) {
    let Some((kind, payload)) = split(bytes, CONTROL_BYTES_MAX) else {
        return;
    };
    if let Ok(Some(frame)) = Call::decode(kind, payload) {
        let mut again = Vec::new();
        frame.encode(&mut again).unwrap();
        let (kind, payload) = whole(&again);
        assert_eq!(Call::decode(kind, payload).unwrap().unwrap(), frame);
    }
    if let Ok(Some(frame)) = Answer::decode(kind, payload) {
        let mut again = Vec::new();
        frame.encode(&mut again).unwrap();
        let (kind, payload) = whole(&again);
        assert_eq!(Answer::decode(kind, payload).unwrap().unwrap(), frame);
    }
}

/// A feed stream's frame.
pub(super) fn feed(bytes: &[u8]) {
    let Some((kind, payload)) = split(bytes, FEED_BYTES_MAX) else {
        return;
    };
    let Ok(Some(frame)) = FeedFrame::decode(kind, payload) else {
        return;
    };
    let mut again = Vec::new();
    frame.encode(&mut again).unwrap();
    let (kind, payload) = whole(&again);
    assert_eq!(FeedFrame::decode(kind, payload).unwrap().unwrap(), frame);
    if let FeedFrame::Batch(batch) = &frame {
        for it in batch.records.as_slice() {
            let value = it.value.map_or(&[][..], |value| value.as_slice());
            check_record(it.kind, it.id.as_slice(), value);
        }
    }
}

/// A join stream's frame.
pub(super) fn join(bytes: &[u8]) {
    let Some((kind, payload)) = split(bytes, CONTROL_BYTES_MAX) else {
        return;
    };
    let Ok(Some(frame)) = JoinFrame::decode(kind, payload) else {
        return;
    };
    let mut again = Vec::new();
    frame.encode(&mut again).unwrap();
    let (kind, payload) = whole(&again);
    assert_eq!(JoinFrame::decode(kind, payload).unwrap().unwrap(), frame);
}

/// A frame at an unjoined agent's door.
pub(super) fn adopt(bytes: &[u8]) {
    let Some((kind, payload)) = split(bytes, CONTROL_BYTES_MAX) else {
        return;
    };
    let Ok(Some(frame)) = AdoptFrame::decode(kind, payload) else {
        return;
    };
    let mut again = Vec::new();
    frame.encode(&mut again).unwrap();
    let (kind, payload) = whole(&again);
    assert_eq!(AdoptFrame::decode(kind, payload).unwrap().unwrap(), frame);
}

/// A frame that was encoded here, of which the header must be right.
fn whole(bytes: &[u8]) -> (u16, &[u8]) {
    let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>().unwrap();
    let header = Header::read(*header, FEED_BYTES_MAX).unwrap();
    assert_eq!(header.len, payload.len());
    (header.kind, payload)
}

/// A record: two bytes of kind, one of the id's length, the id, the value.
pub(super) fn record(bytes: &[u8]) {
    let [k0, k1, id_bytes, rest @ ..] = bytes else {
        return;
    };
    let kind = u16::from_le_bytes([*k0, *k1]);
    if let Some((id, value)) = rest.split_at_checked(usize::from(*id_bytes)) {
        check_record(kind, id, value);
    }
}

fn check_record(kind: u16, id: &[u8], value: &[u8]) {
    let Ok(Decoded::Known(known)) = record::decode(kind, id, value) else {
        return;
    };
    let encoded = record::encode(&known).unwrap();
    assert_eq!(encoded.kind, kind);
    let again = record::decode(encoded.kind, &encoded.id, &encoded.value).unwrap();
    assert_eq!(again, Decoded::Known(known));
}

/// A whole stream in pieces: the first byte says how long they are.
pub(super) fn stream(bytes: &[u8]) {
    let Some((cut, stream)) = bytes.split_first() else {
        return;
    };
    let size = usize::from(*cut).max(1);
    let pieces = |size| stream.chunks(size).map(Bytes::copy_from_slice).collect();
    let (cut, cut_end) = wait(frames_in(pieces(size), CONTROL_BYTES_MAX));
    let (whole, whole_end) = wait(frames_in(pieces(usize::MAX), CONTROL_BYTES_MAX));
    // How a stream is cut into packets makes no difference.
    let shown = |frames: &[shared::transport::RawFrame]| -> Vec<_> {
        let parts = frames.iter().map(|it| (it.kind, it.payload.clone()));
        parts.collect()
    };
    assert_eq!(shown(&cut), shown(&whole));
    assert_eq!(cut_end.is_ok(), whole_end.is_ok());
    let carried: usize = whole.iter().map(|it| HEADER_BYTES + it.payload.len()).sum();
    assert!(carried <= stream.len());
    assert!(whole_end.is_err() || carried == stream.len());
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: OnceCell<tokio::runtime::Runtime> = const { OnceCell::new() };
    }
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap()
    };
    RUNTIME.with(|it| it.get_or_init(runtime).block_on(future))
}
