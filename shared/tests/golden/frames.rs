//! One full and one minimal frame of each kind of the control stream and of joins.

use std::fmt::Debug;

use shared::ids::{FederationId, FeedId, HubId, RegionId};
use shared::model::CloudId;
use shared::wire::frame::*;
use shared::wire::{Bytes, List, Text};

use super::{Example, Part};

const FEDERATION: FederationId = FederationId::from_bytes([0xfe; 16]);
const REGION: RegionId = RegionId::from_bytes([0xbb; 16]);
const HUB: HubId = HubId::from_bytes([0xaa; 16]);
const FEED: FeedId = FeedId::from_bytes([0x0f; 16]);
const PEM: &str = "-----BEGIN X-----\nAAAA\n-----END X-----\n";

/// The header's kind and the payload after it.
pub(crate) fn split(frame: &[u8]) -> (u16, &[u8]) {
    let header = frame[..HEADER_BYTES].try_into().unwrap();
    let header = Header::read(header, FEED_BYTES_MAX).unwrap();
    assert_eq!(frame.len(), HEADER_BYTES + header.len);
    (header.kind, &frame[HEADER_BYTES..])
}

pub(crate) fn examples() -> Vec<Example> {
    let control = greetings().into_iter().chain(others());
    let control = control.map(|(name, frame)| control_example(name, frame));
    let joins = joins().into_iter().map(|(name, it)| join_example(name, it));
    control.chain(joins).chain(calls()).collect()
}

/// A credential on its way.
fn give() -> Example {
    const SEALED: &[u8] = &[0xed; 200];
    let call = || Call::Give(Give::new(SEALED, "admin").unwrap());
    let mut bytes = Vec::new();
    call().encode(&mut bytes).unwrap();
    Example {
        name: "frame-give".to_owned(),
        parts: vec![Part::new("frame", bytes)],
        read: Box::new(move |parts| {
            let (kind, payload) = split(&parts[0].bytes);
            same(Call::decode(kind, payload).unwrap(), &call());
        }),
    }
}

/// A call and its answers.
fn calls() -> Vec<Example> {
    let call = |name: &str, user: &'static str, sealed: &'static [u8]| {
        let frame = move |id: &CloudId, bytes: &mut Vec<u8>| {
            let check = Check::new(id, sealed).unwrap();
            Call::Check(check).encode(bytes).unwrap();
        };
        let mut bytes = Vec::new();
        frame(&CloudId::new(user), &mut bytes);
        Example {
            name: format!("frame-{name}"),
            parts: vec![Part::new("frame", bytes)],
            read: Box::new(move |parts| {
                let (kind, payload) = split(&parts[0].bytes);
                let id = CloudId::new(user);
                let expected = Call::Check(Check::new(&id, sealed).unwrap());
                same(Call::decode(kind, payload).unwrap(), &expected);
            }),
        }
    };
    let answer = |name: &str, frame: Answer<'static>| {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).unwrap();
        Example {
            name: format!("frame-{name}"),
            parts: vec![Part::new("frame", bytes)],
            read: Box::new(move |parts| {
                let (kind, payload) = split(&parts[0].bytes);
                same(Answer::decode(kind, payload).unwrap(), &frame);
            }),
        }
    };
    vec![
        call(
            "check-full",
            "67e5504410b1426f9247bb680e5fe0c8",
            &[0xed; 60],
        ),
        call("check-minimal", "", &[]),
        answer("checked-right", Answer::Checked(Checked::Right)),
        answer("checked-wrong", Answer::Checked(Checked::Wrong)),
        answer("checked-expired", Answer::Checked(Checked::Expired)),
        answer("checked-needs-more", Answer::Checked(Checked::NeedsMore)),
        give(),
        answer(
            "given-kept",
            Answer::Given(Given::new(Fate::Kept, "user admin in project admin")),
        ),
        answer(
            "given-refused",
            Answer::Given(Given::new(Fate::Refused, "HTTP 401")),
        ),
        answer(
            "given-lacking",
            Answer::Given(Given::new(Fate::Lacking, "403")),
        ),
        answer(
            "given-unanswered",
            Answer::Given(Given::new(Fate::Unanswered, "503")),
        ),
        answer(
            "given-not-taken",
            Answer::Given(Given::new(Fate::NotTaken, "")),
        ),
        answer("unable-full", Answer::Unable(Unable::new("no room left"))),
        answer("unable-minimal", Answer::Unable(Unable::new(""))),
    ]
}

fn control_example(name: &str, frame: Control<'static>) -> Example {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    Example {
        name: format!("frame-{name}"),
        parts: vec![Part::new("frame", bytes)],
        read: Box::new(move |parts| {
            let (kind, payload) = split(&parts[0].bytes);
            same(Control::decode(kind, payload).unwrap(), &frame);
        }),
    }
}

fn join_example(name: &str, frame: JoinFrame<'static>) -> Example {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    Example {
        name: format!("frame-{name}"),
        parts: vec![Part::new("frame", bytes)],
        read: Box::new(move |parts| {
            let (kind, payload) = split(&parts[0].bytes);
            same(JoinFrame::decode(kind, payload).unwrap(), &frame);
        }),
    }
}

pub(crate) fn same<T: PartialEq + Debug>(read: Option<T>, expected: &T) {
    assert_eq!(read.as_ref(), Some(expected));
}

pub(crate) fn cloud(full: bool) -> Cloud<'static> {
    let text = |text: &'static str| if full { text } else { "" };
    Cloud {
        kind: if full { 1 } else { 0 },
        version: Text::cut(text("Keystone v3.14, Nova 2.1–2.100")),
        endpoint: Text::cut(text("https://cloud.example:5000/v3")),
    }
}

fn greetings() -> Vec<(&'static str, Control<'static>)> {
    let hello = Hello {
        versions: (1, 300),
        codec: 1,
        software: Text::cut("sp-agent 0.1.0"),
        host: Text::cut("节点1"),
        cloud: cloud(true),
        federation: FEDERATION,
        epoch: 70_000,
        offers: List::cut([1, 4].map(|feed| Offer {
            feed,
            id: FEED,
            head: 5_000_000_000,
        })),
    };
    let least = Hello {
        versions: (0, 0),
        codec: 0,
        software: Text::cut(""),
        host: Text::cut(""),
        cloud: cloud(false),
        federation: FEDERATION,
        epoch: 0,
        offers: List::default(),
    };
    let welcome = Welcome {
        version: 1,
        federation: FEDERATION,
        epoch: 300,
        path: List::cut([HUB, HubId::from_bytes([0xab; 16])]),
        heartbeat_ms: 4_000,
        standing: Standing::Accepted,
        cursors: List::cut([cursor(Phase::Live), cursor(Phase::Snapshot)]),
    };
    let alone = Welcome {
        path: List::default(),
        standing: Standing::Pending,
        cursors: List::default(),
        ..welcome.clone()
    };
    vec![
        ("hello-full", Control::Hello(hello)),
        ("hello-minimal", Control::Hello(least)),
        ("welcome-full", Control::Welcome(welcome)),
        ("welcome-minimal", Control::Welcome(alone)),
    ]
}

fn cursor(phase: Phase) -> Cursor {
    Cursor {
        feed: 2,
        id: FEED,
        seq: 251,
        phase,
    }
}

fn refuse(full: bool) -> Refuse<'static> {
    Refuse {
        code: if full { 300 } else { 0 },
        reason: Text::cut(if full { "upgrade one side" } else { "" }),
        retry_after_ms: if full { 60_000 } else { 0 },
    }
}

fn others() -> Vec<(&'static str, Control<'static>)> {
    let csr = |text| {
        Control::Renew(Renew {
            csr: Text::cut(text),
        })
    };
    let renewed = |text| {
        let certificate = Text::cut(text);
        Control::Renewed(Renewed { certificate })
    };
    let none = Cursor {
        feed: 0,
        id: FeedId::NONE,
        seq: 0,
        phase: Phase::Live,
    };
    let named = |name| {
        let name = Text::cut(name);
        Control::Named(Named { name })
    };
    let keeping = |fault: Option<&'static str>| {
        let fault = fault.map(Text::cut);
        Control::Keeping(Keeping { fault })
    };
    let ack = |feed, seq| Control::Ack(Ack { feed, seq });
    let heartbeat = |count| Control::Heartbeat(Heartbeat { count });
    vec![
        ("refuse-full", Control::Refuse(refuse(true))),
        ("refuse-minimal", Control::Refuse(refuse(false))),
        ("heartbeat-full", heartbeat(u32::MAX)),
        ("heartbeat-minimal", heartbeat(0)),
        ("ack-full", ack(4, u64::MAX)),
        ("ack-minimal", ack(0, 0)),
        ("cursor-full", Control::Cursor(cursor(Phase::Snapshot))),
        ("cursor-minimal", Control::Cursor(none)),
        ("goodbye-stopping", Control::Goodbye(Goodbye::Stopping)),
        ("goodbye-leaving", Control::Goodbye(Goodbye::Leaving)),
        ("standing-pending", Control::Standing(Standing::Pending)),
        ("standing-accepted", Control::Standing(Standing::Accepted)),
        ("renew-full", csr(PEM)),
        ("renew-minimal", csr("")),
        ("renewed-full", renewed(PEM)),
        ("renewed-minimal", renewed("")),
        ("describe-full", Control::Describe(cloud(true))),
        ("describe-minimal", Control::Describe(cloud(false))),
        ("named-full", named("北京-1")),
        ("named-minimal", named("")),
        ("keeping-failing", keeping(Some("no room left"))),
        ("keeping-sound", keeping(None)),
        (
            "sealing-full",
            Control::Sealing(Sealing { key: [0xed; 32] }),
        ),
        (
            "sealing-minimal",
            Control::Sealing(Sealing { key: [0; 32] }),
        ),
    ]
}

fn joins() -> Vec<(&'static str, JoinFrame<'static>)> {
    let text = |full: bool, text: &'static str| if full { text } else { "" };
    let proof = |full: bool| Bytes::new(if full { b"signature" } else { b"" }).unwrap();
    let join = |full: bool| {
        JoinFrame::Join(Join {
            token_id: Text::cut(text(full, "mfrggzdfmztwq")),
            secret: [if full { 0xee } else { 0 }; 32],
            csr: Text::cut(text(full, PEM)),
            proof: proof(full),
            software: Text::cut(text(full, "sp-agent 0.1.0")),
            host: Text::cut(text(full, "node1")),
            cloud: cloud(full),
        })
    };
    let recover = |full: bool| {
        JoinFrame::Recover(Recover {
            region: REGION,
            csr: Text::cut(text(full, PEM)),
            proof: proof(full),
        })
    };
    let issued = |full: bool| {
        JoinFrame::Issued(Issued {
            region: REGION,
            name: Text::cut(text(full, "北京-1")),
            federation: FEDERATION,
            epoch: if full { 300 } else { 0 },
            hub: HUB,
            certificate: Text::cut(text(full, PEM)),
        })
    };
    vec![
        ("join-full", join(true)),
        ("join-minimal", join(false)),
        ("recover-full", recover(true)),
        ("recover-minimal", recover(false)),
        ("issued-full", issued(true)),
        ("issued-minimal", issued(false)),
        ("join-refuse-full", JoinFrame::Refuse(refuse(true))),
        ("join-refuse-minimal", JoinFrame::Refuse(refuse(false))),
    ]
}
