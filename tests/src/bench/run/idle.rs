//! `idle`: memory of the server for each connection that only lives.

use std::time::Duration;

use super::{Options, load, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::idle::Held;
use crate::bench::servers::Server;

/// 5,000 connections and their holding, on a machine that has much else to do.
const WITHIN: Duration = Duration::from_secs(300);

pub(super) fn idle(options: &Options) -> Vec<Figure> {
    let agents = options.agents.unwrap_or(5000);
    let all = [Server::Hub, Server::Mosquitto, Server::Nats];
    let servers = if options.alone { &all[..1] } else { &all[..] };
    let results = rounds(options, servers, |server| {
        let running = server.start(agents);
        let protocol = match server {
            Server::Mosquitto => "mqtt",
            Server::Nats => "nats",
            Server::Hub | Server::Bare | Server::Etcd => "hub",
        };
        let more = words(&["--agents", &agents.to_string()]);
        let held: Held = load(&running, &["hold", protocol], &more, WITHIN);
        eprintln!("  {held:?}");
        held
    });
    let medians: Vec<(Server, f64)> = results
        .into_iter()
        .map(|(server, held)| (server, median(held.iter().map(|it| it.bytes).collect())))
        .collect();
    let Some(((_, bytes), others)) = medians.split_first().map(|(it, rest)| (*it, rest)) else {
        return Vec::new();
    };
    let what = ("idle", "hub_bytes_per_agent", "B");
    let beside =
        |(server, theirs): &(Server, f64)| Figure::new(what, bytes, server.name(), *theirs, "-");
    let mut figures: Vec<Figure> = others.iter().map(beside).collect();
    figures.push(Figure::new(what, bytes, "goal", 27_000.0, "-"));
    figures
}
