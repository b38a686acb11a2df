//! `agent`: a real agent beside a large simulated cloud, joined to a real hub.
//!
//! Both are the daemons' own binaries, as an operator runs them. `rss_mib` is what the kernel says
//! of the agent's process after [`SETTLE`] in peace, and includes the simulated cloud itself, which
//! lives in the agent. `loss_seen_s` is from the signal until the hub shows the region as
//! unreachable, asked every tenth of a second: `SIGKILL`, of which nobody tells the hub, and
//! `SIGSTOP`, which is what a cut line is: sockets are there and nothing comes. The larger of both
//! counts.

use std::time::Duration;

use super::Options;
use crate::bench::figures::{Figure, median};
use crate::bench::process::rss_bytes;
use crate::lab::Lab;

/// Servers of the cloud.
const SERVERS: u64 = 10_000;

/// From the hub's showing all to the measurement: two audits of the whole cloud.
const SETTLE: Duration = Duration::from_secs(25);

const REGION: &str = "north";

struct Round {
    rss_mib: f64,
    killed: f64,
    stopped: f64,
}

pub(super) fn agent(options: &Options) -> Vec<Figure> {
    let rounds: Vec<Round> = (1..=options.rounds)
        .map(|number| {
            eprintln!("round {number} of {}: a hub and an agent", options.rounds);
            round()
        })
        .collect();
    let of = |part: fn(&Round) -> f64| median(rounds.iter().map(part).collect());
    let seen = of(|it| it.killed.max(it.stopped));
    vec![
        Figure::new(
            ("agent", "rss_mib", "MiB"),
            of(|it| it.rss_mib),
            "goal",
            40.0,
            "-",
        ),
        Figure::new(("agent", "loss_seen_s", "s"), seen, "goal", 15.0, "-"),
    ]
}

fn round() -> Round {
    let lab = Lab::found();
    let cloud = format!(
        "kind = \"simulated\"\n[cloud.simulated]\nseed = 7\nservers = {SERVERS}\n\
         character = \"steady\"\n"
    );
    let mut region = lab.join(REGION, &cloud, lab.link());
    lab.until(REGION, "healthy");
    // The cloud lives: some servers come, some go.
    let most = SERVERS * 9 / 10;
    lab.until_shown(&true, || {
        lab.show(REGION)["totals"]["servers"].as_u64() >= Some(most)
    });
    std::thread::sleep(SETTLE);
    let rss_mib = rss_bytes(region.daemon.pid()) as f64 / f64::from(1 << 20);
    region.daemon.kill();
    let killed = lab.until(REGION, "unreachable").as_secs_f64();
    region.daemon.again();
    lab.until(REGION, "healthy");
    region.daemon.signal("STOP");
    let stopped = lab.until(REGION, "unreachable").as_secs_f64();
    region.daemon.signal("CONT");
    lab.until(REGION, "healthy");
    eprintln!("  {rss_mib:.1} MiB; seen after {killed:.1} s (killed), {stopped:.1} s (stopped)");
    Round {
        rss_mib,
        killed,
        stopped,
    }
}
