//! `idle`: memory of the server for each connection that only lives.

use std::time::Duration;

use super::{Options, load, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::idle::Held;
use crate::bench::servers::Server;

/// 5,000 connections and their holding, on a machine that has much else to do.
const WITHIN: Duration = Duration::from_secs(300);

/// What the server takes for so many connections, or for those of a hub's agents.
pub(super) fn held(server: Server, agents: usize) -> Held {
    let running = server.start(agents);
    let protocol = match server {
        Server::Mosquitto => "mqtt",
        Server::Nats => "nats",
        Server::Quic => "quic",
        Server::Hub | Server::Bare | Server::BareLink | Server::Etcd => "hub",
    };
    let more = words(&["--agents", &agents.to_string()]);
    let held: Held = load(&running, &["hold", protocol], &more, WITHIN);
    eprintln!("  {held:?}");
    held
}

pub(super) fn idle(options: &Options) -> Vec<Figure> {
    let agents = options.agents.unwrap_or(5000);
    let all = [
        Server::Hub,
        Server::BareLink,
        Server::Quic,
        Server::Mosquitto,
        Server::Nats,
    ];
    let servers = if options.alone { &all[..3] } else { &all[..] };
    let results = rounds(options, servers, |server| held(server, agents));
    let medians: Vec<(Server, f64, f64)> = results
        .into_iter()
        .map(|(server, held)| {
            let of = |part: fn(&Held) -> f64| median(held.iter().map(part).collect());
            (server, of(|it| it.bytes), of(|it| it.connect_us))
        })
        .collect();
    let Some(((_, bytes, connect), others)) = medians.split_first().map(|(it, rest)| (*it, rest))
    else {
        return Vec::new();
    };
    let bytes_of = ("idle", "hub_bytes_per_agent", "B");
    let connect_of = ("idle", "hub_cpu_us_per_connection", "µs");
    let mut figures = Vec::new();
    for (server, their_bytes, _) in others {
        figures.push(Figure::new(
            bytes_of,
            bytes,
            server.name(),
            *their_bytes,
            "-",
        ));
    }
    figures.push(Figure::new(bytes_of, bytes, "goal", 27_000.0, "-"));
    for (server, _, their_connect) in others {
        figures.push(Figure::new(
            connect_of,
            connect,
            server.name(),
            *their_connect,
            "-",
        ));
    }
    figures
}
