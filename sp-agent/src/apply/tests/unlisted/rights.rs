//! What somebody there may have, or be.

use super::super::rules::INNER;
use super::*;

const ADMIN: u128 = 31;

fn rename(replica: &mut Replica, kind: ObjectKind, id: u128) {
    change(replica, kind, id, |it| {
        *it = super::super::super::compare::renamed(it.clone(), &format!("{}-2", it.name()));
    });
}

#[test]
fn passwords_wait_while_a_group_of_unknown_members_makes_them_administrators() {
    for makes in [false, true] {
        let (mut bench, mut replica) = sales();
        let admin = bench.cloud.add(role("admin"));
        let chief = bench.cloud.add(role("chief"));
        bench.cloud.all.link(implied(chief.clone(), admin));
        let sellers = bench.cloud.named(ObjectKind::Group, "sellers").remove(0);
        let shop = bench.cloud.named(ObjectKind::Project, "shop").remove(0);
        let given: Link<CloudId> = assigned_to_all(sellers, shop, chief);
        if makes {
            bench.cloud.all.link(given.clone());
        }
        away(&mut bench, &replica, false);
        for user in [USER, SUE] {
            replica.secrets.insert(oid(user), secret_of(oid(user), 5));
        }
        bench.core.follow(&replica);
        assert_eq!(run_elsewhere(&mut bench), usize::from(!makes));
        let standing = bench.core.standing(&Subject::Password(oid(USER))).cloned();
        if makes {
            let waits = Standing::Waiting(Wait::Reading(RecordKind::Membership));
            assert_eq!(standing, Some(waits), "she may be one of them");
            bench.cloud.all.unlink(&given);
            bench.read();
            assert_eq!(run_elsewhere(&mut bench), 1, "they are no administrators");
        }
        assert_eq!(back(&mut bench), 1, "hers in sales");
    }
}

/// In the cloud alone, a group's members become cloud administrators.
fn is_made_chief(bench: &mut Bench, group: &CloudId) {
    let admin = bench.cloud.add(role("admin"));
    let shop = bench.cloud.named(ObjectKind::Project, "shop").remove(0);
    let given: Link<CloudId> = assigned_to_all(group.clone(), shop, admin);
    bench.cloud.all.link(given);
}

fn password_of_ann(bench: &Bench) -> Option<Standing> {
    bench.core.standing(&Subject::Password(oid(USER))).cloned()
}

fn unread_memberships() -> Option<Standing> {
    Some(Standing::Waiting(Wait::Reading(RecordKind::Membership)))
}

#[test]
fn a_department_that_is_back_but_for_who_is_in_its_groups_hides_administrators() {
    for is_away_first in [true, false] {
        let (mut bench, mut replica) = sales();
        let sellers = bench.cloud.named(ObjectKind::Group, "sellers").remove(0);
        is_made_chief(&mut bench, &sellers);
        let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
        bench.cloud.all.link(member(sellers.clone(), ann));
        if is_away_first {
            away(&mut bench, &replica, true);
            run_elsewhere(&mut bench);
        }
        bench.cloud.away.clear();
        bench.cloud.closed.insert(sellers);
        if !is_away_first {
            let base = bench.kept.clone();
            bench.restart(base, &replica, Policy::default());
        }
        bench.read();
        replica.secrets.insert(oid(USER), secret_of(oid(USER), 5));
        mail(&mut replica, SUE);
        let into_another = member(oid(GROUP), oid(SUE));
        replica.directory.link(into_another);
        bench.core.follow(&replica);
        assert_eq!(bench.run(), 2, "another group's member, and her address");
        assert_eq!(password_of_ann(&bench), unread_memberships());
        let stays = Subject::Link(member(oid(SELLERS), oid(SUE)));
        assert_eq!(bench.core.standing(&stays).cloned(), unread_memberships());

        bench.cloud.closed.clear();
        bench.read();
        assert_eq!(bench.run(), 0, "{:?}", bench.given);
        let told = password_of_ann(&bench);
        assert!(matches!(told, Some(Standing::Drift(_))), "{told:?}");
    }
}

#[test]
fn a_department_that_was_never_listed_hides_administrators_also_where_it_is_new() {
    let (mut bench, mut replica) = sales();
    let new = bench.cloud.add(department("new"));
    let all = bench.cloud.add(group(new.clone(), "all"));
    is_made_chief(&mut bench, &all);
    bench.cloud.away.insert(new);
    bench.read();
    replica.secrets.insert(oid(USER), secret_of(oid(USER), 5));
    bench.core.follow(&replica);
    assert_eq!(run_elsewhere(&mut bench), 0);
    assert_eq!(password_of_ann(&bench), unread_memberships());
    assert_eq!(back(&mut bench), 1, "she is not one of them");
}

#[test]
fn a_new_group_of_a_department_that_is_away_hides_administrators_and_an_old_one_does_not() {
    for is_new in [true, false] {
        let (mut bench, mut replica) = sales();
        let mut group_here = bench.cloud.named(ObjectKind::Group, "sellers").remove(0);
        let sales_here = id_of(&bench, "sales");
        bench.cloud.away.insert(sales_here.clone());
        if is_new {
            group_here = bench.cloud.add(group(sales_here, "new"));
        }
        is_made_chief(&mut bench, &group_here);
        bench.read();
        replica.secrets.insert(oid(USER), secret_of(oid(USER), 5));
        bench.core.follow(&replica);
        assert_eq!(run_elsewhere(&mut bench), usize::from(!is_new));
        assert_eq!(back(&mut bench), usize::from(is_new));
    }
}

#[test]
fn a_role_that_somebody_there_has_keeps_its_name_until_it_is_known_who() {
    for is_held in [true, false] {
        let (mut bench, mut replica) = sales();
        replica.directory.insert(oid(ADMIN), role("dba"));
        bench.core.follow(&replica);
        bench.run();
        away(&mut bench, &replica, is_held);
        rename(&mut replica, ObjectKind::Role, ADMIN);
        rename(&mut replica, ObjectKind::Role, ROLE);
        rename(&mut replica, ObjectKind::Group, GROUP);
        bench.core.follow(&replica);
        assert_eq!(
            run_elsewhere(&mut bench),
            2,
            "that nobody has, and the group"
        );
        waits(&bench, ObjectKind::Role, ROLE, RecordKind::Group);
        assert_eq!(back(&mut bench), 1);
    }
}

#[test]
fn a_role_that_ended_and_stays_for_somebody_there_is_taken_from_everybody_else() {
    for is_held in [true, false] {
        let (mut bench, mut replica) = sales();
        let of_sue = assigned(oid(SUE), oid(SHOP), oid(ROLE));
        let of_ann = assigned(oid(USER), oid(PROJECT), oid(ROLE));
        replica.directory.link(of_sue.clone());
        bench.core.follow(&replica);
        bench.run();
        let [of_sue, of_ann] = [of_sue, of_ann].map(|it| {
            let here = it.translated(|kind, id| bench.core.places.here(kind, id));
            here.unwrap()
        });
        away(&mut bench, &replica, is_held);
        end(&mut replica, ObjectKind::Role, ROLE, End::Deleted);
        bench.core.follow(&replica);
        assert_eq!(run_elsewhere(&mut bench), 1, "{:?}", bench.given);
        let all = &bench.cloud.all;
        assert!(!all.has_link(&of_ann) && all.has_link(&of_sue));
        assert_eq!(bench.cloud.named(ObjectKind::Role, "member").len(), 1);
        assert_eq!(back(&mut bench), 1, "it goes with all its links");
        assert!(bench.cloud.named(ObjectKind::Role, "member").is_empty());
        assert!(bench.drift().is_empty(), "{:?}", bench.drift());
    }
}

#[test]
fn a_group_that_ended_and_stays_for_somebody_there_lets_everybody_else_go() {
    let (mut bench, mut replica) = sales();
    let of_sue = member(oid(GROUP), oid(SUE));
    replica.directory.link(of_sue);
    bench.core.follow(&replica);
    bench.run();
    let sellers = bench.cloud.named(ObjectKind::Group, "sellers").remove(0);
    away(&mut bench, &replica, false);
    end(&mut replica, ObjectKind::Group, GROUP, End::Deleted);
    end(&mut replica, ObjectKind::Group, SELLERS, End::Deleted);
    bench.core.follow(&replica);
    assert_eq!(run_elsewhere(&mut bench), 1, "{:?}", bench.given);
    let all = &bench.cloud.all;
    let ann = bench.cloud.named(ObjectKind::User, "ann").remove(0);
    assert!(!all.memberships.iter().any(|it| it.user == ann));
    let stay = all.memberships.iter().filter(|it| it.group == sellers);
    assert_eq!(stay.count(), 2, "nobody knows of that group");
    assert_eq!(back(&mut bench), 2);
}

#[test]
fn a_department_whose_users_are_not_known_keeps_its_name_and_others_do_not() {
    let (mut bench, mut replica) = sales();
    away(&mut bench, &replica, true);
    rename(&mut replica, ObjectKind::Department, SALES);
    rename(&mut replica, ObjectKind::Department, DEPARTMENT);
    rename(&mut replica, ObjectKind::Project, SHOP);
    bench.core.follow(&replica);
    assert_eq!(run_elsewhere(&mut bench), 2);
    waits(&bench, ObjectKind::Department, SALES, RecordKind::User);
    assert_eq!(back(&mut bench), 1);
}

#[test]
fn a_membership_into_it_waits_and_so_does_its_end() {
    let (mut bench, mut replica) = sales();
    let into = member(oid(GROUP), oid(SUE));
    replica.directory.link(into.clone());
    bench.core.follow(&replica);
    bench.run();
    for is_held in [true, false] {
        away(&mut bench, &replica, is_held);
        replica.directory.unlink(&into);
        let other = assigned(oid(SUE), oid(PROJECT), oid(ROLE));
        replica.directory.link(other.clone());
        bench.core.follow(&replica);
        assert_eq!(run_elsewhere(&mut bench), 0);
        let standing = bench.core.standing(&Subject::Link(other.clone()));
        assert!(standing.is_some_and(Standing::is_unread), "{standing:?}");
        assert_eq!(bench.core.standing(&Subject::Link(into.clone())), None);
        assert_eq!(back(&mut bench), 2, "one is taken away, and one given");
        replica.directory.unlink(&other);
        replica.directory.link(into.clone());
        bench.core.follow(&replica);
        assert_eq!(bench.run(), 2);
    }
}

#[test]
fn memberships_wait_alone_where_they_alone_could_not_be_read() {
    let (mut bench, mut replica) = sales();
    bench.cloud.told_all_the_same = [RecordKind::User, RecordKind::Group].into();
    away(&mut bench, &replica, false);
    assert_eq!(run_elsewhere(&mut bench), 0);
    assert!(bench.drift().is_empty(), "{:?}", bench.drift());
    let (stays, goes) = (
        member(oid(SELLERS), oid(SUE)),
        member(oid(SELLERS), oid(SAM)),
    );
    replica.directory.unlink(&goes);
    mail(&mut replica, SUE);
    rename(&mut replica, ObjectKind::Group, SELLERS);
    bench.core.follow(&replica);
    assert_eq!(run_elsewhere(&mut bench), 1, "her address");
    let standing = bench.core.standing(&Subject::Link(stays)).cloned();
    let unread = Standing::Waiting(Wait::Reading(RecordKind::Membership));
    assert_eq!(standing, Some(unread));
    waits(&bench, ObjectKind::Group, SELLERS, RecordKind::Membership);
    assert!(bench.kept.links.contains_key(&goes.id()));
    assert_eq!(back(&mut bench), 2, "a name, and who is a member no more");
}

#[test]
fn what_was_withheld_there_is_not_switched_off_before_it_is_read() {
    let (mut bench, mut replica) = sales();
    let sales_here = id_of(&bench, "sales");
    let old = bench.cloud.add(user(sales_here, "old"));
    let place = (ObjectKind::User, old.clone());
    let withheld = shared::model::Becomes::Withheld(oid(NEW));
    replica.bindings.insert(place, withheld);
    replica
        .ended
        .insert(oid(NEW), (ObjectKind::User, End::Retired));
    away(&mut bench, &replica, true);
    assert_eq!(run_elsewhere(&mut bench), 0);
    assert_eq!(back(&mut bench), 1);
    assert!(!bench.cloud.all.users[&old].enabled);
}

#[test]
fn a_department_of_which_not_all_is_known_is_not_looked_at_to_be_purged() {
    for (name, id, others) in [("sales", SALES, 0), ("ops", DEPARTMENT, 1)] {
        let (mut bench, mut replica) = sales();
        for kind in [ObjectKind::User, ObjectKind::Group, ObjectKind::Project] {
            for at in [USER, GROUP, INNER, PROJECT, SUE, SAM, SELLERS, SHOP] {
                if replica.directory.has(kind, &oid(at)) {
                    end(&mut replica, kind, at, End::Deleted);
                }
            }
        }
        end(&mut replica, ObjectKind::Department, id, End::Retired);
        bench.core.follow(&replica);
        bench.run();
        for project in std::mem::take(&mut bench.cloud.all.projects).into_keys() {
            bench.cloud.lose(ObjectKind::Project, &project);
        }
        replica.purges.insert(
            oid(id),
            shared::model::Purge {
                object: oid(id),
                kind: ObjectKind::Department,
                name: name.to_owned(),
                at: UnixMillis(5),
                step: shared::model::PurgeStep::Delete,
            },
        );
        away(&mut bench, &replica, true);
        bench.now += Duration::from_secs(901);
        assert_eq!(run_elsewhere(&mut bench), others, "{:?}", bench.progress());
        bench.cloud.away.clear();
        bench.read();
        bench.run();
        assert!(bench.cloud.named(ObjectKind::Department, name).is_empty());
    }
}
