//! Figures: medians, a table for people, a line of JSON for machines.

use comfy_table::Table;
use serde::Serialize;

/// One figure of one benchmark, beside another's.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The benchmark.
    pub bench: &'static str,
    /// What was measured.
    pub metric: &'static str,
    /// Ours.
    pub value: f64,
    /// Of `value`.
    pub unit: &'static str,
    /// Beside whom, or which goal.
    pub against: String,
    /// Theirs.
    pub against_value: f64,
    /// `value` / `against_value`.
    pub ratio: f64,
    /// What an acknowledgement of ours, and of theirs, means.
    pub durability: String,
}

impl Figure {
    /// A figure of ours beside another.
    pub fn new(
        (bench, metric, unit): (&'static str, &'static str, &'static str),
        value: f64,
        against: impl Into<String>,
        against_value: f64,
        durability: impl Into<String>,
    ) -> Self {
        Self {
            bench,
            metric,
            value,
            unit,
            against: against.into(),
            against_value,
            ratio: value / against_value,
            durability: durability.into(),
        }
    }
}

/// The middle one; of an even number, the upper middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints figures.
pub fn show(figures: &[Figure], json: bool) {
    if json {
        for figure in figures {
            println!("{}", serde_json::to_string(figure).unwrap());
        }
        return;
    }
    let mut table = Table::new();
    table.set_header([
        "bench",
        "metric",
        "ours",
        "unit",
        "against",
        "theirs",
        "ratio",
        "durability",
    ]);
    for it in figures {
        table.add_row([
            it.bench.to_owned(),
            it.metric.to_owned(),
            short(it.value),
            it.unit.to_owned(),
            it.against.clone(),
            short(it.against_value),
            format!("{:.2}", it.ratio),
            it.durability.clone(),
        ]);
    }
    println!("{table}");
}

fn short(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_of_any_order() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![5.0]), 5.0);
    }
}
