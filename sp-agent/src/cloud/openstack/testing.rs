//! What this client's tests share: a cloud on loopback that answers as it is told, and JSON of any
//! shape under the names that a parser looks for.

mod fake;

pub(super) use fake::{Fake, Reply, Seen, answer, options};
use proptest::prelude::*;
use serde_json::Value;

/// Any JSON document whose objects use `names` often enough to get past the first check.
pub(super) fn any_json(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "ACTIVE",
            "inf",
            "NaN",
            "-1",
            "2026-11-21T00:00:00Z",
            "::1"
        ])
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        9 => prop::sample::select(names).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .prop_map(|value| value.to_string())
}
