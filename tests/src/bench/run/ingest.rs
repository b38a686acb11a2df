//! `ingest`: durable upserts a second, and the server's processor time for each.

use std::time::Duration;

use super::{Options, load, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::ingest::Rate;
use crate::bench::servers::Server;

/// Six seconds are the loader's own.
const WITHIN: Duration = Duration::from_secs(60);

pub(super) fn ingest(options: &Options) -> Vec<Figure> {
    let all = [
        Server::Hub,
        Server::Bare,
        Server::Nats,
        Server::Mosquitto,
        Server::Etcd,
    ];
    let servers = if options.alone { &all[..1] } else { &all[..] };
    let results = rounds(options, servers, |server| {
        let running = server.start(20);
        let command = match server {
            Server::Hub | Server::BareLink | Server::Quic => "load-hub",
            Server::Bare => "load-bare",
            Server::Nats => "load-nats",
            Server::Mosquitto => "load-mqtt",
            Server::Etcd => "load-etcd",
        };
        let (batch, window) = (options.batch.to_string(), options.window.to_string());
        let more = words(&["--batch", &batch, "--window", &window]);
        let rate: Rate = load(&running, &[command], &more, WITHIN);
        eprintln!("  {:.0}/s, {:.2} µs", rate.per_second, rate.cpu_us);
        rate
    });
    let medians: Vec<(Server, f64, f64)> = results
        .into_iter()
        .map(|(server, rates)| {
            let rate = median(rates.iter().map(|it| it.per_second).collect());
            (
                server,
                rate,
                median(rates.iter().map(|it| it.cpu_us).collect()),
            )
        })
        .collect();
    ingest_figures(&medians)
}

/// The hub, which is the first, beside each of the others and its goals.
fn ingest_figures(medians: &[(Server, f64, f64)]) -> Vec<Figure> {
    let Some(((hub, rate, cpu), others)) = medians.split_first().map(|(it, rest)| (*it, rest))
    else {
        return Vec::new();
    };
    let mut figures = Vec::new();
    let rate_of = ("ingest", "durable_upserts_per_s", "1/s");
    let cpu_of = ("ingest", "cpu_us_per_record", "µs");
    for (server, their_rate, _) in others {
        let durability = format!("{} / {}", hub.durability(), server.durability());
        figures.push(Figure::new(
            rate_of,
            rate,
            server.name(),
            *their_rate,
            durability,
        ));
    }
    for (server, _, their_cpu) in others {
        let durability = format!("{} / {}", hub.durability(), server.durability());
        figures.push(Figure::new(
            cpu_of,
            cpu,
            server.name(),
            *their_cpu,
            durability,
        ));
    }
    figures.push(Figure::new(
        rate_of,
        rate,
        "goal",
        197_000.0,
        hub.durability(),
    ));
    figures.push(Figure::new(cpu_of, cpu, "goal", 4.0, hub.durability()));
    figures
}
