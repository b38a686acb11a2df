//! The client against a cloud on loopback that answers as each test tells it.

mod account;
mod capacities;
mod cells;
mod compute;
mod identity;
mod ldap;
mod microversions;
mod network;
mod nodes;
mod pages;
mod passwords;
mod pools;
mod prove;
mod purge;
mod questions;
mod quota;
mod requests;
mod rights;
mod session;
mod tls;
mod writes;

use std::time::Duration;

use serde_json::{Value, json};
use shared::model::{Record, Server, UnixMillis};
use shared::runtime::clock::{Clock, ManualClock};
use tokio::sync::mpsc;

use super::patience::Patience;
use super::testing::{Fake, options};
use super::{OpenStack, Options};
use crate::cloud::{Cloud, CloudError, Mark, Page, Part, Whole};

/// As patient as the real one, but quick.
fn quick() -> Patience {
    Patience {
        base: Duration::from_millis(1),
        ceiling: Duration::from_millis(4),
        ..Patience::default()
    }
}

fn client(fake: &Fake) -> OpenStack {
    with(&options(fake.url()))
}

fn with(options: &Options) -> OpenStack {
    OpenStack::with_patience(options, Clock::system(), quick()).unwrap()
}

/// Not patient at all.
fn hasty() -> Patience {
    Patience {
        tries_max: 1,
        ..Patience::default()
    }
}

/// A client whose clock the test moves. It must not wait, which nobody would end.
fn timed(fake: &Fake) -> (OpenStack, ManualClock) {
    let (clock, hand) = Clock::manual(UnixMillis::from_secs(1_795_280_000));
    let cloud = OpenStack::with_patience(&options(fake.url()), clock, hasty()).unwrap();
    (cloud, hand)
}

/// What a pass sent, and what it returned.
struct Told<T> {
    result: Result<T, CloudError>,
    pages: Vec<Page>,
}

impl<T> Told<T> {
    fn records(&self) -> Vec<&Record> {
        self.pages.iter().flat_map(|it| &it.records).collect()
    }

    fn servers(&self) -> Vec<&Server> {
        let servers = self.records().into_iter().map(|record| match record {
            Record::Server(server) => server,
            other => panic!("not a server: {other:?}"),
        });
        servers.collect()
    }
}

async fn gather<T>(pass: impl AsyncFnOnce(mpsc::Sender<Page>) -> Result<T, CloudError>) -> Told<T> {
    let (sender, mut receiver) = mpsc::channel::<Page>(1);
    let gather = async {
        let mut pages = Vec::new();
        while let Some(page) = receiver.recv().await {
            pages.push(page);
        }
        pages
    };
    let (result, pages) = tokio::join!(pass(sender), gather);
    Told { result, pages }
}

async fn audit(cloud: &OpenStack, part: Part) -> Told<Whole> {
    gather(async |pages| cloud.audit(part, &pages).await).await
}

async fn changes(cloud: &OpenStack, part: Part, since: Mark) -> Told<Option<Mark>> {
    gather(async |pages| cloud.changes(part, since, &pages).await).await
}

const SERVERS: &str = "/compute/v2.1/servers/detail";

fn server(id: &str) -> Value {
    json!({
        "id": id, "name": format!("server {id}"), "status": "ACTIVE", "tenant_id": "p",
        "created": "2026-11-21T17:03:59Z", "addresses": {},
        "flavor": {"vcpus": 2, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0},
        "OS-EXT-SRV-ATTR:hypervisor_hostname": "compute1"
    })
}
