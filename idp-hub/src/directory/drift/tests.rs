//! What may be done about a difference, of all that a remark can say.

use shared::model::{Implication, Membership};

use super::*;

fn remark(subject: Subject, what: &[(DriftKind, Option<&str>)]) -> Remark {
    let what = what.iter().map(|(what, cloud)| Drifted {
        what: *what,
        directory: Some("here".to_owned()),
        cloud: cloud.map(str::to_owned),
    });
    Remark {
        subject,
        name: "ann".to_owned(),
        state: RemarkState::Drift {
            why: DriftWhy::Region,
            what: what.collect(),
        },
    }
}

fn user() -> Subject {
    Subject::Object(ObjectKind::User, ObjectId::from_random(1))
}

#[test]
fn what_a_region_changed_of_a_thing_becomes_one_edit() {
    let home = ObjectId::from_random(5);
    let text = home.to_string();
    let seen = remark(
        user(),
        &[
            (DriftKind::Name, Some("anna")),
            (DriftKind::Email, None),
            (DriftKind::Enabled, Some("false")),
            (DriftKind::DefaultProject, Some(&text)),
            (DriftKind::Moved, Some("elsewhere")),
        ],
    );
    let Ok(Edit::Update { kind, patch, .. }) = adoption(&seen, false) else {
        panic!("{:?}", adoption(&seen, false));
    };
    let expected = Patch {
        name: Some("anna".to_owned()),
        description: None,
        enabled: Some(false),
        email: Some(None),
        default_project: Some(Some(home)),
    };
    assert_eq!((kind, patch), (ObjectKind::User, expected));
    assert_eq!(may_put_back(&seen), Ok(()), "but for the place");
}

/// What the directory has is what is asked of it, so that nothing is adopted twice, or never.
#[test]
fn an_empty_description_is_adopted_as_one_and_none_as_none() {
    for there in [None, Some("")] {
        let seen = remark(user(), &[(DriftKind::Description, there)]);
        let Ok(Edit::Update { patch, .. }) = adoption(&seen, false) else {
            panic!("{:?}", adoption(&seen, false));
        };
        assert_eq!(patch.description, Some(there.map(str::to_owned)));
    }
}

/// No answer moves it, so that both say what whoever is in the region can do.
#[test]
fn what_is_in_another_place_is_deleted_there_to_be_made_in_its_own() {
    let subject = Subject::Object(ObjectKind::Project, ObjectId::from_random(1));
    let seen = remark(subject, &[(DriftKind::Moved, Some("elsewhere"))]);
    for refused in [adoption(&seen, true).map(drop), may_put_back(&seen)] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("delete it there"), "{text}");
        assert!(text.contains("once it is empty"), "{text}");
    }
}

#[test]
fn links_are_made_and_taken_away_as_they_were_there() {
    let link = Link::Membership(Membership {
        group: ObjectId::from_random(1),
        user: ObjectId::from_random(2),
    });
    let subject = Subject::Link(link.clone());
    let given = remark(subject.clone(), &[(DriftKind::LinkGiven, None)]);
    assert_eq!(adoption(&given, false), Ok(Edit::Link(link.clone())));
    let taken = remark(subject, &[(DriftKind::LinkTaken, None)]);
    assert_eq!(adoption(&taken, false), Ok(Edit::Unlink(link)));
    assert!(may_put_back(&given).is_ok() && may_put_back(&taken).is_ok());
    assert!(may_adopt_unasked(&taken) && !may_adopt_unasked(&given));
    for (cloud, may) in [("true", false), ("false", true)] {
        let switched = remark(user(), &[(DriftKind::Enabled, Some(cloud))]);
        assert_eq!(may_adopt_unasked(&switched), may, "{cloud}");
        assert!(adoption(&switched, false).is_ok());
    }
}

#[test]
fn a_link_that_a_restored_hub_does_not_speak_of_is_decided_about_by_whoever_is_asked() {
    let link = Link::Membership(Membership {
        group: ObjectId::from_random(1),
        user: ObjectId::from_random(2),
    });
    let unsaid = remark(
        Subject::Link(link.clone()),
        &[(DriftKind::NotInDirectory, None)],
    );
    assert_eq!(may_put_back(&unsaid), Ok(()), "it is taken away there");
    assert_eq!(adoption(&unsaid, false), Ok(Edit::Link(link)));
    assert!(!may_put_back_unasked(&unsaid), "nothing goes unasked");
    assert!(!may_adopt_unasked(&unsaid));
    // What it has of things comes back by a merge, and is never deleted from here.
    let thing = remark(user(), &[(DriftKind::NotInDirectory, None)]);
    for refused in [adoption(&thing, true).map(drop), may_put_back(&thing)] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("org plan"), "{text}");
        assert!(text.contains("rename it there"), "{text}");
        assert!(text.contains("delete it there"), "{text}");
    }
    let renamed = remark(user(), &[(DriftKind::Name, Some("anna"))]);
    assert!(may_put_back_unasked(&renamed));
}

#[test]
fn nothing_of_roles_is_adopted_unasked() {
    use DriftKind::{Description, LinkTaken, Name};
    let id = ObjectId::from_random;
    let object = |kind| Subject::Object(kind, id(1));
    let membership = Link::Membership(Membership {
        group: id(1),
        user: id(2),
    });
    let implication = Link::Implication(Implication {
        prior: id(1),
        implied: id(2),
    });
    for (subject, what, expected) in [
        (object(ObjectKind::Department), Name, true),
        (object(ObjectKind::Project), Name, true),
        (object(ObjectKind::User), Name, true),
        (object(ObjectKind::Group), Name, true),
        (object(ObjectKind::Role), Name, false),
        (object(ObjectKind::Role), Description, false),
        (Subject::Link(membership), LinkTaken, true),
        (Subject::Link(implication), LinkTaken, false),
    ] {
        let seen = remark(subject, &[(what, Some("admin"))]);
        assert_eq!(may_adopt_unasked(&seen), expected, "{seen:?}");
        assert!(adoption(&seen, false).is_ok(), "asked, it may");
    }
}

#[test]
fn nothing_ends_without_a_word_of_its_own() {
    let seen = remark(user(), &[(DriftKind::Deleted, None)]);
    let refused = adoption(&seen, false);
    assert!(
        matches!(refused, Err(DriftRefusal::Ends { .. })),
        "{refused:?}"
    );
    assert!(matches!(adoption(&seen, true), Ok(Edit::End { .. })));
    assert_eq!(may_put_back(&seen), Ok(()));
}

#[test]
fn what_a_region_made_is_neither_adopted_nor_deleted_from_here() {
    let subject = Subject::Own(ObjectKind::User, shared::model::CloudId::new("u"));
    let seen = remark(subject, &[(DriftKind::CreatedHere, Some("eve"))]);
    for refused in [adoption(&seen, true).map(drop), may_put_back(&seen)] {
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("org plan"), "{text}");
        assert!(text.contains("delete it there"), "{text}");
    }
}

#[test]
fn what_the_region_decides_alone_is_not_decided_here() {
    let mut seen = remark(user(), &[(DriftKind::Name, Some("anna"))]);
    for why in [DriftWhy::Custody, DriftWhy::Protected, DriftWhy::ReadOnly] {
        let RemarkState::Drift { why: its, .. } = &mut seen.state else {
            panic!("a drift");
        };
        *its = why;
        for refused in [adoption(&seen, true).map(drop), may_put_back(&seen)] {
            assert!(matches!(refused, Err(DriftRefusal::Stays { .. })));
        }
    }
    let reason = "a name that is taken".to_owned();
    seen.state = RemarkState::Blocked { reason };
    assert!(matches!(
        may_put_back(&seen),
        Err(DriftRefusal::NoDrift { .. })
    ));
}
