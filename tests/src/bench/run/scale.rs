//! `scale`: the hub's memory and processor time with a large fleet in peace.

use std::time::Duration;

use super::{Options, load, rounds, words};
use crate::bench::figures::{Figure, median};
use crate::bench::scale::Scale;
use crate::bench::servers::Server;

/// 10,000 agents' coming and their 75 s in peace, on a machine that has much else to do.
const WITHIN: Duration = Duration::from_secs(420);

pub(super) fn scale(options: &Options) -> Vec<Figure> {
    let agents = options.agents.unwrap_or(10_000);
    let results = rounds(options, &[Server::Hub], |server| {
        let running = server.start(agents);
        let more = words(&["--agents", &agents.to_string()]);
        let scale: Scale = load(&running, &["live"], &more, WITHIN);
        eprintln!("  {scale:?}");
        scale
    });
    let scales: Vec<Scale> = results.into_iter().flat_map(|(_, scale)| scale).collect();
    let of = |part: fn(&Scale) -> f64| median(scales.iter().map(part).collect());
    let rss = of(|it| it.rss as f64 / f64::from(1 << 20));
    let share = of(|it| it.core_share);
    let durability = Server::Hub.durability();
    let rss_of = ("scale", "hub_rss_mib", "MiB");
    let share_of = ("scale", "hub_core_share", "cores");
    vec![
        Figure::new(rss_of, rss, "goal", 512.0, durability),
        Figure::new(share_of, share, "goal", 0.25, durability),
    ]
}
