//! Cloud administrators of the directory, and their place.

use super::*;

/// The same, with the place of cloud administrators: ANN is one, and BOSS is `manager` there.
fn with_an_administrator() -> Organization<ObjectId> {
    let mut live = organization();
    live.departments
        .insert(PLACE.department, department("federation"));
    live.projects
        .insert(PLACE.project, project(PLACE.department, None));
    live.users.insert(ROOT, user(PLACE.department));
    live.assignments.insert(PLACE.link(ANN, ADMIN));
    for scope in [
        Scope::Department(PLACE.department),
        Scope::Project(PLACE.project),
    ] {
        live.assignments
            .insert(given(Actor::User(BOSS), MANAGER, scope));
    }
    live
}

const ROOT: ObjectId = id(25);

#[test]
fn a_cloud_administrator_may_everything_but_end_himself() {
    let live = with_an_administrator();
    let ann = rights(&live, ANN);
    let may = |action: Action<'_>| ann.permits(&live, action).is_ok();
    assert!(may(Action::Fleet));
    for (what, edit, _) in table::table() {
        let is_herself = edit == end(ObjectKind::User, ANN);
        assert_eq!(may(Action::Edit(&edit)), !is_herself, "{what}");
    }
    assert!(may(Action::SetPassword(CHIEF)) && !may(Action::SetPassword(ANN)));
    let (other, herself) = (Edit::Appoint(BOB), Edit::Appoint(ANN));
    assert!(may(Action::Edit(&other)) && !may(Action::Edit(&herself)));
    let steps_down = Edit::Dismiss {
        user: ANN,
        even_the_last: false,
    };
    assert!(may(Action::Edit(&steps_down)));
    assert!(ann.sees_object(FAR, &Object::Project(project(LAB, None))));
}

#[test]
fn what_makes_no_cloud_administrator() {
    for change in [
        |it: &mut Assignment<ObjectId>| it.inherited = true,
        |it: &mut Assignment<ObjectId>| it.role = SUPER,
        |it: &mut Assignment<ObjectId>| it.actor = Actor::Group(STAFF),
        |it: &mut Assignment<ObjectId>| it.scope = Scope::Department(PLACE.department),
    ] {
        let mut live = with_an_administrator();
        let mut link = PLACE.link(ANN, ADMIN);
        live.assignments.remove(&link);
        change(&mut link);
        live.assignments.insert(link.clone());
        let (group, user) = (STAFF, ANN);
        live.memberships.insert(Membership { group, user });
        let fleet = rights(&live, ANN).permits(&live, Action::Fleet);
        assert_eq!(fleet, Err(CLOUD), "{link:?}");
    }
    let mut live = with_an_administrator();
    live.users.get_mut(&ANN).unwrap().enabled = false;
    assert!(found(&live, ANN).is_none(), "switched off");
}

#[test]
fn nobody_but_cloud_administrators_touches_them_or_their_place() {
    use ObjectKind::{Department, Project, User};
    let live = with_an_administrator();
    let boss = rights(&live, BOSS);
    let dismissal = Edit::Dismiss {
        user: ANN,
        even_the_last: true,
    };
    for edit in [
        update(Department, PLACE.department),
        update(Project, PLACE.project),
        end(Project, PLACE.project),
        update(User, ROOT),
        end(User, ROOT),
        create(Object::User(user(PLACE.department))),
        create(Object::Group(group(PLACE.department))),
        create(Object::Project(project(
            PLACE.department,
            Some(PLACE.project),
        ))),
        assign(BOB, MEMBER, Scope::Project(PLACE.project)),
        assign(BOB, MANAGER, Scope::Department(PLACE.department)),
        Edit::Unlink(Link::Assignment(PLACE.link(ANN, ADMIN))),
        Edit::Appoint(BOB),
        dismissal,
        update(User, ANN),
        end(User, ANN),
    ] {
        let found = boss.permits(&live, Action::Edit(&edit));
        assert!(found.is_err(), "{edit:?}");
    }
    for user in [ROOT, ANN] {
        assert!(boss.permits(&live, Action::SetPassword(user)).is_err());
    }
}
