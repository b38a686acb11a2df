//! What would be done about one thing, as text.

use shared::foreign;

use super::super::named;
use crate::api::StepDocument;

/// Of a region whose agent takes no changes it is said what is not done.
pub(super) fn one(step: &StepDocument, read_only: bool) -> String {
    if read_only {
        return undone(step);
    }
    let it = thing(step);
    let mut text = match step.action.as_str() {
        "found" => format!("{it}, the cloud administrators', is made in the directory"),
        "adopt" if step.taken_in_off => format!("{it} is taken in switched off"),
        "adopt" => format!("{it} is taken in"),
        "recognize" => format!("{it} is known"),
        "create" => format!("{it} is made there"),
        "withhold" => format!("{it} ended here, and is switched off there"),
        "block" => format!("{it} can't be made there"),
        _ => format!("{it} stays the region's own"),
    };
    if let Some(to) = &step.renamed_to {
        text.push_str(&format!(", renamed there to {}", foreign::quoted(to)));
    }
    match (step.taken_in_off, step.changes.is_empty()) {
        (false, _) => text.push_str(&changes(&step.changes)),
        (true, true) => text.push_str("; it is off there"),
        (true, false) => text.push_str("; is switched off there, as what it is nested in is off"),
    }
    if !step.differs.is_empty() {
        text.push_str(&format!(
            "; differs in {}, which this leaves: see `sp-agent status` there",
            step.differs.join(", ")
        ));
    }
    if let Some(why) = &step.why {
        text.push_str(&format!(": {}", reason(why)));
    }
    text
}

fn thing(step: &StepDocument) -> String {
    named(&step.kind, &step.name, step.department.as_ref())
}

fn undone(step: &StepDocument) -> String {
    let it = thing(step);
    let why = step.why.as_deref().map(|why| format!(": {}", reason(why)));
    let why = why.unwrap_or_default();
    match step.action.as_str() {
        "create" => return format!("{it} is not made there{why}"),
        "withhold" => {
            return format!("{it} ended here, and is not switched off there{why}");
        }
        _ => {}
    }
    let is_to_change = !step.changes.is_empty();
    let there = one(
        &StepDocument {
            renamed_to: None,
            changes: Vec::new(),
            taken_in_off: step.taken_in_off && !is_to_change,
            ..step.clone()
        },
        false,
    );
    let renamed = step.renamed_to.as_ref().map(|to| {
        let to = foreign::quoted(to);
        format!("; called {to} in the directory, and not renamed there")
    });
    let changes = is_to_change.then(|| {
        let what = step.changes.join(", ");
        format!("; not as in the directory: {what}; so it stays there")
    });
    there + &renamed.unwrap_or_default() + &changes.unwrap_or_default()
}

fn changes(all: &[String]) -> String {
    let mut text = String::new();
    let mut lost = Vec::new();
    for change in all {
        match change.as_str() {
            "enabled" => text.push_str("; is switched on there"),
            "disabled" => text.push_str("; is switched off there"),
            other => lost.push(other),
        }
    }
    if !lost.is_empty() {
        text.push_str(&format!("; loses its {}", lost.join(", ")));
    }
    text
}

fn reason(why: &str) -> &str {
    match why {
        "reserved" => "it is the cloud's own",
        "retired" => "it was retired",
        "deleted" => "it was deleted",
        "purged" => "it was purged; there it stays, until `idp-hub org purge` deletes it there too",
        "above-is-out" => "so does what it is in",
        "above-is-unread" => "what it is in was not read yet; plan again in a moment",
        "same-name" => {
            "another one has its name, or one that some database takes for the same; rename one of \
             the two"
        }
        "name-held" => "a retired one has its name still; rename it there to have it taken in",
        "unusable" => "no Keystone takes its name, or it is nested in itself",
        "name-unfit" => {
            "its name has a space around it or a control character; rename it there to have it \
             taken in"
        }
        "too-deep" => "it is nested deeper than most Keystones allow",
        "outer-elsewhere" => "what it is nested in is of another department",
        "administration" => "nothing comes from a region into the cloud administrators' department",
        "email-unfit" => "its address is none; mend it there to have it taken in",
        "name-reserved" => "something there that is not taken in has the name; rename one of them",
        "department-blocked" => "its department can't be made there",
        other => other,
    }
}
