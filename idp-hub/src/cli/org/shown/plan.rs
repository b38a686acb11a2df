//! What a merge would do, as text, and what came of it.

mod step;

use comfy_table::Cell;
use shared::foreign::{self, word};

use super::{exposed, local_administrators, withheld};
use crate::api::{LinksDocument, MergedDocument, PlanDocument, StepDocument};
use crate::cli::output::{Screen, figure};

/// Steps that stand below the counts; beyond it `--full` is easier to read.
const STEPS_MAX: usize = 20;

/// Actions as columns, in the order of what an operator wants to see first.
const ACTIONS: [(&str, &str); 7] = [
    ("found", "FOUNDED"),
    ("adopt", "TAKEN IN"),
    ("recognize", "KNOWN"),
    ("create", "MADE THERE"),
    ("withhold", "SWITCHED OFF"),
    ("block", "BLOCKED"),
    ("skip", "SKIPPED"),
];

/// The same in a region whose agent takes no changes: nothing comes of some.
const UNDONE: [(&str, &str); 2] = [
    ("create", "NOT MADE THERE"),
    ("withhold", "NOT SWITCHED OFF"),
];

/// Whether an operator should see a step before he says yes.
pub(in crate::cli::org) fn needs_a_look(step: &StepDocument) -> bool {
    let is_plain_skip = step.why.as_deref() == Some("reserved");
    step.renamed_to.is_some()
        || !step.changes.is_empty()
        || !step.differs.is_empty()
        || step.taken_in_off
        || (step.why.is_some() && !is_plain_skip)
        || matches!(step.action.as_str(), "withhold" | "found")
}

/// What is but taken in as it is there stands behind all else that needs a look.
pub(in crate::cli::org) fn is_as_there(step: &StepDocument) -> bool {
    step.taken_in_off && step.changes.is_empty() && step.renamed_to.is_none()
}

/// The counts, what needs a look, and what to do next.
pub(in crate::cli::org) fn plan(plan: &PlanDocument, full: bool, screen: Screen) -> String {
    let mut text = format!(
        "Merging {:?} would do this:\n\n{}",
        plan.region,
        counts(plan, screen)
    );
    text.push_str(&links(&plan.links));
    if plan.read_only {
        text.push_str(READ_ONLY);
    }
    if plan.taken_in_off > 0 {
        text.push_str(&format!(
            "\nTaken in switched off: {} things, as they are there, or as what they are nested in \
             is.",
            plan.taken_in_off
        ));
    }
    if plan.default_projects > 0 {
        text.push_str(&format!(
            "\nDefault projects given back: {}, to users who came from another region without one.",
            plan.default_projects
        ));
    }
    text.push_str(&withheld::shown(plan, full));
    let local = (
        plan.local_administrators_count,
        &plan.local_administrators[..],
    );
    text.push_str(&local_administrators::shown(&plan.region, local));
    text.push_str(&exposed::of_plan(plan, full));
    let most = if full { usize::MAX } else { STEPS_MAX };
    if !plan.items.is_empty() {
        text.push('\n');
    }
    for step in plan.items.iter().take(most) {
        text.push_str(&format!("\n  {}", step::one(step, plan.read_only)));
    }
    if plan.items.len() > most {
        let more = plan.items.len() - most;
        text.push_str(&format!("\n  and {more} more; see them all with --full"));
    }
    text.push_str(&whose(plan));
    let (region, digest) = (word(&plan.region), &plan.digest);
    let over = match plan.foreign_federations.is_empty() {
        true => "",
        false => " --take-over",
    };
    let copied = plan.same_cloud.as_ref().map_or("", |_| " --copied");
    text.push_str(&format!(
        "\n\nPlan {digest}\n  next: idp-hub org merge {region} --digest {digest}{over}{copied}\n  \
         {}",
        seen(&region)
    ));
    text
}

/// Whose cloud it is besides, or was.
fn whose(plan: &PlanDocument) -> String {
    let mut text = String::new();
    if let Some(by) = &plan.merged_by {
        let at = plan.merged.as_ref().map_or("", |it| &it.0);
        text.push_str(&format!(
            "\n\nMerged before, on {at} by {}.",
            foreign::line(by)
        ));
    }
    if !plan.foreign_federations.is_empty() {
        let others = plan.foreign_federations.join(", ");
        text.push_str(&format!(
            "\n\nThings there bear the marker of the federation {others}, whose hub may still \
             write to them.\nHave that hub remove the region first. If it is lost, take the \
             region over with --take-over:\nwhat this hub took over with another region of that \
             federation is known by its markers. A\nuser who came so signs in here once an \
             administrator gave a password (idp-hub org password)."
        ));
    }
    if let Some(former) = &plan.comes_again {
        let former = foreign::line(former);
        text.push_str(&format!(
            "\n\nThis is the cloud of the region {former:?} that was removed, by the ids of its \
             departments:\nwhat came with that one is known, whatever it is called. A user who \
             came so and has no password\nhere yet signs in once an administrator gave one \
             (idp-hub org password)."
        ));
    }
    if let Some(other) = &plan.same_cloud {
        let other = foreign::line(other);
        text.push_str(&format!(
            "\n\nThis is the cloud of the region {other:?} already, by the ids of its projects: \
             two agents\nwould write to it. Remove one of the two regions. Only where its Keystone \
             is a copy of\nthat one, merge it with --copied."
        ));
    }
    text
}

/// Where it is seen how far a merge is in the region, and what went wrong.
fn seen(region: &str) -> String {
    format!(
        "then: idp-hub org status {region} --follow, which shows how far it is\n  what failed, and \
         why: idp-hub org status {region}, and `sp-agent status` beside it"
    )
}

const READ_ONLY: &str = "\n\nNothing is done there: this region's agent takes no changes \
    (read_only in its [policy]; a\nsimulated cloud takes none at all). What is said here of the \
    region is not made, renamed, switched\nor changed there, and shown by `idp-hub org drift`. To \
    have it done, change that in\n/etc/sp-agent/agent.toml there, and type `systemctl reload \
    sp-agent`: before the merge or after it.";

fn links(links: &LinksDocument) -> String {
    let mut text = format!(
        "\n\nLinks taken in: {} memberships, {} implications, {} assignments. Left alone: {} \
         between things\nthat the directory knows without them, {} of what stays the region's own.",
        links.memberships, links.implications, links.assignments, links.superseded, links.outside
    );
    if links.unfit > 0 {
        text.push_str(&format!(
            "\nNot taken in: {} by which a department's own role would count in another one.",
            links.unfit
        ));
    }
    text
}

fn counts(plan: &PlanDocument, screen: Screen) -> String {
    let is_there = |action: &str| plan.counts.iter().any(|it| it.action == action);
    let columns: Vec<_> = ACTIONS.iter().filter(|(it, _)| is_there(it)).collect();
    let names = columns.iter();
    let names = names.map(|(action, name)| heading(action, name, plan.read_only));
    let kinds = ["department", "role", "project", "group", "user"];
    let rows = kinds.iter().map(|kind| {
        let of = |action: &str| {
            let mut all = plan.counts.iter();
            let found = all.find(|it| it.kind == *kind && it.action == action);
            figure(found.map_or(0, |it| it.count))
        };
        let figures = columns.iter().map(|(action, _)| of(action));
        let cells: Vec<_> = std::iter::once(Cell::new(kind)).chain(figures).collect();
        cells
    });
    screen.listed(std::iter::once("KIND").chain(names), rows)
}

fn heading(action: &str, name: &'static str, read_only: bool) -> &'static str {
    let undone = UNDONE.iter().filter(|_| read_only);
    let mut undone = undone.filter(|(it, _)| *it == action);
    undone.next().map_or(name, |(_, name)| name)
}

/// What came of a merge.
pub(in crate::cli::org) fn merged(merged: &MergedDocument) -> String {
    let MergedDocument {
        region,
        written,
        adopted,
        ..
    } = merged;
    match written {
        0 => format!("{region:?} was merged before; nothing is new."),
        _ => {
            let undone = match merged.read_only {
                true => {
                    "\nIn this one nothing is done, as its agent takes no changes (read_only in \
                     its [policy])."
                }
                false => "",
            };
            format!(
                "Merged {region:?}: {adopted} things were taken into the directory, and every \
                 region is told at once.{undone}\n  {}",
                seen(&word(region)).replacen("then", "next", 1)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(foreign: &[&str]) -> PlanDocument {
        let document = json!({
            "region": "north", "digest": "07".repeat(16), "foreign_federations": foreign,
            "counts": [
                { "kind": "department", "action": "adopt", "count": 2 },
                { "kind": "user", "action": "skip", "count": 12 },
            ],
            "renamed": 1, "overwritten": 1, "taken_in_off": 2,
            "default_projects": 3,
            "links": { "memberships": 1, "implications": 0, "assignments": 2, "withheld": 0,
                "superseded": 3, "outside": 4 },
            "items": [
                { "kind": "department", "action": "adopt", "name": "ops",
                  "renamed_to": "ops_1\u{1b}[8m" },
                { "kind": "user", "action": "recognize", "name": "ann",
                  "changes": ["enabled", "email"] },
                { "kind": "user", "action": "recognize", "name": "eve",
                  "changes": ["disabled"] },
                { "kind": "user", "action": "recognize", "name": "joe",
                  "differs": ["name", "email"] },
                { "kind": "user", "action": "adopt", "name": "zoe", "taken_in_off": true },
                { "kind": "project", "action": "adopt", "name": "inner", "taken_in_off": true,
                  "department": { "name": "research", "id": "2f" }, "changes": ["disabled"] },
                { "kind": "user", "action": "skip", "name": "Bob", "why": "same-name" },
                { "kind": "user", "action": "skip", "name": "nova", "why": "reserved" },
            ],
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_plan_says_what_to_look_at_and_what_to_type_next() {
        let mut seen = document(&[]);
        seen.items.retain(needs_a_look);
        let text = plan(&seen, false, Screen::wide(80));
        let expected = [
            "KIND        TAKEN IN  SKIPPED",
            "department         2        0",
            "department \"ops\" is taken in, renamed there to \"ops_1",
            "user \"ann\" is known; is switched on there; loses its email",
            "user \"eve\" is known; is switched off there",
            "user \"joe\" is known; differs in name, email, which this leaves",
            "user \"zoe\" is taken in switched off; it is off there",
            "project \"inner\" (in research) is taken in switched off; is switched off there, as",
            "Taken in switched off: 2 things",
            "Default projects given back: 3, to users",
            "user \"Bob\" stays the region's own: another one has its name",
            "or one that some database takes for the same; rename one of the two",
            "next: idp-hub org merge north --digest 0707",
        ];
        let squeezed = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ");
        for line in expected {
            assert!(squeezed(&text).contains(&squeezed(line)), "{line}:\n{text}");
        }
        assert!(!text.contains("nova") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.matches("next: idp-hub org merge").count(), 1, "{text}");
        let taken = plan(&document(&["f-2"]), false, Screen::wide(80));
        assert!(
            taken.contains("federation f-2") && taken.contains(" --take-over\n"),
            "{taken}"
        );
        let mut again = document(&[]);
        again.comes_again = Some("old-north".to_owned());
        let again = plan(&again, false, Screen::wide(80));
        assert!(
            again.contains("cloud of the region \"old-north\" that was removed"),
            "{again}"
        );
        let mut left = document(&[]);
        left.read_only = true;
        left.counts[0].action = "create".to_owned();
        let left = plan(&left, false, Screen::wide(80));
        for line in [
            "NOT MADE THERE",
            "this region's agent takes no changes",
            "department \"ops\" is taken in; called \"ops_1",
            "in the directory, and not renamed there",
            "user \"ann\" is known; not as in the directory: enabled, email; so it stays",
            "\"inner\" (in research) is taken in; not as in the directory: disabled; so it stays",
        ] {
            assert!(squeezed(&left).contains(line), "{line}:\n{left}");
        }
        assert!(
            !left.contains("is switched") && !left.contains("renamed there to"),
            "{left}"
        );
        let mut twin = document(&[]);
        twin.same_cloud = Some("south".to_owned());
        let twin = plan(&twin, false, Screen::wide(80));
        assert!(
            twin.contains("cloud of the region \"south\" already") && twin.contains(" --copied\n"),
            "{twin}"
        );
    }

    #[test]
    fn a_merge_names_what_shows_how_far_it_is() {
        let document = json!({ "region": "north", "digest": "", "written": 3, "adopted": 2 });
        let text = merged(&serde_json::from_value(document).unwrap());
        let next = "next: idp-hub org status north --follow";
        assert!(
            text.contains(next) && text.contains("`sp-agent status`"),
            "{text}"
        );
    }
}
