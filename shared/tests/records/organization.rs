//! Any record of an organization.

use proptest::prelude::*;
use shared::ids::{FederationId, ObjectId};
use shared::model::*;

use super::{id, text};

fn object() -> impl Strategy<Value = ObjectId> {
    any::<[u8; 16]>().prop_map(ObjectId::from_bytes)
}

fn kind() -> impl Strategy<Value = ObjectKind> {
    prop::sample::select(ObjectKind::ALL.to_vec())
}

fn entry<T: std::fmt::Debug>(what: impl Strategy<Value = T>) -> impl Strategy<Value = Entry<T>> {
    use Custody::*;
    let custody = prop::sample::select(vec![Common, Reserved, Administrator]);
    let marker = (any::<[u8; 16]>(), object()).prop_map(|(federation, object)| Marker {
        federation: FederationId::from_bytes(federation),
        object,
    });
    let marker = prop::option::of(marker);
    (id(), custody, marker, what).prop_map(|(id, custody, marker, what)| Entry {
        id,
        custody,
        marker,
        what,
    })
}

fn words() -> impl Strategy<Value = (String, Option<String>)> {
    (text(), prop::option::of(text()))
}

fn department() -> impl Strategy<Value = Record> {
    let what = (words(), any::<bool>()).prop_map(|((name, description), enabled)| Department {
        name,
        description,
        enabled,
    });
    entry(what).prop_map(Record::Department)
}

fn project() -> impl Strategy<Value = Record> {
    let what = (words(), id(), prop::option::of(id()), any::<bool>()).prop_map(
        |((name, description), department, parent, enabled)| Project {
            department,
            parent,
            name,
            description,
            enabled,
        },
    );
    entry(what).prop_map(Record::Project)
}

fn user() -> impl Strategy<Value = Record> {
    let rest = (prop::option::of(text()), prop::option::of(id()));
    let what = (words(), id(), any::<bool>(), rest).prop_map(
        |((name, description), department, enabled, (email, default_project))| User {
            department,
            name,
            description,
            email,
            enabled,
            default_project,
        },
    );
    entry(what).prop_map(Record::User)
}

fn group() -> impl Strategy<Value = Record> {
    let what = (words(), id()).prop_map(|((name, description), department)| Group {
        department,
        name,
        description,
    });
    entry(what).prop_map(Record::Group)
}

fn role() -> impl Strategy<Value = Record> {
    let what =
        (words(), prop::option::of(id())).prop_map(|((name, description), department)| Role {
            department,
            name,
            description,
        });
    entry(what).prop_map(Record::Role)
}

fn link() -> impl Strategy<Value = Record> {
    let actor = prop_oneof![id().prop_map(Actor::User), id().prop_map(Actor::Group)];
    let scope = prop_oneof![
        id().prop_map(Scope::Department),
        id().prop_map(Scope::Project)
    ];
    let assignment =
        (actor, scope, id(), any::<bool>()).prop_map(|(actor, scope, role, inherited)| {
            Record::Assignment(Assignment {
                actor,
                scope,
                role,
                inherited,
            })
        });
    prop_oneof![
        (id(), id()).prop_map(|(group, user)| Record::Membership(Membership { group, user })),
        (id(), id())
            .prop_map(|(prior, implied)| Record::Implication(Implication { prior, implied })),
        assignment,
    ]
}

fn binding() -> impl Strategy<Value = Record> {
    let becomes = prop_oneof![
        object().prop_map(Becomes::Object),
        object().prop_map(Becomes::Withheld),
    ];
    (kind(), id(), becomes).prop_map(|(kind, here, becomes)| {
        Record::Binding(Binding {
            kind,
            here,
            becomes,
        })
    })
}

fn lapse() -> impl Strategy<Value = Record> {
    let how = prop::sample::select(vec![End::Deleted, End::Retired]);
    let all = (object(), kind(), how, text(), any::<[u8; 32]>());
    all.prop_map(|(object, kind, how, name, proof)| {
        Record::Lapse(Lapse {
            object,
            kind,
            how,
            name,
            proof,
        })
    })
}

fn purge() -> impl Strategy<Value = Record> {
    let at = prop_oneof![any::<u64>(), 0..UnixMillis::LATEST.0].prop_map(UnixMillis);
    let steps = vec![PurgeStep::Ask, PurgeStep::Delete, PurgeStep::Lapsed];
    let step = prop::sample::select(steps);
    (object(), kind(), text(), at, step).prop_map(|(object, kind, name, at, step)| {
        Record::Purge(Purge {
            object,
            kind,
            name,
            at,
            step,
        })
    })
}

fn secret() -> impl Strategy<Value = Record> {
    let sealed = prop::collection::vec(any::<u8>(), 0..=SEALED_BYTES_MAX);
    (object(), any::<u64>(), sealed).prop_map(|(user, version, sealed)| {
        Record::Secret(Secret {
            user,
            version,
            sealed,
        })
    })
}

pub(super) fn record() -> BoxedStrategy<Record> {
    prop_oneof![
        department(),
        project(),
        user(),
        group(),
        role(),
        link(),
        binding(),
        lapse(),
        secret(),
        purge(),
    ]
    .boxed()
}
