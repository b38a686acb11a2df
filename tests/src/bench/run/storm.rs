//! `storm`: seconds from the hub's end until all agents are back.

use super::{Options, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::process::Process;
use crate::bench::servers::{LOADER_CORE, Server};
use crate::bench::storm::unix_ms;

pub(super) fn storm(options: &Options) -> Vec<Figure> {
    let results = rounds(options, &[Server::Hub], |server| {
        let mut running = server.start(options.agents);
        let own = std::env::current_exe().unwrap();
        let (dir, address) = (running.dir.to_str().unwrap(), running.address.to_string());
        let agents = options.agents.to_string();
        let arguments = [
            "weather", "--dir", dir, "--server", &address, "--agents", &agents,
        ];
        let log = running.dir.join("weather.log");
        let mut loader = Process::start(LOADER_CORE, &own, &words(&arguments), &log);
        loader.says("READY");
        let begun = unix_ms();
        running.kill_and_serve();
        let done: u128 = loader.says("DONE").parse().unwrap();
        let seconds = (done - begun) as f64 / 1000.0;
        eprintln!("  {seconds:.2} s");
        seconds
    });
    let seconds = median(
        results
            .into_iter()
            .flat_map(|(_, seconds)| seconds)
            .collect(),
    );
    let what = ("storm", "seconds_to_all_fresh", "s");
    vec![Figure::new(
        what,
        seconds,
        "goal",
        3.0,
        Server::Hub.durability(),
    )]
}
