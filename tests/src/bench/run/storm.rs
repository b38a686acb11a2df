//! `storm`: seconds from the hub's end until all agents are back.

use std::time::Duration;

use super::idle::held;
use super::{Options, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::process::{Process, cpu_us};
use crate::bench::servers::{LOADER_CORE, Server};
use crate::bench::storm::{STORM_MAX, Storm, unix_ms};

/// 5,000 agents' coming, on a machine that has much else to do.
const CONNECT_MAX: Duration = Duration::from_secs(180);

pub(super) fn storm(options: &Options) -> Vec<Figure> {
    let agents = options.agents.unwrap_or(5000);
    let results = rounds(options, &[Server::Hub, Server::Quic], |server| {
        if server == Server::Quic {
            // One core's time for the connections alone.
            return held(server, agents).connect_us * agents as f64 / 1e6;
        }
        let mut running = server.start(agents);
        let own = std::env::current_exe().unwrap();
        let (dir, address) = (running.dir.to_str().unwrap(), running.address.to_string());
        let count = agents.to_string();
        let arguments = [
            "weather", "--dir", dir, "--server", &address, "--agents", &count,
        ];
        let log = running.dir.join("weather.log");
        let mut loader = Process::start(LOADER_CORE, &own, &words(&arguments), &log);
        loader.says("READY", CONNECT_MAX);
        let begun = unix_ms();
        running.process.kill();
        loader.tell("the hub is killed");
        running.serve_again();
        let served = (unix_ms() - begun) as f64 / 1000.0;
        let storm = loader.says("DONE", STORM_MAX * 2);
        let storm: Storm = serde_json::from_str(&storm).unwrap();
        let hub_us = cpu_us(running.process.pid()) as f64 / agents as f64;
        let seconds = (storm.done_ms - begun) as f64 / 1000.0;
        eprintln!(
            "  {seconds:.2} s, the hub served after {served:.2} s and took {hub_us:.0} µs an agent"
        );
        eprintln!("  {storm:?}");
        seconds
    });
    let mut medians = results.into_iter().map(|(_, seconds)| median(seconds));
    let (seconds, connections) = (medians.next().unwrap(), medians.next().unwrap());
    let figure = |against, value| {
        let what = ("storm", "seconds_to_all_fresh", "s");
        Figure::new(what, seconds, against, value, Server::Hub.durability())
    };
    vec![
        figure("goal", 3.0),
        figure(Server::Quic.name(), connections),
    ]
}
