//! The order in which nested projects can be made.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;

use shared::model::Project;

/// Projects by id.
pub(super) type Projects<'a, I> = Vec<(&'a I, &'a Project<I>)>;

/// Projects with the outer ones first, and those that are nested in themselves. One whose outer
/// project is not told comes with the outer ones.
pub(super) fn outer_first<I: Ord + Hash>(
    all: &BTreeMap<I, Project<I>>,
) -> (Projects<'_, I>, Projects<'_, I>) {
    let mut inner: HashMap<&I, Projects<'_, I>> = HashMap::new();
    let mut next = VecDeque::new();
    for (id, project) in all {
        match &project.parent {
            Some(outer) if all.contains_key(outer) => {
                inner.entry(outer).or_default().push((id, project));
            }
            _ => next.push_back((id, project)),
        }
    }
    let mut ordered = Projects::with_capacity(all.len());
    while let Some((id, project)) = next.pop_front() {
        ordered.push((id, project));
        next.extend(inner.remove(id).unwrap_or_default());
    }
    let mut in_circles: Projects<'_, I> = inner.into_values().flatten().collect();
    in_circles.sort_unstable_by_key(|(id, _)| *id);
    (ordered, in_circles)
}
