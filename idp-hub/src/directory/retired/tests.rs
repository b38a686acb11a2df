use shared::ids::FederationId;
use shared::model::{Department, Group, Object, Project, User};

use super::*;
use crate::directory::Edit;

fn stamp(at: u64) -> Stamp {
    Stamp {
        author: "ann".to_owned(),
        at: UnixMillis(at),
        epoch: 1,
    }
}

fn oid(number: u128) -> ObjectId {
    ObjectId::from_random(number)
}

fn retired(left: Vec<Left>) -> Retired {
    Retired {
        id: oid(1),
        kind: ObjectKind::Project,
        name: "web".to_owned(),
        department: None,
        how: End::Retired,
        stamp: stamp(100),
        within: Vec::new(),
        goes_along: Inside::default(),
        left,
    }
}

fn left(region: &str, heard: u64, here: Option<Here>) -> Left {
    Left {
        region: region.to_owned(),
        heard: UnixMillis(heard),
        here,
        purge: Purging::NotTold,
        good_until: None,
        unread: Vec::new(),
    }
}

fn full(servers: u64, volumes: u64) -> Option<Here> {
    let contents = Contents {
        servers,
        volumes,
        ..Contents::default()
    };
    Some(Here {
        contents,
        ..Here::default()
    })
}

#[test]
fn it_is_purged_when_every_region_says_that_it_is_empty_and_off() {
    let off = Some(Here::default());
    let empty = retired(vec![left("north", 101, off), left("south", 101, None)]);
    assert_eq!(empty.may_be_purged(), Ok(()));
    assert!(empty.next_step().starts_with("idp-hub org purge project"));
    let on = Here {
        is_on: true,
        ..Here::default()
    };
    let mut nested = retired(Vec::new());
    nested.within.push("inner".to_owned());
    for (refused, told) in [
        (
            retired(vec![
                left("north", 101, full(2, 1)),
                left("south", 101, full(0, 3)),
            ]),
            "north has 2 servers, 1 volume; south has 3 volumes",
        ),
        (
            retired(vec![
                left("north", 100, off),
                left("south", 101, full(1, 0)),
            ]),
            "not heard of since it was retired: north",
        ),
        (
            retired(vec![left("north", 101, Some(on))]),
            "not switched off in north",
        ),
        (nested, "retired projects inner"),
    ] {
        let why = refused.may_be_purged().unwrap_err().to_string();
        assert!(why.contains(told), "{why}");
        assert!(
            !refused.next_step().contains("org purge"),
            "{}",
            refused.next_step()
        );
    }
}

#[test]
fn what_is_not_read_is_neither_absent_nor_empty() {
    let mut here = retired(vec![left("north", 101, None)]);
    here.left[0].unread = vec!["its inventory is being read".to_owned()];
    let why = here.may_be_purged().unwrap_err().to_string();
    assert!(why.contains("north (its inventory is being read)"), "{why}");
    here.left[0].unread.clear();
    here.left[0].purge = Purging::Lapsed;
    let next = here.next_step();
    assert!(
        next.contains("7 days") && next.contains("org purge"),
        "{next}"
    );
}

#[test]
fn whom_a_region_made_in_a_department_keeps_it_before_anybody_is_deleted() {
    let users = |users| {
        let inside = Inside {
            users,
            ..Inside::default()
        };
        let here = Here {
            inside,
            ..Here::default()
        };
        let mut retired = retired(vec![left("north", 101, Some(here))]);
        retired.goes_along.users = 2;
        retired.may_be_purged()
    };
    assert_eq!(users(2), Ok(()));
    let why = users(3).unwrap_err().to_string();
    assert!(why.contains("north has 1 user"), "{why}");
}

#[test]
fn a_sentence_names_few_regions_of_many() {
    let all = (0..9).map(|it| left(&format!("r{it}"), 1, None));
    let why = retired(all.collect()).may_be_purged().unwrap_err();
    assert!(why.to_string().contains("r4; and 4 more"), "{why}");
}

#[test]
fn nobody_is_asked_for_a_word_that_was_given() {
    use Purging::{Done, Lapsed, NotTold, Ready, Refused, Waiting};
    let next = |all: &[Purging]| {
        let left = all.iter().enumerate().map(|(at, purge)| Left {
            purge: purge.clone(),
            ..left(&format!("r{at}"), 101, None)
        });
        retired(left.collect()).next_step()
    };
    let (looks, agrees, ends) = (
        "wait until each region has",
        "wait until each region finds",
        "wait:",
    );
    for (going, wait) in [
        (&[Waiting, Waiting][..], looks),
        (&[Waiting, Done], looks),
        (&[Waiting, Lapsed], looks),
        (&[Ready, Waiting], agrees),
        (&[Ready, Waiting, Lapsed], agrees),
        (&[Ready, Ready], ends),
        (&[Ready, Done], ends),
        (&[Done, Done], ends),
    ] {
        let next = next(going);
        assert!(next.starts_with(wait), "{going:?}: {next}");
    }
    // One that was merged later has to be told as well, and what lapsed is said again.
    for again in [
        &[Waiting, NotTold][..],
        &[Ready, NotTold],
        &[Lapsed, Ready],
        &[NotTold],
    ] {
        let next = next(again);
        assert!(next.contains("idp-hub org purge"), "{again:?}: {next}");
    }
    let refused = next(&[Refused("1 image".to_owned()), Ready]);
    assert!(refused.starts_with("do what the region says"), "{refused}");
}

/// A department with a nested project, a user and a group.
fn directory() -> Directory {
    let mut directory = Directory::new(FederationId::from_random(7));
    let d = oid(1);
    let project = |parent, name: &str| {
        Object::Project(Project {
            department: d,
            parent,
            name: name.to_owned(),
            description: None,
            enabled: true,
        })
    };
    let user = User {
        department: d,
        name: "bob".to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    };
    let group = Group {
        department: d,
        name: "admins".to_owned(),
        description: None,
    };
    let ops = Department {
        name: "ops".to_owned(),
        description: None,
        enabled: true,
    };
    for (id, object) in [
        (1, Object::Department(ops)),
        (2, project(None, "web")),
        (3, project(Some(oid(2)), "inner")),
        (4, Object::User(user)),
        (5, Object::Group(group)),
    ] {
        let id = oid(id);
        directory
            .change(Edit::Create { id, object }, &stamp(1))
            .unwrap();
    }
    directory
}

#[test]
fn what_is_live_is_not_purged_and_what_is_purged_gives_its_name_back() {
    let mut directory = directory();
    let (kind, id) = (ObjectKind::Project, oid(3));
    let why = directory.agree_to_purge(kind, id, &stamp(2)).unwrap_err();
    assert!(why.to_string().contains("org retire"), "{why}");
    let user = directory.agree_to_purge(ObjectKind::User, oid(4), &stamp(2));
    assert!(user.is_err());
    assert!(directory.purged(kind, id, &stamp(2)).is_empty(), "it lives");
    directory.change(Edit::End { kind, id }, &stamp(3)).unwrap();
    assert!(
        directory
            .agree_to_purge(kind, id, &stamp(4))
            .unwrap()
            .is_empty()
    );
    let again = |directory: &mut Directory| {
        let object = directory.ended(id).unwrap().object.clone();
        let id = oid(9);
        directory.change(Edit::Create { id, object }, &stamp(5))
    };
    assert!(matches!(again(&mut directory), Err(Refusal::Held { .. })));
    let delta = directory.purged(kind, id, &stamp(6));
    assert_eq!(delta.ended, [(kind, id)]);
    assert!(directory.purged(kind, id, &stamp(7)).is_empty(), "once");
    assert_eq!(directory.ended(id).unwrap().how, End::Deleted);
    assert!(again(&mut directory).is_ok());
}

#[test]
fn a_departments_own_are_deleted_with_it_and_its_projects_come_first() {
    let mut directory = directory();
    let (kind, id) = (ObjectKind::Department, oid(1));
    directory.change(Edit::End { kind, id }, &stamp(3)).unwrap();
    assert_eq!(directory.retired().count(), 3);
    let mut within = directory.retired_within(kind, id);
    within.sort();
    assert_eq!(within, ["inner", "web"]);
    assert_eq!(
        directory.retired_within(ObjectKind::Project, oid(2)),
        ["inner"]
    );
    directory.purged(ObjectKind::Project, oid(3), &stamp(4));
    assert_eq!(
        directory.retired_within(ObjectKind::Project, oid(2)),
        [""; 0]
    );
    let mut delta = directory.agree_to_purge(kind, id, &stamp(5)).unwrap();
    delta.ended.sort();
    let mut expected = vec![(ObjectKind::User, oid(4)), (ObjectKind::Group, oid(5))];
    expected.sort();
    assert_eq!(delta.ended, expected);
    assert_eq!(directory.ended(oid(4)).unwrap().how, End::Deleted);
    assert_eq!(
        directory.ended(oid(1)).unwrap().how,
        End::Retired,
        "not yet"
    );
}
