//! One full and one minimal frame of each kind of an adoption.

use shared::ids::{FederationId, RegionId};
use shared::wire::frame::{Account, Adopt, AdoptFrame, Adopted, Denied, Look, Looked};
use shared::wire::{List, Text};

use super::frames::{cloud, same, split};
use super::{Example, Part};

pub(crate) fn examples() -> Vec<Example> {
    let named = [("full", true), ("minimal", false)];
    let of_each = named.into_iter().flat_map(|(name, full)| {
        let frames = [
            ("look", look(full)),
            ("looked", looked(full)),
            ("adopt", adopt(full)),
            ("adopted", adopted(full)),
            ("denied", denied(full)),
        ];
        frames.map(|(kind, frame)| example(&format!("frame-{kind}-{name}"), frame))
    });
    of_each.collect()
}

fn example(name: &str, frame: AdoptFrame<'static>) -> Example {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    Example {
        name: name.to_owned(),
        parts: vec![Part::new("frame", bytes)],
        read: Box::new(move |parts| {
            let (kind, payload) = split(&parts[0].bytes);
            same(AdoptFrame::decode(kind, payload).unwrap(), &frame);
        }),
    }
}

fn text<const MAX: usize>(full: bool, text: &'static str) -> Text<'static, MAX> {
    Text::cut(if full { text } else { "" })
}

fn look(full: bool) -> AdoptFrame<'static> {
    AdoptFrame::Look(Look {
        software: text(full, "idp-hub 0.1.0"),
    })
}

fn looked(full: bool) -> AdoptFrame<'static> {
    AdoptFrame::Looked(Looked {
        software: text(full, "sp-agent 0.1.0"),
        host: text(full, "节点1"),
        cloud: cloud(full),
    })
}

fn adopt(full: bool) -> AdoptFrame<'static> {
    let hubs = ["hub.example.org:7443", "[2001:db8::1]:7443"];
    let addresses = if full { &hubs[..] } else { &[] };
    AdoptFrame::Adopt(Adopt {
        token: text(full, "rg1.mfrggzdfmztwq.secret.pin"),
        addresses: List::cut(addresses.iter().map(|it| Text::cut(it))),
        link_port: if full { 7443 } else { 0 },
        account: Account {
            user: text(full, "admin"),
            password: text(full, "hush"),
            user_domain: full.then(|| Text::cut("Default")),
            project: full.then(|| Text::cut("ops")),
            project_domain: full.then(|| Text::cut("部门")),
        },
    })
}

fn adopted(full: bool) -> AdoptFrame<'static> {
    AdoptFrame::Adopted(Adopted {
        region: RegionId::from_bytes([0xbb; 16]),
        name: text(full, "北京-1"),
        federation: FederationId::from_bytes([0xfe; 16]),
        address: text(full, "hub.example.org:7443"),
    })
}

fn denied(full: bool) -> AdoptFrame<'static> {
    AdoptFrame::Denied(Denied {
        code: if full { 300 } else { 0 },
        reason: text(full, "the account is no administrator"),
        retry_after_ms: if full { 60_000 } else { 0 },
    })
}
