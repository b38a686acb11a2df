//! Any remark, any progress, any answer.

use std::time::Duration;

use proptest::prelude::*;
use shared::ids::{FeedId, ObjectId};
use shared::model::*;

use super::{figure, holder, id, list, text};

fn object() -> impl Strategy<Value = ObjectId> {
    any::<[u8; 16]>().prop_map(ObjectId::from_bytes)
}

fn kind() -> impl Strategy<Value = ObjectKind> {
    prop::sample::select(ObjectKind::ALL.to_vec())
}

fn time() -> impl Strategy<Value = UnixMillis> {
    prop_oneof![any::<u64>(), 0..UnixMillis::LATEST.0].prop_map(UnixMillis)
}

fn link() -> impl Strategy<Value = Link<ObjectId>> {
    let actor = prop_oneof![
        object().prop_map(Actor::User),
        object().prop_map(Actor::Group)
    ];
    let scope = prop_oneof![
        object().prop_map(Scope::Department),
        object().prop_map(Scope::Project)
    ];
    let assignment =
        (actor, scope, object(), any::<bool>()).prop_map(|(actor, scope, role, inherited)| {
            Link::Assignment(Assignment {
                actor,
                scope,
                role,
                inherited,
            })
        });
    prop_oneof![
        (object(), object()).prop_map(|(group, user)| Link::Membership(Membership { group, user })),
        (object(), object())
            .prop_map(|(prior, implied)| Link::Implication(Implication { prior, implied })),
        assignment,
    ]
}

fn subject() -> BoxedStrategy<Subject> {
    prop_oneof![
        (kind(), object()).prop_map(|(kind, id)| Subject::Object(kind, id)),
        link().prop_map(Subject::Link),
        object().prop_map(Subject::Password),
        (kind(), id()).prop_map(|(kind, here)| Subject::Own(kind, here)),
        (holder(), super::kind()).prop_map(|(of, service)| Subject::Quota(of, service)),
    ]
    .boxed()
}

fn drifted() -> impl Strategy<Value = Drifted> {
    let what = prop::sample::select(DriftKind::ALL.to_vec());
    (what, prop::option::of(text()), prop::option::of(text())).prop_map(
        |(what, directory, cloud)| Drifted {
            what,
            directory,
            cloud,
        },
    )
}

fn remark() -> impl Strategy<Value = Record> {
    let why = prop::sample::select(DriftWhy::ALL.to_vec());
    let state = prop_oneof![
        (text(), time(), any::<u32>()).prop_map(|(error, since, tries)| RemarkState::Failed {
            error,
            since,
            tries
        }),
        text().prop_map(|reason| RemarkState::Blocked { reason }),
        time().prop_map(|told| RemarkState::Purged { told }),
        time().prop_map(|told| RemarkState::Purgeable { told }),
        (any::<bool>(), any::<[u8; 32]>()).prop_map(|(is_deleted, proof)| RemarkState::Ended {
            how: match is_deleted {
                true => End::Deleted,
                false => End::Retired,
            },
            proof,
        }),
        (why, list(drifted(), 16)).prop_map(|(why, what)| RemarkState::Drift { why, what }),
    ];
    (subject(), text(), state).prop_map(|(subject, name, state)| {
        Record::Remark(Remark {
            subject,
            name,
            state,
        })
    })
}

fn applying() -> impl Strategy<Value = Record> {
    let counts = prop::array::uniform7(figure());
    let left = prop::option::of(figure().prop_map(Duration::from_secs));
    (counts, left, prop::option::of(text()), any::<bool>()).prop_map(
        |(counts, left, paused, read_only)| {
            let [
                desired,
                in_place,
                under_way,
                waiting,
                removals_held,
                failed,
                drift,
            ] = counts;
            Record::Applying(Applying {
                desired,
                in_place,
                under_way,
                waiting,
                removals_held,
                failed,
                drift,
                left,
                paused,
                read_only,
            })
        },
    )
}

fn put_back() -> impl Strategy<Value = Record> {
    (subject(), any::<[u8; 16]>(), time())
        .prop_map(|(subject, seen, at)| Record::PutBack(PutBack { subject, seen, at }))
}

fn recall() -> impl Strategy<Value = Record> {
    any::<[u8; 16]>().prop_map(|feed| {
        let feed = FeedId::from_bytes(feed);
        Record::Recall(Recall { feed })
    })
}

pub(super) fn record() -> BoxedStrategy<Record> {
    prop_oneof![4 => remark(), 1 => applying(), 1 => recall(), 1 => put_back()].boxed()
}
