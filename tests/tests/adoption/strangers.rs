//! Strangers at the door: nothing that they send opens it, breaks it, or keeps an administrator out.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::wire::Text;
use shared::wire::frame::{AdoptFrame, CONTROL_BYTES_MAX, Denial, Look};

use super::rig::{PASSWORD, Rig};

const ANSWER_MAX: Duration = Duration::from_secs(15);

fn framed(kind: u16, len: u32, payload: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), payload].concat()
}

/// What the door says to these bytes; `None` where it closes without a word.
async fn told(rig: &Rig, bytes: Vec<u8>) -> Option<(u16, String)> {
    let answer = rig.knock().await.exchange(bytes, ANSWER_MAX).await.ok()?;
    match AdoptFrame::decode(answer.kind, &answer.payload).unwrap()? {
        AdoptFrame::Denied(denied) => Some((denied.code, denied.reason.into_string())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_huge_frames_are_refused() {
    let rig = Rig::new().await;
    let unreadable = Denial::Unreadable.code();
    for (kind, payload) in [
        (58, vec![0xff; 40]),
        (58, vec![]),
        (999, vec![1, 2]),
        (60, vec![]),
    ] {
        let bytes = framed(kind, payload.len() as u32, &payload);
        let (code, reason) = told(&rig, bytes).await.unwrap();
        assert_eq!(code, unreadable, "{kind}: {reason}");
    }
    let huge = framed(58, u32::MAX, b"x");
    assert_eq!(told(&rig, huge).await, None, "nothing is read of it");
    let long = vec![0; CONTROL_BYTES_MAX + 1];
    assert_eq!(told(&rig, framed(58, long.len() as u32, &long)).await, None);
    let mut chance = ChaCha8Rng::seed_from_u64(20_261_125);
    for _ in 0..40 {
        let mut noise = vec![0; 64];
        chance.fill_bytes(&mut noise);
        let bytes = framed(56 + u16::from(noise[0] % 5), 64, &noise);
        if let Some((code, reason)) = told(&rig, bytes).await {
            assert_eq!(code, unreadable, "{reason}");
        }
    }
    rig.is_as_before().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_holds_a_place_for_seconds_only() {
    let rig = Rig::new().await;
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(rig.knock().await);
    }
    // A frame that never becomes whole is no better than none.
    let mut half = Vec::new();
    AdoptFrame::Look(Look {
        software: Text::cut("somebody"),
    })
    .encode(&mut half)
    .unwrap();
    half.pop();
    let slow = rig.knock().await.exchange(half, ANSWER_MAX).await;
    assert!(slow.is_err());
    // The places of one source are taken, and are free again after three seconds.
    tokio::time::sleep(Duration::from_secs(4)).await;
    rig.is_as_before().await;
    drop(silent);
    rig.adopt(rig.request("north", PASSWORD)).await.unwrap();
}
