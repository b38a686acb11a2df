//! `[cloud.simulated]`: what the built-in cloud is like.

use std::time::Duration;

use shared::model::{ServiceKind, UnixMillis};
use shared::runtime::settings::Table;

use crate::cloud::simulated::{
    ACCOUNT_DEFAULT, ANSWER_TIME_MAX, Character, FAULTS_MAX, FLOATING_IPS_MAX, Fault, FaultKind,
    NETWORKS_MAX, NODES_MAX, Options, PACE_MAX, PROJECTS_MAX, Plan, SERVERS_MAX, VOLUMES_MAX,
};

/// The latest that a scripted fault may begin, and the longest that it may last: no demonstration
/// is older.
const SCRIPT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn read(mut table: Table<'_>) -> Option<Plan> {
    let default = Options::default();
    let characters = Character::ALL.map(|it| (it.name(), it));
    let options = Options {
        seed: table.integer("seed", 0..=u64::MAX).or(default.seed).value,
        servers: number(&mut table, "servers", 0..=SERVERS_MAX).unwrap_or(default.servers),
        projects: number(&mut table, "projects", 1..=PROJECTS_MAX),
        nodes: number(&mut table, "nodes", 0..=NODES_MAX),
        volumes: number(&mut table, "volumes", 0..=VOLUMES_MAX),
        networks: number(&mut table, "networks", 0..=NETWORKS_MAX),
        floating_ips: number(&mut table, "floating_ips", 0..=FLOATING_IPS_MAX),
        character: table
            .choice("character", &characters)
            .or(default.character)
            .value,
        pace: number(&mut table, "pace", 0..=PACE_MAX),
        born: born(&mut table),
        faults: faults(&mut table),
        latency: table
            .duration("latency", Duration::ZERO..=ANSWER_TIME_MAX)
            .or(default.latency)
            .value,
        administrator: administrator(&mut table),
    };
    match options.check() {
        Ok(plan) => Some(plan),
        Err(errors) => {
            for error in errors {
                table.fault(error, "change these settings");
            }
            None
        }
    }
}

fn number(
    table: &mut Table<'_>,
    key: &'static str,
    bounds: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    let bounds = u64::from(*bounds.start())..=u64::from(*bounds.end());
    let given = table.integer(key, bounds).value?;
    u32::try_from(given).ok()
}

fn administrator(table: &mut Table<'_>) -> (String, String) {
    let (name, password) = ACCOUNT_DEFAULT;
    let mut text = |key, default: &str| {
        let given = table.text(key, default);
        if given.value.as_deref() == Some("") {
            given.fault("is empty", format!("write \"{default}\", or remove it"));
        }
        given.value.unwrap_or_else(|| default.to_owned())
    };
    (
        text("administrator", name),
        text("administrator_password", password),
    )
}

fn born(table: &mut Table<'_>) -> Option<UnixMillis> {
    const EXAMPLE: &str = "2026-11-01T00:00:00Z";
    table
        .text("born", EXAMPLE)
        .try_map(|text| {
            let time = text.parse::<jiff::Timestamp>().ok();
            time.and_then(|it| u64::try_from(it.as_millisecond()).ok())
                .map(UnixMillis)
                .ok_or_else(|| {
                    let what = format!("{text:?} is no time since 1970");
                    (what, format!("write \"{EXAMPLE}\""))
                })
        })
        .value
}

/// How a script names what happens.
#[derive(Clone, Copy)]
enum What {
    Down,
    Slow,
    Unauthorized,
    Missing,
}

fn faults(table: &mut Table<'_>) -> Vec<Fault> {
    let sections = table.sections("faults");
    if sections.len() > FAULTS_MAX {
        let what = format!("has {} scripted faults", sections.len());
        table.fault(what, format!("leave at most {FAULTS_MAX}"));
    }
    sections.into_iter().filter_map(fault).collect()
}

fn fault(mut table: Table<'_>) -> Option<Fault> {
    let services = ServiceKind::ALL.map(|it| (it.name(), it));
    let whats = [
        ("down", What::Down),
        ("slow", What::Slow),
        ("unauthorized", What::Unauthorized),
        ("missing", What::Missing),
    ];
    let script = Duration::ZERO..=SCRIPT_MAX;
    let at = table.duration("at", script.clone());
    let at = at.required("write how long after the cloud's birth, such as at = \"2m\"");
    let lasts = table
        .duration("lasts", script)
        .required("write lasts = \"30s\"");
    let service = table
        .choice("service", &services)
        .required("write a service such as \"compute\"");
    let what = table
        .choice("what", &whats)
        .required("write \"down\", \"slow\", \"unauthorized\" or \"missing\"");
    let by = table.duration("by", Duration::ZERO..=2 * ANSWER_TIME_MAX);
    let what = match what.value? {
        What::Slow => {
            let by = by.required("write by how much slower each answer is, such as by = \"3s\"");
            FaultKind::Slow(by.value?)
        }
        other => {
            if by.is_given() {
                by.fault("is for what = \"slow\" only", "remove it");
            }
            match other {
                What::Unauthorized => FaultKind::Unauthorized,
                What::Missing => FaultKind::Missing,
                What::Down | What::Slow => FaultKind::Down,
            }
        }
    };
    Some(Fault {
        at: at.value?,
        lasts: lasts.value?,
        service: service.value?,
        what,
    })
}
