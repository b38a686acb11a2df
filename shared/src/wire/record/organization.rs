//! Organizations between the model and the wire.

use super::codes::{custody, custody_code, object_kind, object_kind_code};
use super::{moment, timely};
use crate::model::{
    Actor, Assignment, Becomes, Binding, CloudId, Department, End, Entry, Group, Implication,
    Lapse, Marker, Membership, Project, Purge, PurgeStep, Role, Scope, Secret, UnixMillis, User,
};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{
    ActorV1, AssignmentV1, BecomesV1, BindingV1, DepartmentV1, EndV1, EntryV1, GroupV1, LapseV1,
    MarkerV1, PairV1, ProjectV1, PurgeStepV1, PurgeV1, RoleV1, ScopeV1, SecretV1, UserV1,
};
use crate::wire::{Bytes, Text};

/// Everything but what the kinds have of their own.
fn entry<'a, T>(it: &'a Entry<T>, name: &'a str, description: Option<&'a String>) -> EntryV1<'a> {
    EntryV1 {
        custody: custody_code(it.custody),
        marker: it.marker.map(|it| MarkerV1 {
            federation: it.federation,
            object: it.object,
        }),
        name: Text::cut(name),
        description: description.map(|it| Text::cut(it)),
    }
}

/// The reverse; `what` makes the thing of its name and its description.
fn read<T>(
    id: CloudId,
    it: EntryV1<'_>,
    what: impl FnOnce(String, Option<String>) -> T,
) -> Entry<T> {
    Entry {
        id,
        custody: custody(it.custody),
        marker: it.marker.map(|it| Marker {
            federation: it.federation,
            object: it.object,
        }),
        what: what(it.name.into_string(), it.description.map(Text::into_string)),
    }
}

impl<'a> From<&'a Entry<Department>> for DepartmentV1<'a> {
    fn from(it: &'a Entry<Department>) -> Self {
        Self {
            entry: entry(it, &it.what.name, it.what.description.as_ref()),
            enabled: it.what.enabled,
        }
    }
}

pub(super) fn department(id: CloudId, it: DepartmentV1<'_>) -> Entry<Department> {
    read(id, it.entry, |name, description| Department {
        name,
        description,
        enabled: it.enabled,
    })
}

impl<'a> From<&'a Entry<Project<CloudId>>> for ProjectV1<'a> {
    fn from(it: &'a Entry<Project<CloudId>>) -> Self {
        Self {
            entry: entry(it, &it.what.name, it.what.description.as_ref()),
            department: (&it.what.department).into(),
            parent: it.what.parent.as_ref().map(Into::into),
            enabled: it.what.enabled,
        }
    }
}

pub(super) fn project(id: CloudId, it: ProjectV1<'_>) -> Entry<Project<CloudId>> {
    read(id, it.entry, |name, description| Project {
        department: it.department.into(),
        parent: it.parent.map(Into::into),
        name,
        description,
        enabled: it.enabled,
    })
}

impl<'a> From<&'a Entry<User<CloudId>>> for UserV1<'a> {
    fn from(it: &'a Entry<User<CloudId>>) -> Self {
        Self {
            entry: entry(it, &it.what.name, it.what.description.as_ref()),
            department: (&it.what.department).into(),
            email: it.what.email.as_deref().map(Text::cut),
            enabled: it.what.enabled,
            default_project: it.what.default_project.as_ref().map(Into::into),
        }
    }
}

pub(super) fn user(id: CloudId, it: UserV1<'_>) -> Entry<User<CloudId>> {
    read(id, it.entry, |name, description| User {
        department: it.department.into(),
        name,
        description,
        email: it.email.map(Text::into_string),
        enabled: it.enabled,
        default_project: it.default_project.map(Into::into),
    })
}

impl<'a> From<&'a Entry<Group<CloudId>>> for GroupV1<'a> {
    fn from(it: &'a Entry<Group<CloudId>>) -> Self {
        Self {
            entry: entry(it, &it.what.name, it.what.description.as_ref()),
            department: (&it.what.department).into(),
        }
    }
}

pub(super) fn group(id: CloudId, it: GroupV1<'_>) -> Entry<Group<CloudId>> {
    read(id, it.entry, |name, description| Group {
        department: it.department.into(),
        name,
        description,
    })
}

impl<'a> From<&'a Entry<Role<CloudId>>> for RoleV1<'a> {
    fn from(it: &'a Entry<Role<CloudId>>) -> Self {
        Self {
            entry: entry(it, &it.what.name, it.what.description.as_ref()),
            department: it.what.department.as_ref().map(Into::into),
        }
    }
}

pub(super) fn role(id: CloudId, it: RoleV1<'_>) -> Entry<Role<CloudId>> {
    read(id, it.entry, |name, description| Role {
        department: it.department.map(Into::into),
        name,
        description,
    })
}

impl<'a> From<&'a Membership<CloudId>> for PairV1<'a> {
    fn from(it: &'a Membership<CloudId>) -> Self {
        Self((&it.group).into(), (&it.user).into())
    }
}

pub(super) fn membership(PairV1(group, user): PairV1<'_>) -> Membership<CloudId> {
    Membership {
        group: group.into(),
        user: user.into(),
    }
}

impl<'a> From<&'a Implication<CloudId>> for PairV1<'a> {
    fn from(it: &'a Implication<CloudId>) -> Self {
        Self((&it.prior).into(), (&it.implied).into())
    }
}

pub(super) fn implication(PairV1(prior, implied): PairV1<'_>) -> Implication<CloudId> {
    Implication {
        prior: prior.into(),
        implied: implied.into(),
    }
}

impl<'a> From<&'a Assignment<CloudId>> for AssignmentV1<'a> {
    fn from(it: &'a Assignment<CloudId>) -> Self {
        Self {
            actor: match &it.actor {
                Actor::User(id) => ActorV1::User(id.into()),
                Actor::Group(id) => ActorV1::Group(id.into()),
            },
            scope: match &it.scope {
                Scope::Department(id) => ScopeV1::Department(id.into()),
                Scope::Project(id) => ScopeV1::Project(id.into()),
            },
            role: (&it.role).into(),
            inherited: it.inherited,
        }
    }
}

pub(super) fn assignment(it: AssignmentV1<'_>) -> Assignment<CloudId> {
    Assignment {
        actor: match it.actor {
            ActorV1::User(id) => Actor::User(id.into()),
            ActorV1::Group(id) => Actor::Group(id.into()),
        },
        scope: match it.scope {
            ScopeV1::Department(id) => Scope::Department(id.into()),
            ScopeV1::Project(id) => Scope::Project(id.into()),
        },
        role: it.role.into(),
        inherited: it.inherited,
    }
}

impl<'a> From<&'a Binding> for BindingV1<'a> {
    fn from(it: &'a Binding) -> Self {
        Self {
            kind: object_kind_code(it.kind),
            here: (&it.here).into(),
            becomes: match &it.becomes {
                Becomes::Object(id) => BecomesV1::Object(*id),
                Becomes::Withheld(id) => BecomesV1::Withheld(*id),
            },
        }
    }
}

pub(super) fn binding(it: BindingV1<'_>) -> Result<Binding, DecodeError> {
    Ok(Binding {
        kind: object_kind(it.kind).ok_or(DecodeError::OutOfRange {
            what: "a binding's kind",
        })?,
        here: it.here.into(),
        becomes: match it.becomes {
            BecomesV1::Object(id) => Becomes::Object(id),
            BecomesV1::Withheld(id) => Becomes::Withheld(id),
        },
    })
}

impl<'a> From<&'a Lapse> for LapseV1<'a> {
    fn from(it: &'a Lapse) -> Self {
        Self {
            object: it.object,
            kind: object_kind_code(it.kind),
            how: end_to(it.how),
            name: Text::cut(&it.name),
            proof: it.proof,
        }
    }
}

pub(super) const fn end_to(how: End) -> EndV1 {
    match how {
        End::Deleted => EndV1::Deleted,
        End::Retired => EndV1::Retired,
    }
}

pub(super) const fn end_from(how: &EndV1) -> End {
    match how {
        EndV1::Deleted => End::Deleted,
        EndV1::Retired => End::Retired,
    }
}

pub(super) fn lapse(it: LapseV1<'_>) -> Result<Lapse, DecodeError> {
    Ok(Lapse {
        object: it.object,
        kind: object_kind(it.kind).ok_or(DecodeError::OutOfRange {
            what: "the kind of what ended",
        })?,
        how: end_from(&it.how),
        name: it.name.into_string(),
        proof: it.proof,
    })
}

impl<'a> From<&'a Purge> for PurgeV1<'a> {
    fn from(it: &'a Purge) -> Self {
        Self {
            object: it.object,
            kind: object_kind_code(it.kind),
            name: Text::cut(&it.name),
            at_ms: timely(it.at).0,
            step: match it.step {
                PurgeStep::Ask => PurgeStepV1::Ask,
                PurgeStep::Delete => PurgeStepV1::Delete,
                PurgeStep::Lapsed => PurgeStepV1::Lapsed,
            },
        }
    }
}

pub(super) fn purge(it: PurgeV1<'_>) -> Result<Purge, DecodeError> {
    Ok(Purge {
        object: it.object,
        kind: object_kind(it.kind).ok_or(DecodeError::OutOfRange {
            what: "the kind of what is to be purged",
        })?,
        name: it.name.into_string(),
        at: moment("when something is to be purged", UnixMillis(it.at_ms))?,
        step: match it.step {
            PurgeStepV1::Ask => PurgeStep::Ask,
            PurgeStepV1::Delete => PurgeStep::Delete,
            PurgeStepV1::Lapsed => PurgeStep::Lapsed,
        },
    })
}

impl<'a> From<&'a Secret> for SecretV1<'a> {
    fn from(it: &'a Secret) -> Self {
        Self {
            user: it.user,
            version: it.version,
            // Cut it opens for nobody, but there is none so long.
            sealed: Bytes::cut(&it.sealed),
        }
    }
}

pub(super) fn secret(it: &SecretV1<'_>) -> Secret {
    Secret {
        user: it.user,
        version: it.version,
        sealed: it.sealed.as_slice().to_vec(),
    }
}
