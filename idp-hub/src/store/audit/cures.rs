//! What is told of answers to drift, and of merges.

use std::collections::BTreeMap;

use shared::audit::{Act, By, thing_told};
use shared::model::{Drifted, Holder, Remark, RemarkState, Subject};

use super::told::add_first;
use crate::directory::{Action, Rename, Step};
use crate::store::directory::{Confirmation, Merged};
use crate::store::regions::RegionRow;

/// Renames of one merge that have entries of their own: all but those of two large organizations
/// with the same departments.
const RENAMES_MAX: usize = 100;

/// The directory's value is to be written over a drift in a region.
pub(in crate::store) fn put_back(by: By, region: &RegionRow, remark: &Remark) -> Act {
    let (kind, id) = match &remark.subject {
        Subject::Object(kind, id) => (kind.name(), id.to_string()),
        Subject::Link(link) => (link.kind().name(), link.id().to_string()),
        Subject::Password(user) => ("password", user.to_string()),
        Subject::Own(kind, here) => (kind.name(), here.to_string()),
        Subject::Quota(Holder::Project(id), _) => ("quota", id.to_string()),
        Subject::Quota(Holder::Own(here), _) => ("quota", here.to_string()),
        Subject::Reading(_) => ("reading", remark.subject.id().to_string()),
    };
    let RemarkState::Drift { what, .. } = &remark.state else {
        return Act::new(by, "put-back").on(kind, id, remark.name.as_str());
    };
    let before = told(what, |it| it.cloud.as_deref());
    let after = told(what, |it| it.directory.as_deref());
    let region = &region.facts.name;
    Act::new(by, "put-back")
        .on(kind, id, remark.name.as_str())
        .changing(before, format!("in region {region:?}: {after}"))
}

/// One side of the differences: `name="ann" deleted`.
fn told<'a>(what: &'a [Drifted], side: impl Fn(&'a Drifted) -> Option<&'a str>) -> String {
    let words = what.iter().map(|it| match side(it) {
        Some(value) => format!("{}={value:?}", it.what.name()),
        None => it.what.name().to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A change of the directory that came from a region's drift.
pub(in crate::store) fn adopted(edit: Act, region: &RegionRow) -> Act {
    let (region, after) = (&region.facts.name, &edit.after);
    let after = format!("as in region {region:?}: {after}");
    Act {
        action: "adopt-drift".to_owned(),
        after,
        ..edit
    }
}

/// A region's organization was taken in: what of it got another name, as far as entries are made
/// of that; and the whole in short, as the plan is known by its digest.
pub(in crate::store) fn merged(
    confirmed: &Confirmation,
    region: &RegionRow,
    merged: &Merged,
) -> Vec<Act> {
    let plan = &merged.shown.plan;
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for step in &plan.steps {
        let of = (step.action.name(), step.kind.name());
        *counts.entry(of).or_default() += 1;
    }
    let counts = counts.into_iter();
    let counts = counts.map(|((action, kind), count)| format!(" {action}-{kind}={count}"));
    let (written, counts) = (merged.written, counts.collect::<String>());
    let (digest, take_over, copied) = (confirmed.plan, confirmed.take_over, confirmed.copied);
    let mut after =
        format!("plan={digest} take_over={take_over} copied={copied} written={written}{counts}");
    let renames = plan.renames().count();
    if renames > 0 {
        after += &format!(" renamed={renames}");
    }
    let taken = plan.adopted().count();
    if taken > 0 {
        let things = plan.adopted();
        let things = things.map(|(id, it)| thing_told(it.kind(), id, it.name()));
        after.push_str("; taken in: ");
        add_first(&mut after, taken, things);
    }
    let whole = Act::new(confirmed.by.clone(), "merge")
        .on("region", region.facts.id, region.facts.name.as_str())
        .changing("", after);
    let renamed = plan.steps.iter();
    let renamed = renamed.filter_map(|it| renamed_there(&confirmed.by, it, region));
    renamed.take(RENAMES_MAX).chain([whole]).collect()
}

/// What of the region's gets another name there.
fn renamed_there(by: &By, step: &Step, region: &RegionRow) -> Option<Act> {
    let (id, here, rename) = match &step.action {
        Action::Recognize {
            id, here, rename, ..
        }
        | Action::Adopt {
            id, here, rename, ..
        } => (id, here, rename.as_ref()?),
        _ => return None,
    };
    let (Rename { from, to }, name) = (rename, &region.facts.name);
    let act = Act::new(by.clone(), "merge-rename").on(step.kind.name(), id, from.as_str());
    let after = format!("in region {name:?}, of {here}: name={to:?}");
    Some(act.changing(format!("name={from:?}"), after))
}
