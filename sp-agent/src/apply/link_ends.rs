//! What a link links.

use shared::model::{Actor, Assignment, Implication, Link, Membership, ObjectKind, Scope};

/// Both ends of a link, or the three of an assignment, each with its kind.
pub(super) fn ends<I>(link: &Link<I>) -> impl Iterator<Item = (ObjectKind, &I)> {
    let (ends, third) = match link {
        Link::Membership(Membership { group, user }) => {
            ([(ObjectKind::Group, group), (ObjectKind::User, user)], None)
        }
        Link::Implication(Implication { prior, implied }) => (
            [(ObjectKind::Role, prior), (ObjectKind::Role, implied)],
            None,
        ),
        Link::Assignment(Assignment {
            actor, scope, role, ..
        }) => {
            let actor = match actor {
                Actor::User(id) => (ObjectKind::User, id),
                Actor::Group(id) => (ObjectKind::Group, id),
            };
            let scope = match scope {
                Scope::Department(id) => (ObjectKind::Department, id),
                Scope::Project(id) => (ObjectKind::Project, id),
            };
            ([actor, scope], Some((ObjectKind::Role, role)))
        }
    };
    ends.into_iter().chain(third)
}

/// The ends that a link changes something about: to be given somewhere changes nothing of a role.
pub(super) fn touched<I>(link: &Link<I>) -> impl Iterator<Item = (ObjectKind, &I)> {
    let is_assignment = matches!(link, Link::Assignment(_));
    ends(link).filter(move |(kind, _)| !is_assignment || *kind != ObjectKind::Role)
}
