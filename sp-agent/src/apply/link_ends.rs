//! What a link changes something about.

use shared::model::{Link, ObjectKind};

/// The ends that a link changes something about: to be given somewhere changes nothing of a role.
pub(super) fn touched<I>(link: &Link<I>) -> impl Iterator<Item = (ObjectKind, &I)> {
    let is_assignment = matches!(link, Link::Assignment(_));
    let ends = link.ends();
    ends.filter(move |(kind, _)| !is_assignment || *kind != ObjectKind::Role)
}
