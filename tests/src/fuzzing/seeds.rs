//! Well-formed bytes to begin from: the wire's golden files, and certificates made here.

use std::time::Duration;

use shared::ids::{HubId, RegionId};
use shared::pki::{Csr, Fingerprint, JoinToken, Peer, Serial, TokenId, Validity};

use super::certificates::{Members, NOW_SECS, members};

macro_rules! golden {
    ($name:literal) => {
        include_str!(concat!("../../../shared/tests/golden/v1/", $name, ".hex"))
    };
}

const CONTROL: [&str; 22] = [
    golden!("frame-ack-full"),
    golden!("frame-ack-minimal"),
    golden!("frame-cursor-full"),
    golden!("frame-cursor-minimal"),
    golden!("frame-goodbye-leaving"),
    golden!("frame-goodbye-stopping"),
    golden!("frame-heartbeat-full"),
    golden!("frame-heartbeat-minimal"),
    golden!("frame-hello-full"),
    golden!("frame-hello-minimal"),
    golden!("frame-refuse-full"),
    golden!("frame-refuse-minimal"),
    golden!("frame-renew-full"),
    golden!("frame-renew-minimal"),
    golden!("frame-renewed-full"),
    golden!("frame-renewed-minimal"),
    golden!("frame-sealing-full"),
    golden!("frame-sealing-minimal"),
    golden!("frame-standing-accepted"),
    golden!("frame-standing-pending"),
    golden!("frame-welcome-full"),
    golden!("frame-welcome-minimal"),
];

const CALL: [&str; 8] = [
    golden!("frame-check-full"),
    golden!("frame-check-minimal"),
    golden!("frame-checked-expired"),
    golden!("frame-checked-needs-more"),
    golden!("frame-checked-right"),
    golden!("frame-checked-wrong"),
    golden!("frame-unable-full"),
    golden!("frame-unable-minimal"),
];

const FEED: [&str; 4] = [
    golden!("frame-batch-full"),
    golden!("frame-batch-minimal"),
    golden!("frame-open-resume"),
    golden!("frame-open-snapshot"),
];

const JOIN: [&str; 8] = [
    golden!("frame-issued-full"),
    golden!("frame-issued-minimal"),
    golden!("frame-join-full"),
    golden!("frame-join-minimal"),
    golden!("frame-join-refuse-full"),
    golden!("frame-join-refuse-minimal"),
    golden!("frame-recover-full"),
    golden!("frame-recover-minimal"),
];

const ADOPT: [&str; 10] = [
    golden!("frame-adopt-full"),
    golden!("frame-adopt-minimal"),
    golden!("frame-adopted-full"),
    golden!("frame-adopted-minimal"),
    golden!("frame-denied-full"),
    golden!("frame-denied-minimal"),
    golden!("frame-look-full"),
    golden!("frame-look-minimal"),
    golden!("frame-looked-full"),
    golden!("frame-looked-minimal"),
];

const RECORDS: [&str; 22] = [
    golden!("floating-ip-full"),
    golden!("floating-ip-minimal"),
    golden!("host-sample-full"),
    golden!("host-sample-minimal"),
    golden!("network-full"),
    golden!("network-minimal"),
    golden!("node-full"),
    golden!("node-minimal"),
    golden!("quota-full"),
    golden!("quota-minimal"),
    golden!("server-full"),
    golden!("server-minimal"),
    golden!("service-full"),
    golden!("service-minimal"),
    golden!("states-node"),
    golden!("states-server"),
    golden!("states-service"),
    golden!("states-volume"),
    golden!("storage-pool-full"),
    golden!("storage-pool-minimal"),
    golden!("volume-full"),
    golden!("volume-minimal"),
];

/// The parts of a golden file: lines of hexadecimal digits, each part below its name.
fn parts(text: &str) -> Vec<(&str, Vec<u8>)> {
    let mut parts: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("  ") {
            None => parts.push((line, Vec::new())),
            Some(hex) => {
                let digits = hex.as_bytes().chunks(2);
                let byte = |two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
                parts.last_mut().unwrap().1.extend(digits.map(byte));
            }
        }
    }
    parts
}

fn frames(golden: &[&str]) -> Vec<Vec<u8>> {
    let frames = golden.iter().flat_map(|text| parts(text));
    frames.map(|(_, bytes)| bytes).collect()
}

pub(super) fn control() -> Vec<Vec<u8>> {
    frames(&CONTROL)
}

pub(super) fn call() -> Vec<Vec<u8>> {
    frames(&CALL)
}

pub(super) fn feed() -> Vec<Vec<u8>> {
    frames(&FEED)
}

pub(super) fn join() -> Vec<Vec<u8>> {
    frames(&JOIN)
}

pub(super) fn adopt() -> Vec<Vec<u8>> {
    frames(&ADOPT)
}

/// Kind, the id's length, id and value.
pub(super) fn record() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for golden in RECORDS {
        let parts = parts(golden);
        for pair in parts.windows(2) {
            let [(name, id), (_, value)] = pair else {
                continue;
            };
            let digits: String = name.chars().filter(char::is_ascii_digit).collect();
            let (Ok(kind), Ok(id_bytes)) = (digits.parse::<u16>(), u8::try_from(id.len())) else {
                continue;
            };
            seeds.push([&kind.to_le_bytes()[..], &[id_bytes], id, value].concat());
        }
    }
    seeds
}

pub(super) fn stream() -> Vec<Vec<u8>> {
    let whole = control().concat();
    [1, 7, 255]
        .into_iter()
        .map(|size: u8| [&[size], &whole[..]].concat())
        .collect()
}

pub(super) fn token() -> Vec<Vec<u8>> {
    let pin = Fingerprint::from_bytes([0xff; 32]);
    let token = JoinToken::from_parts(TokenId::from_bytes([1; 8]), [0x42; 32], pin);
    vec![token.to_text().as_bytes().to_vec()]
}

pub(super) fn request() -> Vec<Vec<u8>> {
    let csr = Csr::create(&members().key).unwrap();
    vec![csr.to_pem().into_bytes(), csr.der().to_vec()]
}

pub(super) fn certificate() -> Vec<Vec<u8>> {
    let Members { authority, key } = members();
    let csr = Csr::create(key).unwrap();
    let validity = Validity::starting(NOW_SECS, Duration::from_secs(86_400));
    let region = RegionId::from_bytes([2; 16]);
    let hub = HubId::from_bytes([3; 16]);
    let peers = [Peer::Region(region), Peer::Hub(hub)];
    let issued = peers.map(|peer| {
        let serial = Serial::from_random([7; 16]);
        authority.issue(&csr, peer, serial, validity).unwrap()
    });
    let issued = issued.iter();
    issued
        .flat_map(|it| [it.to_pem().into_bytes(), it.der.clone()])
        .collect()
}

pub(super) fn anchors() -> Vec<Vec<u8>> {
    let pem = members().authority.anchor().to_pem();
    vec![pem.clone().into_bytes(), pem.repeat(2).into_bytes()]
}

pub(super) fn key() -> Vec<Vec<u8>> {
    let Members { authority, key } = members();
    vec![
        key.to_pem().as_bytes().to_vec(),
        authority.to_pem().as_bytes().to_vec(),
    ]
}
