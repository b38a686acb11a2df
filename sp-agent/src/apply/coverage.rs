//! Of which kinds, departments and groups something was read since the agent's start.
//!
//! A reading may tell nothing of some departments, or of who is in some groups. What one reading
//! told of and the next one does not is known all the same; what none told of yet is unread,
//! however many readings came to their end, and also where it was made after the first of them.

use std::collections::{BTreeMap, BTreeSet};

use shared::model::{CloudId, RecordKind};

use crate::cloud::{Reach, Reading};

/// How far the records of each kind were read that came to the end of a reading.
#[derive(Debug, Clone, Default)]
pub(super) struct Coverage(BTreeMap<RecordKind, Covered>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Covered {
    /// What the last reading told nothing of.
    lacks: Reach,
    /// What any reading told of.
    told: Reach,
    /// What none did.
    unread: Reach,
    /// Departments of which the last one told some.
    cut: BTreeSet<CloudId>,
}

/// In which department a group is known to be.
type Department<'a> = dyn Fn(&CloudId) -> Option<&'a CloudId> + 'a;

impl Covered {
    fn read(&mut self, reading: &Reading, department: &Department<'_>) {
        let Reading {
            lacks, tells, cut, ..
        } = reading;
        self.told.departments.extend(tells.departments.clone());
        // A group that is neither told of nor unread now is gone, or its department is away. One
        // that may be either is read anew.
        let is_away =
            |it: &CloudId| department(it).is_some_and(|it| lacks.departments.contains(it));
        let is_read = |it: &CloudId| tells.groups.contains(it) || lacks.groups.contains(it);
        self.told.groups.retain(|it| is_read(it) || is_away(it));
        self.told.groups.extend(tells.groups.iter().cloned());
        let but = |all: &BTreeSet<CloudId>, told| all.difference(told).cloned().collect();
        self.unread = Reach {
            departments: but(&lacks.departments, &self.told.departments),
            groups: but(&lacks.groups, &self.told.groups),
        };
        self.cut = cut.keys().cloned().collect();
        self.lacks.clone_from(lacks);
    }
}

impl Coverage {
    /// A reading of a kind came to its end. Returns whether it is another than the last one in
    /// what is known.
    pub(super) fn read(
        &mut self,
        kind: RecordKind,
        reading: &Reading,
        department: &Department<'_>,
    ) -> bool {
        let is_first = !self.is_told(kind);
        let covered = self.0.entry(kind).or_default();
        let known = |it: &Covered| (it.lacks.clone(), it.unread.clone(), it.cut.clone());
        let before = known(covered);
        covered.read(reading, department);
        is_first || before != known(covered)
    }

    /// Whether a reading of a kind came to its end, of whichever departments.
    pub(super) fn is_told(&self, kind: RecordKind) -> bool {
        self.0.contains_key(&kind)
    }

    /// Whether readings of a kind told of everything between them.
    pub(super) fn is_whole(&self, kind: RecordKind) -> bool {
        self.0.get(&kind).is_some_and(|it| it.unread.is_empty())
    }

    /// Whether the last reading of a kind told of everything.
    pub(super) fn is_whole_now(&self, kind: RecordKind) -> bool {
        let covered = self.0.get(&kind);
        covered.is_some_and(|it| it.lacks.is_empty() && it.cut.is_empty())
    }

    /// Of what no reading of a kind told; where there is no such thing, of what the last one did
    /// not. `None` before one came to its end.
    pub(super) fn unread(&self, kind: RecordKind) -> Option<&Reach> {
        let covered = self.0.get(&kind)?;
        match covered.unread.is_empty() {
            true => Some(&covered.lacks),
            false => Some(&covered.unread),
        }
    }

    /// Departments of which no reading told records of this kind; none where none came to its end.
    pub(super) fn unlisted(&self, kind: RecordKind) -> impl Iterator<Item = &CloudId> {
        let covered = self.0.get(&kind).into_iter();
        covered.flat_map(|it| &it.unread.departments)
    }

    /// Whether no reading told records of this kind in a department, though one of the kind came
    /// to its end. `None` is nobody knows which.
    pub(super) fn lacks(&self, kind: RecordKind, department: Option<&CloudId>) -> bool {
        let covered = self.0.get(&kind);
        covered.is_some_and(|it| it.unread.may_have(department))
    }

    /// Departments of which the last reading of a kind told some.
    pub(super) fn cut(&self, kind: RecordKind) -> impl Iterator<Item = &CloudId> {
        let covered = self.0.get(&kind).into_iter();
        covered.flat_map(|it| &it.cut)
    }

    /// Whether what no reading told may be in a department all the same, as its list was cut
    /// whenever it was read. `None` is nobody knows in which.
    pub(super) fn is_cut(&self, kind: RecordKind, department: Option<&CloudId>) -> bool {
        let covered = self.0.get(&kind);
        covered.is_some_and(|it| {
            let mut never_whole = it.cut.difference(&it.told.departments);
            never_whole.any(|cut| department.is_none_or(|it| it == cut))
        })
    }

    /// Whether some group may have members of whom no reading told, though one of memberships came
    /// to its end.
    pub(super) fn hides_some_members(&self) -> bool {
        let covered = self.0.get(&RecordKind::Membership);
        covered.is_some_and(|it| !it.lacks.is_empty())
    }

    /// Whether this group may. Of which department it is nobody may know: `None`.
    pub(super) fn hides_members(&self, group: &CloudId, department: Option<&CloudId>) -> bool {
        let Some(Covered { lacks, told, .. }) = self.0.get(&RecordKind::Membership) else {
            return false;
        };
        let is_lacking = lacks.may_have(department) || lacks.groups.contains(group);
        is_lacking && !told.groups.contains(group)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    const KIND: RecordKind = RecordKind::Membership;

    fn ids(all: &[&str]) -> BTreeSet<CloudId> {
        all.iter().map(|it| CloudId::new(it)).collect()
    }

    fn reach(departments: &[&str], groups: &[&str]) -> Reach {
        Reach {
            departments: ids(departments),
            groups: ids(groups),
        }
    }

    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn read(coverage: &mut Coverage, lacks: Reach, tells: Reach) -> bool {
        let reading = Reading {
            began: Instant::now(),
            lacks,
            tells: Arc::new(tells),
            cut: Arc::default(),
        };
        let departments = BTreeMap::from(
            [("a", "o"), ("x", "d"), ("y", "d")]
                .map(|(group, of)| (CloudId::new(group), CloudId::new(of))),
        );
        coverage.read(KIND, &reading, &|it| departments.get(it))
    }

    fn hides(coverage: &Coverage, group: &str, department: Option<&str>) -> bool {
        let department = department.map(CloudId::new);
        coverage.hides_members(&CloudId::new(group), department.as_ref())
    }

    #[test]
    fn a_department_that_is_back_half_way_hides_the_groups_that_nobody_read() {
        let mut coverage = Coverage::default();
        assert!(!coverage.is_told(KIND) && !coverage.is_whole(KIND));
        assert!(read(
            &mut coverage,
            reach(&["d"], &[]),
            reach(&["o"], &["a"])
        ));
        assert!(hides(&coverage, "x", Some("d")) && hides(&coverage, "x", None));
        assert!(!hides(&coverage, "a", Some("o")) && !coverage.is_whole(KIND));
        assert!(read(
            &mut coverage,
            reach(&[], &["x"]),
            reach(&["o"], &["a", "y"])
        ));
        assert!(hides(&coverage, "x", Some("d")) && !hides(&coverage, "y", Some("d")));
        assert!(!coverage.is_whole(KIND) && coverage.hides_some_members());
        // And away again.
        assert!(read(
            &mut coverage,
            reach(&["d"], &[]),
            reach(&["o"], &["a"])
        ));
        assert!(hides(&coverage, "x", Some("d")) && !hides(&coverage, "y", Some("d")));
        assert!(!coverage.is_whole(KIND));
        let all = reach(&["d", "o"], &["a", "x", "y"]);
        assert!(read(&mut coverage, Reach::default(), all.clone()));
        assert!(coverage.is_whole(KIND) && !coverage.hides_some_members());
        assert!(!read(&mut coverage, Reach::default(), all), "nothing new");
    }

    #[test]
    fn what_was_read_once_is_known_and_what_is_new_is_not() {
        let mut coverage = Coverage::default();
        let all = reach(&["d", "o"], &["a", "x"]);
        read(&mut coverage, Reach::default(), all);
        read(&mut coverage, reach(&["d"], &["a"]), reach(&["o"], &[]));
        assert!(coverage.is_whole(KIND) && !coverage.is_whole_now(KIND));
        assert!(!hides(&coverage, "x", Some("d")) && !hides(&coverage, "a", Some("o")));
        assert!(hides(&coverage, "new", Some("d")) && hides(&coverage, "new", None));
        assert!(!hides(&coverage, "new", Some("o")));
        read(
            &mut coverage,
            reach(&["n"], &[]),
            reach(&["d", "o"], &["a", "x"]),
        );
        let unlisted: Vec<&CloudId> = coverage.unlisted(KIND).collect();
        assert_eq!(unlisted, [&CloudId::new("n")]);
        assert!(coverage.lacks(KIND, Some(&CloudId::new("n"))) && coverage.lacks(KIND, None));
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn what_does_not_come_in_a_list_that_is_cut_is_unknown_unless_it_came_whole_once() {
        let kind = RecordKind::User;
        let mut reading = Reading::from(Instant::now());
        reading.tells = Arc::new(reach(&["o"], &[]));
        let d = CloudId::new("d");
        reading.cut = Arc::new([(d.clone(), ids(&["a"]))].into());
        let mut coverage = Coverage::default();
        assert!(coverage.read(kind, &reading, &|_| None));
        assert!(coverage.is_cut(kind, Some(&d)) && coverage.is_cut(kind, None));
        assert!(!coverage.is_cut(kind, Some(&CloudId::new("o"))));
        assert!(coverage.is_whole(kind) && !coverage.is_whole_now(kind));
        let whole = Reading {
            tells: Arc::new(reach(&["d", "o"], &[])),
            cut: Arc::default(),
            ..reading.clone()
        };
        assert!(coverage.read(kind, &whole, &|_| None) && coverage.is_whole_now(kind));
        assert!(coverage.read(kind, &reading, &|_| None) && !coverage.is_whole_now(kind));
        assert!(!coverage.is_cut(kind, None));
    }

    #[test]
    fn a_group_that_was_gone_and_is_there_again_was_not_read() {
        for away in [&[][..], &["d"]] {
            let mut coverage = Coverage::default();
            read(&mut coverage, reach(away, &[]), reach(&["o"], &["a"]));
            read(&mut coverage, reach(away, &[]), reach(&["o"], &[]));
            read(&mut coverage, reach(away, &["a"]), reach(&[], &[]));
            assert!(hides(&coverage, "a", Some("o")), "{away:?}");
        }
    }
}
