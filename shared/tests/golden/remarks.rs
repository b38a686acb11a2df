//! Remarks on what is applied, how far it is, and what is to be put back.

use std::time::Duration;

use shared::ids::{FeedId, ObjectId};
use shared::model::*;

use super::records::example;
use super::{Example, states::states};

const OBJECT: ObjectId = ObjectId::from_bytes([7; 16]);
const OTHER: ObjectId = ObjectId::from_bytes([9; 16]);

pub(crate) fn examples() -> Vec<Example> {
    let full = full().into_iter().map(|it| example("full", it));
    let minimal = minimal().into_iter().map(|it| example("minimal", it));
    let mut examples: Vec<Example> = full.chain(minimal).collect();
    examples.push(states("states-remarks", &words()));
    let readings = [("blocked reading".to_owned(), reading())];
    examples.push(states("states-remarks-readings", &readings));
    examples
}

fn assignment(actor: Actor<ObjectId>, scope: Scope<ObjectId>) -> Subject {
    Subject::Link(Link::Assignment(Assignment {
        actor,
        scope,
        role: OTHER,
        inherited: true,
    }))
}

fn full() -> Vec<Record> {
    let text = |it: &str| Some(it.to_owned());
    vec![
        Record::Remark(Remark {
            subject: Subject::Object(ObjectKind::User, OBJECT),
            name: "研发 1".to_owned(),
            state: RemarkState::Drift {
                why: DriftWhy::Region,
                what: vec![
                    Drifted {
                        what: DriftKind::Name,
                        directory: text("ann"),
                        cloud: text("研发 1"),
                    },
                    Drifted {
                        what: DriftKind::Email,
                        directory: text("ann@example.org"),
                        cloud: None,
                    },
                ],
            },
        }),
        Record::Applying(Applying {
            desired: 70_000,
            in_place: 66_000,
            under_way: 8,
            waiting: 300,
            removals_held: 12,
            failed: 2,
            drift: 1,
            left: Some(Duration::from_secs(90)),
            paused: text("the cloud asks for patience"),
            read_only: true,
        }),
        Record::Recall(Recall {
            feed: FeedId::from_bytes([6; 16]),
        }),
        Record::PutBack(PutBack {
            subject: assignment(Actor::Group(OBJECT), Scope::Project(OTHER)),
            seen: [5; 16],
            at: UnixMillis(1_795_000_000_123),
        }),
    ]
}

/// Nothing that can be left out.
fn minimal() -> Vec<Record> {
    vec![
        Record::Remark(remark(
            Subject::Own(ObjectKind::Group, CloudId::new("")),
            RemarkState::Drift {
                why: DriftWhy::Custody,
                what: Vec::new(),
            },
        )),
        Record::Applying(Applying::default()),
    ]
}

fn remark(subject: Subject, state: RemarkState) -> Remark {
    Remark {
        subject,
        name: String::new(),
        state,
    }
}

fn reading() -> Record {
    let subject = Subject::Reading(RecordKind::Implication);
    let reason = String::from("3 wait");
    Record::Remark(remark(subject, RemarkState::Blocked { reason }))
}

/// Each word that goes by a number.
fn words() -> Vec<(String, Record)> {
    let user = || Subject::Object(ObjectKind::User, OBJECT);
    let (group, prior) = (OBJECT, OBJECT);
    let subjects = [
        user(),
        Subject::Own(ObjectKind::Role, CloudId::new("r")),
        Subject::Password(OBJECT),
        Subject::Quota(Holder::Project(OBJECT), ServiceKind::Compute),
        Subject::Quota(Holder::Own(CloudId::new("p")), ServiceKind::Network),
        Subject::Link(Link::Membership(Membership { group, user: OTHER })),
        Subject::Link(Link::Implication(Implication {
            prior,
            implied: OTHER,
        })),
        assignment(Actor::User(OBJECT), Scope::Department(OTHER)),
    ];
    let mut words = Vec::new();
    for subject in subjects {
        let reason = String::from("its name is taken");
        let word = format!("blocked {subject}");
        let blocked = remark(subject, RemarkState::Blocked { reason });
        words.push((word, Record::Remark(blocked)));
    }
    let failed = RemarkState::Failed {
        error: "403".to_owned(),
        since: UnixMillis(7),
        tries: 3,
    };
    let failed = Record::Remark(remark(user(), failed));
    words.push(("failed".to_owned(), failed));
    let told = UnixMillis(1_795_000_000_123);
    let purged = Record::Remark(remark(user(), RemarkState::Purged { told }));
    words.push(("purged".to_owned(), purged));
    let purgeable = Record::Remark(remark(user(), RemarkState::Purgeable { told }));
    words.push(("purgeable".to_owned(), purgeable));
    for how in [End::Deleted, End::Retired] {
        let proof = [0x5a; 32];
        let ended = Record::Remark(remark(user(), RemarkState::Ended { how, proof }));
        words.push((format!("ended {how:?}"), ended));
    }
    for why in DriftWhy::ALL {
        let what = Vec::new();
        let drift = Record::Remark(remark(user(), RemarkState::Drift { why, what }));
        words.push((why.name().to_owned(), drift));
    }
    for what in DriftKind::ALL {
        let it = Drifted {
            what,
            directory: None,
            cloud: None,
        };
        let (why, all) = (DriftWhy::Region, vec![it]);
        let drift = Record::Remark(remark(user(), RemarkState::Drift { why, what: all }));
        words.push((what.name().to_owned(), drift));
    }
    words
}
