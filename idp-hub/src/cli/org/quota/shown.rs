//! Quotas as text. Names are strangers' words: one line each.

use comfy_table::Cell;
use shared::foreign::{self, word};

use super::super::super::output::{Screen, figure};
use super::super::super::prompt::YES;
use super::super::shown::within;
use crate::api::{
    AllocationDocument, HoldingsDocument, LeftoverDocument, LimitsSetList, LimitsWaitingDocument,
    ProjectQuotaDocument, ResourceQuotaDocument, ShareDocument, SumDocument,
};

/// Resources that are shown also where nothing of them is used: what an operator asks for first.
const FIRST: [&str; 7] = [
    "cores",
    "floatingip",
    "gigabytes",
    "instances",
    "network",
    "ram",
    "volumes",
];

/// What each project may use and uses.
pub(super) fn quotas(all: &[ProjectQuotaDocument], full: bool, screen: Screen) -> String {
    if all.is_empty() {
        return "No region has told a quota of such a project (yet). `idp-hub region list` shows \
                what regions there are."
            .to_owned();
    }
    let names = [
        "REGION",
        "PROJECT",
        "DEPARTMENT",
        "RESOURCE",
        "LIMIT",
        "USED",
        "RESERVED",
        "WANTED",
    ];
    let mut rows = Vec::new();
    let mut whys: Vec<String> = Vec::new();
    for project in all {
        let shown = project.resources.iter();
        for it in shown.filter(|it| full || is_of_interest(it)) {
            let wanted = it.wanted.map_or_else(String::new, limit);
            rows.push([
                Cell::new(foreign::line(&project.region)),
                Cell::new(foreign::name(&project.name)),
                Cell::new(
                    (project.department.as_ref())
                        .map_or_else(String::new, |it| foreign::name(&it.name)),
                ),
                Cell::new(foreign::line(&it.name)),
                figure(it.limit.map_or_else(unknown, limit)),
                figure(it.used.map_or_else(unknown, |it| it.to_string())),
                figure(it.reserved.map_or_else(unknown, |it| it.to_string())),
                figure(wanted),
            ]);
            if let Some(why) = &it.why {
                whys.push(format!(
                    "  {} of {}{} in {}: {}",
                    foreign::line(&it.name),
                    foreign::name(&project.name),
                    within(project.department.as_ref()),
                    foreign::line(&project.region),
                    foreign::line(why)
                ));
            }
        }
    }
    let mut text = screen.listed(names, rows);
    if !whys.is_empty() {
        text.push_str("\n\nNot (yet) as it was set here:\n");
        text.push_str(&whys.join("\n"));
    }
    text
}

fn is_of_interest(it: &ResourceQuotaDocument) -> bool {
    let is_used = it.used.is_some_and(|it| it > 0) || it.reserved.is_some_and(|it| it > 0);
    is_used || it.wanted.is_some() || FIRST.contains(&it.name.as_str())
}

/// What no region has told.
fn unknown() -> String {
    "?".to_owned()
}

fn limit(limit: i64) -> String {
    match limit {
        -1 => "unlimited".to_owned(),
        limit => limit.to_string(),
    }
}

/// What was set.
pub(super) fn set(set: &LimitsSetList) -> String {
    let region = foreign::line(&set.region);
    let mut text = match set.changed.is_empty() && set.waiting.is_empty() {
        true => format!("It was so before; the agent of {region} is told nothing new."),
        false if set.read_only => format!(
            "The agent of {region} takes no changes (read_only in its [policy]): it is told, and \
             sets none of this\nin its cloud before that is changed there:"
        ),
        false => format!("The agent of {region} is told:"),
    };
    for it in &set.changed {
        text.push_str(&format!(
            "\n  {}, {}: {} (before: {})",
            foreign::line(&it.name),
            it.service,
            foreign::line(&it.after),
            foreign::line(&it.before)
        ));
    }
    for it in &set.waiting {
        text.push_str(&format!("\n  {}", waiting(it)));
    }
    text.push_str(&ended(set));
    let is_told = !set.changed.is_empty() || !set.waiting.is_empty();
    if is_told && !set.read_only {
        text.push_str(&format!(
            "\n`idp-hub org quota list {}` shows when the region has it.",
            word(&set.region)
        ));
    }
    text
}

fn waiting(it: &LimitsWaitingDocument) -> String {
    let givers: Vec<String> = it.until_lower.iter().map(|it| foreign::line(it)).collect();
    format!(
        "{}, {}: {} once it has lowered that of {}",
        foreign::line(&it.name),
        it.service,
        foreign::line(&it.after),
        givers.join(", ")
    )
}

/// What waits no more.
fn ended(set: &LimitsSetList) -> String {
    let all = set.ended.iter();
    let all: String = all.map(|it| format!("\n  {}", waiting(it))).collect();
    match set.ended.is_empty() {
        true => String::new(),
        false => format!("\nWaits no more, and is not told:{all}"),
    }
}

/// What is set no more, and what counts from then on.
pub(super) fn unset(set: &LimitsSetList) -> String {
    let region = foreign::line(&set.region);
    let mut text = match set.changed.is_empty() {
        true => "None of it was told yet.".to_owned(),
        false => "Not set at the hub any more:".to_owned(),
    };
    for it in &set.changed {
        let (name, before) = (foreign::line(&it.name), foreign::line(&it.before));
        text.push_str(&format!("\n  {name}, {}: {before}", it.service));
    }
    text.push_str(&ended(set));
    text.push_str(&format!(
        "\nNothing is changed in {region}: its cloud keeps the limit that it has, as it was told \
         last or as\nsomebody has set it there since, and goes on refusing what is beyond it. The \
         hub only says no\nmore what it should be, and does not show any more where it is \
         another.\n  next: idp-hub org quota list {0}, which shows the limit that counts; for \
         another one:\n  idp-hub org quota set {0} PROJECT RESOURCE=N",
        word(&set.region)
    ));
    text
}

/// What of a region is given to whom.
pub(super) fn allocation(it: &AllocationDocument, screen: Screen) -> String {
    let names = [
        "RESOURCE",
        "CAPACITY",
        "ALLOCATED",
        "DIRECTORY",
        "LEFTOVERS",
        "USED",
    ];
    let is_shown = |sum: &SumDocument| sum.limit > 0 || sum.used > 0;
    let shown = it.resources.iter().filter(|it| is_shown(&it.allocated));
    let rows = shown.map(|it| {
        [
            Cell::new(format!("{}:{}", it.service, foreign::line(&it.name))),
            figure(it.capacity.map_or_else(unknown, |it| it.to_string())),
            figure(sum(&it.allocated)),
            figure(sum(&it.directory)),
            figure(sum(&it.leftovers)),
            figure(it.allocated.used),
        ]
    });
    let mut text = screen.listed(names, rows);
    text.push_str(
        "\n\nAllocated is what the directory's projects and the leftovers may use. +n∞: n projects \
         more have no\nlimit; +n?: the region has not told the quota of n more.",
    );
    for left in &it.leftovers {
        text.push_str("\n\n");
        text.push_str(&leftover(left));
    }
    if it.leftovers.is_empty() {
        text.push_str("\n\nNothing is left over.");
    }
    text
}

fn sum(it: &SumDocument) -> String {
    let mut text = it.limit.to_string();
    if it.unlimited > 0 {
        text.push_str(&format!(" +{}∞", it.unlimited));
    }
    if it.unknown > 0 {
        text.push_str(&format!(" +{}?", it.unknown));
    }
    text
}

fn leftover(it: &LeftoverDocument) -> String {
    let name = foreign::name(&it.name);
    let own = foreign::line(&it.own);
    let within = within(it.department.as_ref());
    let mut text = format!("{name}{within} ({own}): {}.", it.reason);
    let is_first = |it: &&ShareDocument| FIRST.contains(&it.name.as_str()) && it.limit != 0;
    let shares: Vec<String> = it.shares.iter().filter(is_first).map(share).collect();
    if !shares.is_empty() {
        text.push_str(&format!("\n  may use: {}", shares.join(", ")));
    }
    text.push_str(&format!("\n  has: {}", holds(&it.holds)));
    for step in &it.cure {
        text.push_str(&format!("\n  next: {}", foreign::line(step)));
    }
    text
}

fn share(it: &ShareDocument) -> String {
    let part = it
        .permille
        .map(|it| format!(" ({}.{} %)", it / 10, it % 10));
    let name = foreign::line(&it.name);
    format!("{name} {}{}", limit(it.limit), part.unwrap_or_default())
}

fn holds(it: &HoldingsDocument) -> String {
    let parts = [
        (it.servers, "servers"),
        (it.volumes, "volumes"),
        (it.networks, "networks"),
        (it.floating_ips, "floating IPs"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match parts.is_empty() {
        true => "no servers, volumes, networks or floating IPs".to_owned(),
        false => parts.join(", "),
    }
}

/// Asks before a leftover is zeroed.
pub(super) fn question(region: &str, it: &LeftoverDocument) -> String {
    format!(
        "{}\n\nLeave it what it uses in {}, and nothing more? Type {YES} to go on: ",
        leftover(it),
        foreign::line(region)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_no_more_is_told_with_what_counts_from_then_on() {
        let of = |changed| {
            let set = json!({ "region": "two words", "changed": changed, "waiting": [],
                "ended": [] });
            unset(&serde_json::from_value(set).unwrap())
        };
        let limit = json!({ "name": "cores", "service": "compute", "before": "40",
            "after": "as it is there" });
        let text = of(json!([limit]));
        for said in [
            "cores, compute: 40",
            "its cloud keeps the limit that it has",
            "idp-hub org quota list 'two words'",
            "idp-hub org quota set 'two words' PROJECT RESOURCE=N",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(of(json!([])).starts_with("None of it was told yet.\nNothing is changed in"));
    }
}
