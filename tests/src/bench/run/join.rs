//! `join`: the hub's processor time for a region's coming.

use std::time::Duration;

use super::idle::held;
use super::{Options, load, rounds};
use crate::bench::figures::{Figure, median};
use crate::bench::join::{JOINS, Joined, WARM_UP};
use crate::bench::servers::Server;

/// The joins take a second of their own.
const WITHIN: Duration = Duration::from_secs(120);

pub(super) fn join(options: &Options) -> Vec<Figure> {
    let alone = std::cell::RefCell::new(Vec::new());
    let results = rounds(options, &[Server::Hub], |server| {
        alone.borrow_mut().push(held(Server::Quic, 1000).connect_us);
        let running = server.start_inviting(0, JOINS + WARM_UP);
        let joined: Joined = load(&running, &["join-hub"], &[], WITHIN);
        eprintln!("  {joined:?}");
        joined
    });
    let joined: Vec<Joined> = results.into_iter().flat_map(|(_, joined)| joined).collect();
    let of = |part: fn(&Joined) -> f64| median(joined.iter().map(part).collect());
    let (beyond, database) = (of(|it| it.beyond_database), of(|it| it.database));
    let durability = Server::Hub.durability();
    let figure = |metric, against: &str, value| {
        Figure::new(("join", metric, "µs"), beyond, against, value, durability)
    };
    vec![
        figure("hub_cpu_us_per_join", "goal", 430.0),
        figure("hub_cpu_us_per_join", "its database", database),
        figure(
            "hub_cpu_us_per_join",
            Server::Quic.name(),
            median(alone.into_inner()),
        ),
    ]
}
