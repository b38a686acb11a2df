//! `wire`: bytes of a change, and of a minute without one.

use std::time::Duration;

use super::{Options, load, rounds};
use crate::bench::figures::{Figure, median};
use crate::bench::servers::Server;
use crate::bench::wire::Bytes;

/// 70 s are the loader's own.
const WITHIN: Duration = Duration::from_secs(180);

pub(super) fn wire(options: &Options) -> Vec<Figure> {
    let results = rounds(options, &[Server::Hub], |server| {
        let counted: Bytes = load(&server.start(1), &["count-wire"], &[], WITHIN);
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
