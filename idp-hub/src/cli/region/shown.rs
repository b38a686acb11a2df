//! Regions as text.

use comfy_table::Cell;
use shared::model::UnixMillis;

use super::super::moment::{ago, exact};
use super::super::output::{Screen, figure as number, state};
use crate::api::{OpenInvitations, RegionDocument, Time};

/// Regions whose next steps stand below the list; beyond it the list alone is long enough.
const STEPS_MAX: usize = 10;

/// A table with a line each, and below it what to do.
pub(super) fn list(regions: &[RegionDocument], now: UnixMillis, screen: Screen) -> String {
    if regions.is_empty() {
        return "There are no regions yet. Invite one: idp-hub region invite NAME".to_owned();
    }
    let names = [
        "NAME", "STATE", "FOR", "SERVERS", "RUNNING", "DATA", "REASON",
    ];
    let mut text = screen.listed(names, regions.iter().map(|it| row(it, now)));
    if regions.iter().any(|it| lacks(it, "servers")) {
        text.push_str(
            "\n\nunknown, or a + behind a number: not all servers there were read yet, or they \
             can't be.\n  next: idp-hub region show NAME",
        );
    }
    let in_need: Vec<_> = regions.iter().filter(|it| it.state != "healthy").collect();
    for region in in_need.iter().take(STEPS_MAX) {
        text.push_str(&format!("\n\n{}: {}", region.name, why(region)));
        text.push_str(&format!("\n  next: {}", region.next_step));
    }
    if in_need.len() > STEPS_MAX {
        let more = in_need.len() - STEPS_MAX;
        text.push_str(&format!(
            "\n\n{more} more are not healthy; see: idp-hub region show NAME"
        ));
    }
    text
}

fn row(region: &RegionDocument, now: UnixMillis) -> [Cell; 7] {
    let reason = match region.reason.as_str() {
        "ok" => "",
        reason => reason,
    };
    let data = region.data_from.as_ref();
    let is_lacking = lacks(region, "servers");
    let servers = |it| number(figure(it, is_lacking, ""));
    [
        Cell::new(&region.name),
        state(&region.state),
        Cell::new(ago(&region.since, now)),
        servers(region.totals.servers),
        servers(region.totals.servers_running),
        Cell::new(data.map_or("never".to_owned(), |it| ago(it, now))),
        Cell::new(reason),
    ]
}

/// A table with a line each.
pub(super) fn invitations(open: &OpenInvitations, screen: Screen) -> String {
    if open.items.is_empty() {
        return "No invitation is open. Make one: idp-hub region invite NAME".to_owned();
    }
    let rows = open.items.iter().map(|it| [&it.region, &it.expires.0]);
    screen.listed(["NAME", "GOOD UNTIL"], rows)
}

fn why(region: &RegionDocument) -> String {
    match region.detail.as_str() {
        "" => region.reason.clone(),
        detail => format!("{} ({detail})", region.reason),
    }
}

/// Everything about one.
pub(super) fn one(region: &RegionDocument, now: UnixMillis, screen: Screen) -> String {
    let moment = |it: &Time| exact(it, now);
    let mut pairs = vec![
        ("Name", region.name.clone()),
        (
            "State",
            format!("{} for {}", region.state, ago(&region.since, now)),
        ),
        ("Reason", why(region)),
    ];
    for trouble in &region.troubles {
        pairs.push((
            "Service",
            format!("{} {} {}", trouble.service, trouble.state, trouble.reason),
        ));
    }
    let data = region.data_from.as_ref().map_or("never".to_owned(), moment);
    pairs.extend([
        (
            "Cloud",
            format!("{} {}", region.cloud.kind, region.cloud.version),
        ),
        ("Endpoint", region.cloud.endpoint.clone()),
        ("Agent", format!("{} on {}", region.software, region.host)),
        ("Joined", moment(&region.joined)),
        ("Standing", region.standing.clone()),
        ("Last heard", moment(&region.last_heard)),
        ("Data from", data),
        (
            "Certificate",
            format!("expires {}", region.certificate_expires.0),
        ),
        ("Key", region.key_fingerprint.clone()),
        ("Sealing key", sealing_key(region, now)),
        ("Id", region.id.clone()),
    ]);
    pairs.extend(figures(region));
    if !region.lacking.is_empty() {
        pairs.push(("Not known", not_known(region)));
    }
    let mut text = screen.pairs(pairs);
    if !region.next_step.is_empty() {
        text.push_str(&format!("\n\n  next: {}", region.next_step));
    }
    text
}

/// To which key passwords are sealed, and since when: one that nobody expects is another one's.
fn sealing_key(region: &RegionDocument, now: UnixMillis) -> String {
    let since = region.sealing_key_since.as_ref();
    match (&region.sealing_key_fingerprint, since) {
        (None, _) => "none told yet".to_owned(),
        (Some(key), None) => key.clone(),
        (Some(key), Some(since)) => format!("{key} since {}", exact(since, now)),
    }
}

/// What there is of each thing, as far as it is known.
fn figures(region: &RegionDocument) -> [(&'static str, String); 9] {
    let it = &region.totals;
    let used = |of: (Option<u64>, Option<u64>), figures: &str, unit: &str| match of {
        (Some(used), Some(total)) => {
            let total = figure(Some(total), lacks(region, figures), unit);
            format!("{used} of {total}")
        }
        _ => UNKNOWN.to_owned(),
    };
    let nodes = |of, unit: &str| used(of, "nodes", unit);
    let networks = |of| used(of, "networks", "");
    [
        ("Servers", servers(region)),
        ("vCPUs", nodes((it.vcpus_used, it.vcpus_total), "")),
        (
            "Memory",
            nodes((it.memory_used_mib, it.memory_total_mib), " MiB"),
        ),
        (
            "Storage",
            used(
                (it.storage_used_gib, it.storage_total_gib),
                "volumes",
                " GiB",
            ),
        ),
        (
            "Addresses",
            networks((it.addresses_used, it.addresses_total)),
        ),
        ("Volumes", volumes(region)),
        (
            "Networks",
            figure(it.networks, lacks(region, "networks"), ""),
        ),
        (
            "Floating IPs",
            networks((it.floating_ips_attached, it.floating_ips)),
        ),
        (
            "Nodes",
            match (it.nodes_up, it.nodes) {
                (Some(up), nodes @ Some(_)) => {
                    format!("{up} up of {}", figure(nodes, lacks(region, "nodes"), ""))
                }
                _ => UNKNOWN.to_owned(),
            },
        ),
    ]
}

/// Why some figures are unknown, or have a `+`.
fn not_known(region: &RegionDocument) -> String {
    let why = match region.complete {
        true => "its service is being read for the first time, fails, or is not there",
        false => "the region is being read for the first time, and not all of it was read yet",
    };
    format!(
        "not all of {}: where unknown stands, or a + behind a number, there may be more, as {why} \
         (see Service, if one is named)",
        region.lacking.join(", ")
    )
}

/// What stands for a figure of which nothing is known.
const UNKNOWN: &str = "unknown";

/// Whether not all is known of some of a region's figures.
fn lacks(region: &RegionDocument, figures: &str) -> bool {
    region.lacking.iter().any(|it| it == figures)
}

/// A figure, with a mark where there may be more.
fn figure(known: Option<u64>, is_lacking: bool, unit: &str) -> String {
    match known {
        None => UNKNOWN.to_owned(),
        Some(known) if is_lacking => format!("{known}+{unit}"),
        Some(known) => format!("{known}{unit}"),
    }
}

/// How many servers a region has, for a sentence.
pub(super) fn servers_of(region: &RegionDocument) -> String {
    match region.totals.servers {
        None => "of its servers nothing is known".to_owned(),
        servers => format!("{} servers", figure(servers, lacks(region, "servers"), "")),
    }
}

fn servers(region: &RegionDocument) -> String {
    let it = &region.totals;
    let (Some(running), Some(stopped), Some(other)) =
        (it.servers_running, it.servers_stopped, it.servers_other)
    else {
        return UNKNOWN.to_owned();
    };
    let all = figure(it.servers, lacks(region, "servers"), "");
    format!("{all}: {running} running, {stopped} stopped, {other} other")
}

fn volumes(region: &RegionDocument) -> String {
    match (region.totals.volumes, region.totals.volumes_gib) {
        (all @ Some(_), Some(gib)) => {
            format!("{} ({gib} GiB)", figure(all, lacks(region, "volumes"), ""))
        }
        _ => UNKNOWN.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests;
