//! Regions as text.

use comfy_table::Cell;
use shared::model::UnixMillis;

use super::super::moment::{ago, exact};
use super::super::output::{Screen, figure, state};
use crate::api::{OpenInvitations, RegionDocument, Time, TotalsDocument};

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
    [
        Cell::new(&region.name),
        state(&region.state),
        Cell::new(ago(&region.since, now)),
        figure(region.totals.servers),
        figure(region.totals.servers_running),
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
    let totals = &region.totals;
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
        ("Servers", servers(totals)),
        ("vCPUs", of(totals.vcpus_used, totals.vcpus_total, "")),
        (
            "Memory",
            of(totals.memory_used_mib, totals.memory_total_mib, " MiB"),
        ),
        (
            "Storage",
            of(totals.storage_used_gib, totals.storage_total_gib, " GiB"),
        ),
        (
            "Addresses",
            of(totals.addresses_used, totals.addresses_total, ""),
        ),
        (
            "Volumes",
            format!("{} ({} GiB)", totals.volumes, totals.volumes_gib),
        ),
        ("Networks", totals.networks.to_string()),
        (
            "Floating IPs",
            of(totals.floating_ips_attached, totals.floating_ips, ""),
        ),
        (
            "Nodes",
            format!("{} up of {}", totals.nodes_up, totals.nodes),
        ),
    ]);
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

fn servers(totals: &TotalsDocument) -> String {
    let TotalsDocument {
        servers,
        servers_running,
        servers_stopped,
        servers_other,
        ..
    } = totals;
    format!(
        "{servers}: {servers_running} running, {servers_stopped} stopped, {servers_other} other"
    )
}

fn of(used: u64, total: u64, unit: &str) -> String {
    format!("{used} of {total}{unit}")
}

/// A name as a POSIX shell takes it for one word.
pub(in crate::cli) fn word(name: &str) -> String {
    if name
        .chars()
        .all(|c| c.is_alphanumeric() || "._-".contains(c))
    {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
pub(super) mod tests;
