//! `merge`: how long the plan for a large organization takes, at its first merge and at the next,
//! what it holds, and the most that was held while it was made.

use std::time::Duration;

use super::{Options, words};
use crate::bench::figures::{Figure, median};
use crate::bench::merge::Planned;
use crate::bench::process::output;
use crate::bench::servers::SERVER_CORE;

const WITHIN: Duration = Duration::from_secs(120);

pub(super) fn merge(options: &Options) -> Vec<Figure> {
    let own = std::env::current_exe().unwrap();
    let planned: Vec<Planned> = (1..=options.rounds)
        .map(|round| {
            let printed = output(SERVER_CORE, &own, &words(&["plan-merge"]), WITHIN).unwrap();
            let planned = serde_json::from_str(printed.trim()).unwrap();
            eprintln!("round {round} of {}: {planned:?}", options.rounds);
            planned
        })
        .collect();
    let of = |part: fn(&Planned) -> f64| median(planned.iter().map(part).collect());
    let figure = |metric, unit, value, against: &str, against_value| {
        Figure::new(
            ("merge", metric, unit),
            value,
            against,
            against_value,
            "in memory",
        )
    };
    let mib = |metric, part: fn(&Planned) -> f64| {
        figure(metric, "MiB", of(part), "its input", of(|it| it.input_mib))
    };
    vec![
        figure("plan_ms", "ms", of(|it| it.plan_ms), "goal", 2000.0),
        figure("again_ms", "ms", of(|it| it.again_ms), "goal", 2000.0),
        mib("plan_mib", |it| it.plan_mib),
        mib("peak_mib", |it| it.peak_mib),
        mib("again_peak_mib", |it| it.again_peak_mib),
    ]
}
