//! `wan`: records a second from one region behind a long and lossy line.

use std::time::Duration;

use super::{Options, load_at, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::ingest::Rate;
use crate::bench::process::{Process, START_MAX};
use crate::bench::servers::{LOADER_CORE, Server};

/// 45 s are the loader's own.
const WITHIN: Duration = Duration::from_secs(150);

pub(super) fn wan(options: &Options) -> Vec<Figure> {
    let results = rounds(options, &[Server::Hub], |server| {
        let running = server.start(1);
        let own = std::env::current_exe().unwrap();
        let log = running.dir.join("relay.log");
        let hub = running.address.to_string();
        let line = words(&["serve-line", "--server", &hub]);
        let mut relay = Process::start(LOADER_CORE, &own, &line, &log);
        let address = relay.says("READY", START_MAX).parse().unwrap();
        let rate: Rate = load_at(&running, address, &["haul"], &[], WITHIN);
        eprintln!("  {:.0}/s, {:.2} µs", rate.per_second, rate.cpu_us);
        rate.per_second
    });
    let rates = results.into_iter().flat_map(|(_, rates)| rates).collect();
    vec![Figure::new(
        ("wan", "records_per_s", "1/s"),
        median(rates),
        "goal",
        49_000.0,
        Server::Hub.durability(),
    )]
}
