//! Of what a reading tells nothing, while directory servers are away.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};
use shared::model::{CloudId, Group, Organization, Record, RecordKind};
use sp_agent::cloud::Reach;

/// Whether a record is of a department, or a membership of a group, of which nothing is told. A
/// membership of a group that is not known may be.
pub(super) fn is_away(
    record: &Record,
    groups: &BTreeMap<CloudId, Group<CloudId>>,
    away: &Reach,
) -> bool {
    let departments = &away.departments;
    match record {
        _ if away.is_empty() => false,
        Record::User(it) => departments.contains(&it.what.department),
        Record::Group(it) => departments.contains(&it.what.department),
        Record::Membership(it) => {
            let group = groups.get(&it.group);
            let is_away = group.is_none_or(|it| departments.contains(&it.department));
            away.groups.contains(&it.group) || !departments.is_empty() && is_away
        }
        _ => false,
    }
}

/// Of what a reading of this kind tells nothing: little, and seldom.
pub(super) fn away(all: Organization<CloudId>, kind: RecordKind, chance: &mut impl Rng) -> Reach {
    use RecordKind::{Group, Membership, User};
    let mut away = Reach::default();
    if !matches!(kind, User | Group | Membership) || !chance.random_bool(0.3) {
        return away;
    }
    let departments = all.departments.into_keys();
    away.departments = departments.filter(|_| chance.random_bool(0.3)).collect();
    // One of them is back half-way: its groups are listed, and not who is in them.
    if kind == Membership
        && let Some(back) = away.departments.pop_first()
    {
        let groups = all.groups.into_iter();
        let its = groups.filter(|(_, it)| it.department == back);
        away.groups = its.map(|(id, _)| id).collect();
    }
    away
}

/// What there is beside that.
pub(super) fn others(all: Organization<CloudId>, away: &Reach) -> Reach {
    let is_away = |it: &CloudId| away.departments.contains(it);
    let departments = all.departments.into_keys().filter(|it| !is_away(it));
    let groups = all
        .groups
        .into_iter()
        .filter(|(id, it)| !away.groups.contains(id) && !is_away(&it.department));
    Reach {
        departments: departments.collect(),
        groups: groups.map(|(id, _)| id).collect(),
    }
}
