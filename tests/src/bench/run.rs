//! One benchmark from beginning to end: servers, loaders, interleaved rounds, medians.

use super::figures::{Figure, median, show};
use super::idle::Held;
use super::ingest::Rate;
use super::process::{Process, output};
use super::servers::{LOADER_CORE, Running, SERVER_CORE, Server};
use super::storm::unix_ms;
use super::wire::Bytes;

/// What `run` is asked for.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Which benchmark
    pub name: Name,
    /// A line of JSON for each figure, for machines
    #[arg(long)]
    pub json: bool,
    /// Interleaved rounds
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Records of a batch (ingest)
    #[arg(long, default_value_t = 16)]
    pub batch: usize,
    /// Records of one agent on their way (ingest)
    #[arg(long, default_value_t = 64)]
    pub window: usize,
    /// Agents (idle)
    #[arg(long, default_value_t = 5000)]
    pub agents: usize,
    /// Ours alone, without the peers
    #[arg(long)]
    pub alone: bool,
}

/// The benchmarks.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Name {
    /// Durable upserts
    Ingest,
    /// Memory of an idle agent's connection
    Idle,
    /// Bytes of a change, and of a minute without one
    Wire,
    /// All agents back after the hub was killed
    Storm,
}

/// Runs a benchmark and prints its figures.
pub fn run(options: &Options) {
    let figures = match options.name {
        Name::Ingest => ingest(options),
        Name::Idle => idle(options),
        Name::Wire => wire(options),
        Name::Storm => storm(options),
    };
    show(&figures, options.json);
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

/// Runs a loader of this program against a server, and reads what it measured.
fn load<T: serde::de::DeserializeOwned>(running: &Running, command: &[&str], more: &[String]) -> T {
    let mut arguments = words(command);
    arguments.extend(words(&["--dir", running.dir.to_str().unwrap()]));
    arguments.extend(words(&["--server", &running.address.to_string()]));
    arguments.extend(words(&["--pid", &running.process.pid().to_string()]));
    arguments.extend(more.iter().cloned());
    let own = std::env::current_exe().unwrap();
    serde_json::from_str(output(LOADER_CORE, &own, &arguments).trim()).unwrap()
}

/// Every server once in each round, so that what else the machine does falls on all alike.
fn rounds<T>(
    options: &Options,
    servers: &[Server],
    once: impl Fn(Server) -> T,
) -> Vec<(Server, Vec<T>)> {
    let mut results: Vec<(Server, Vec<T>)> = servers.iter().map(|it| (*it, Vec::new())).collect();
    for round in 1..=options.rounds {
        for (server, results) in &mut results {
            eprintln!(
                "round {round} of {}: {} on core {SERVER_CORE}, loader on core {LOADER_CORE}",
                options.rounds,
                server.name()
            );
            results.push(once(*server));
        }
    }
    results
}

fn ingest(options: &Options) -> Vec<Figure> {
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
            Server::Hub => "load-hub",
            Server::Bare => "load-bare",
            Server::Nats => "load-nats",
            Server::Mosquitto => "load-mqtt",
            Server::Etcd => "load-etcd",
        };
        let (batch, window) = (options.batch.to_string(), options.window.to_string());
        let more = words(&["--batch", &batch, "--window", &window]);
        let rate: Rate = load(&running, &[command], &more);
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

fn idle(options: &Options) -> Vec<Figure> {
    let all = [Server::Hub, Server::Mosquitto, Server::Nats];
    let servers = if options.alone { &all[..1] } else { &all[..] };
    let results = rounds(options, servers, |server| {
        let running = server.start(options.agents);
        let protocol = match server {
            Server::Mosquitto => "mqtt",
            Server::Nats => "nats",
            Server::Hub | Server::Bare | Server::Etcd => "hub",
        };
        let more = words(&["--agents", &options.agents.to_string()]);
        let held: Held = load(&running, &["hold", protocol], &more);
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

fn wire(options: &Options) -> Vec<Figure> {
    let results = rounds(options, &[Server::Hub], |server| {
        let counted: Bytes = load(&server.start(1), &["count-wire"], &[]);
        eprintln!("  {counted:?}");
        counted
    });
    let counted: Vec<Bytes> = results
        .into_iter()
        .flat_map(|(_, counted)| counted)
        .collect();
    let of = |part: fn(&Bytes) -> f64| median(counted.iter().map(part).collect());
    let (alone, together) = (of(|it| it.alone), of(|it| it.together));
    let goal = |metric, value, goal| {
        let durability = Server::Hub.durability();
        Figure::new(("wire", metric, "B"), value, "goal", goal, durability)
    };
    vec![
        goal("bytes_per_change", alone, 150.0),
        goal("bytes_per_change_of_ten", together, 150.0),
        goal("idle_bytes_per_minute", of(|it| it.idle_minute), 1500.0),
    ]
}

fn storm(options: &Options) -> Vec<Figure> {
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
