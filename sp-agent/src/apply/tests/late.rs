//! Passwords of which no answer came, and which arrive after the next one.

use shared::model::{Link, ObjectKind};

use super::passwords::{appoint, appointed, secret_of};
use super::rules::{USER, applied};
use super::world::*;
use super::*;

/// Longer than anything is on its way.
const LATER: Duration = Duration::from_secs(16 * 60);

fn tell(bench: &mut Bench, replica: &mut Replica, version: u64) {
    let secret = secret_of(oid(USER), version);
    replica.secrets.insert(oid(USER), secret);
    bench.core.follow(replica);
}

/// A password is sent, and nobody hears of it again: neither this agent nor, yet, the cloud.
fn send(bench: &mut Bench) -> Task {
    let batch = bench.core.next(bench.now, 1000);
    bench.keep(batch.notes);
    let [task] = <[Task; 1]>::try_from(batch.tasks).unwrap();
    assert!(matches!(task.order, Order::Password(..)), "{task:?}");
    task
}

fn is_lost(bench: &mut Bench, task: &Task) {
    let lost = CloudError::Unreachable {
        endpoint: "keystone".to_owned(),
        reason: "no answer in time".to_owned(),
    };
    bench.finish(task, Err(lost), 0);
}

fn has(bench: &Bench, version: u64) -> bool {
    let all = bench.cloud.passwords.values();
    all.collect::<Vec<_>>() == [&version]
}

fn is_noted(bench: &Bench, version: u64) -> bool {
    let noted = bench.kept.passwords.get(&oid(USER));
    noted.is_some_and(|it| it.version == version)
}

#[test]
fn one_that_arrives_after_the_next_one_does_not_stay() {
    let (mut bench, mut replica) = applied();
    tell(&mut bench, &mut replica, 1);
    let late = send(&mut bench);
    is_lost(&mut bench, &late);
    tell(&mut bench, &mut replica, 2);
    assert_eq!(bench.step().len(), 1, "he has the next one at once");
    assert!(has(&bench, 2) && !is_noted(&bench, 2));
    let subject = Subject::Password(oid(USER));
    let waits = Standing::Waiting(Wait::Arrived);
    assert_eq!(bench.core.standing(&subject), Some(&waits));
    assert!(bench.step().is_empty());
    bench.cloud.perform(&late.order).unwrap();
    bench.now += LATER;
    assert_eq!(bench.step().len(), 1);
    assert!(has(&bench, 2) && is_noted(&bench, 2));
    assert_eq!(bench.core.standing(&subject), Some(&Standing::InPlace));
    assert!(bench.kept.unanswered.is_empty());
    assert_eq!(bench.core.next(bench.now, 10).wake_at, None);
    assert_eq!(bench.run(), 0);
}

#[test]
fn the_same_one_again_counts_at_once_and_the_next_one_soon_after_does_not() {
    let (mut bench, mut replica) = applied();
    tell(&mut bench, &mut replica, 1);
    let late = send(&mut bench);
    is_lost(&mut bench, &late);
    bench.now += Duration::from_secs(2);
    assert_eq!(bench.step().len(), 1);
    assert!(is_noted(&bench, 1), "whichever of both arrives last");
    tell(&mut bench, &mut replica, 2);
    assert_eq!(bench.step().len(), 1);
    assert!(!is_noted(&bench, 2));
    bench.cloud.perform(&late.order).unwrap();
    assert_eq!(bench.run(), 1);
    assert!(has(&bench, 2) && is_noted(&bench, 2));
    assert_eq!(bench.kept.unanswered.len(), 0);
}

#[test]
fn one_that_was_refused_for_good_is_on_its_way_no_more() {
    let (mut bench, mut replica) = applied();
    tell(&mut bench, &mut replica, 1);
    let refused = send(&mut bench);
    assert_eq!(bench.kept.unanswered.len(), 1);
    let no = CloudError::Conflict {
        endpoint: "keystone".to_owned(),
        what: "PATCH".to_owned(),
        reason: "too short".to_owned(),
    };
    bench.finish(&refused, Err(no), 0);
    assert_eq!(bench.kept.unanswered.len(), 0);
    tell(&mut bench, &mut replica, 2);
    assert_eq!(bench.step().len(), 1);
    assert!(is_noted(&bench, 2));
}

#[test]
fn what_nobody_asks_for_any_more_is_forgotten_once_it_can_not_arrive() {
    let (mut bench, mut replica) = applied();
    tell(&mut bench, &mut replica, 1);
    let late = send(&mut bench);
    is_lost(&mut bench, &late);
    tell(&mut bench, &mut replica, 2);
    bench.step();
    replica.secrets.clear();
    replica.directory.take(ObjectKind::User, &oid(USER));
    bench.core.follow(&replica);
    bench.step();
    assert_eq!(bench.kept.unanswered.len(), 1);
    bench.now += LATER;
    assert!(bench.step().is_empty());
    assert_eq!(bench.kept.unanswered.len(), 0);
}

/// A cloud that keeps a history of passwords refuses it then, and has it.
#[test]
fn what_was_given_already_is_known_however_long_it_is_not_asked_for() {
    for is_taken_back in [false, true] {
        let (mut bench, mut replica) = applied();
        tell(&mut bench, &mut replica, 1);
        let late = send(&mut bench);
        is_lost(&mut bench, &late);
        tell(&mut bench, &mut replica, 2);
        assert_eq!(bench.step().len(), 1);
        let told = replica.clone();
        match is_taken_back {
            true => replica.secrets.clear(),
            false => bench.core.allow(Policy {
                read_only: true,
                ..Policy::default()
            }),
        }
        bench.core.follow(&replica);
        assert!(bench.step().is_empty());
        bench.core.allow(Policy::default());
        bench.core.follow(&told);
        assert!(bench.step().is_empty(), "it is there, and to be once more");
        bench.now += LATER;
        let again = send(&mut bench);
        assert!(again.giving.may_be_set, "{is_taken_back}");
    }
}

#[test]
fn what_was_sent_before_the_start_is_known_however_late_it_is_told() {
    let (mut bench, mut replica) = applied();
    let untold = replica.clone();
    tell(&mut bench, &mut replica, 1);
    send(&mut bench);
    let base = bench.kept.clone();
    bench.restart(base, &untold, Policy::default());
    assert!(bench.step().is_empty());
    bench.now += LATER;
    assert!(bench.step().is_empty());
    bench.core.follow(&replica);
    let task = send(&mut bench);
    assert!(task.giving.may_be_set);
    bench.finish(&task, Ok(None), 0);
    assert!(is_noted(&bench, 1), "nothing else can arrive");
    assert_eq!(bench.kept.unanswered.len(), 0);
}

#[test]
fn a_cloud_is_asked_for_one_until_it_says_that_it_has_another() {
    let (mut bench, mut replica) = applied();
    tell(&mut bench, &mut replica, 1);
    let refused = || CloudError::Conflict {
        endpoint: "keystone".to_owned(),
        what: "PATCH".to_owned(),
        reason: "used before".to_owned(),
    };
    let busy = || CloudError::Throttled {
        endpoint: "keystone".to_owned(),
        retry_after: Duration::from_secs(1),
    };
    let first = send(&mut bench);
    assert!(!first.giving.may_be_set);
    is_lost(&mut bench, &first);
    let hour = Duration::from_secs(60 * 60);
    for (wait, answer, may_be_set, unanswered) in [
        (LATER, busy(), true, 1),
        (LATER, busy(), true, 1),
        // It may say so as he is locked for a while.
        (LATER, refused(), true, 1),
        (LATER, busy(), false, 1),
        (LATER, refused(), false, 1),
        (hour, refused(), true, 1),
        (hour, refused(), true, 0),
        (hour, busy(), false, 0),
    ] {
        bench.now += wait;
        let task = send(&mut bench);
        assert_eq!(task.giving.may_be_set, may_be_set);
        bench.finish(&task, Err(answer), 0);
        assert_eq!(bench.kept.unanswered.len(), unanswered);
    }
}

/// The region switches him, or his department, on or off.
fn switch(bench: &mut Bench, kind: ObjectKind, to: bool) {
    let all = &mut bench.cloud.all;
    match kind {
        ObjectKind::User => all.users.values_mut().for_each(|it| it.enabled = to),
        _ => {
            let departments = all.departments.values_mut();
            departments.for_each(|it| it.enabled = to);
        }
    }
    bench.read();
}

/// Keystone would say of the right password what it says of a wrong one.
#[test]
fn a_cloud_is_not_asked_for_one_while_he_cannot_sign_in() {
    for kind in [ObjectKind::User, ObjectKind::Department] {
        let (mut bench, mut replica) = applied();
        tell(&mut bench, &mut replica, 1);
        let late = send(&mut bench);
        is_lost(&mut bench, &late);
        tell(&mut bench, &mut replica, 2);
        assert_eq!(bench.step().len(), 1);
        switch(&mut bench, kind, false);
        for (is_on, may_be_set) in [(false, false), (false, false), (true, true)] {
            switch(&mut bench, kind, is_on);
            bench.now += LATER;
            let again = send(&mut bench);
            assert_eq!(again.giving.may_be_set, may_be_set, "{kind:?}");
            let error = CloudError::Status {
                endpoint: "keystone".to_owned(),
                what: "PATCH".to_owned(),
                status: 400,
                reason: "used before".to_owned(),
            };
            let seen = if may_be_set { Ok(None) } else { Err(error) };
            bench.finish(&again, seen, 0);
        }
        assert!(is_noted(&bench, 2) && bench.kept.unanswered.is_empty());
    }
}

#[test]
fn an_agent_that_is_killed_knows_that_one_may_still_arrive() {
    for version in [1, 2] {
        let (mut bench, mut replica) = applied();
        tell(&mut bench, &mut replica, 1);
        let late = send(&mut bench);
        replica
            .secrets
            .insert(oid(USER), secret_of(oid(USER), version));
        let base = bench.kept.clone();
        bench.restart(base, &replica, Policy::default());
        assert_eq!(bench.step().len(), 1);
        assert!(has(&bench, version) && !is_noted(&bench, version));
        bench.cloud.perform(&late.order).unwrap();
        assert_eq!(bench.run(), 1);
        assert!(has(&bench, version) && is_noted(&bench, version));
        assert_eq!(bench.kept.unanswered.len(), 0);
        let base = bench.kept.clone();
        bench.restart(base, &replica, Policy::default());
        assert_eq!(bench.run(), 0);
    }
}

/// By a department's administrator, who knows it, when a cloud administrator sets another one.
#[test]
fn nobody_is_made_an_administrator_before_an_older_password_can_not_arrive_any_more() {
    let (mut bench, mut replica, link) = appointed();
    replica.directory.unlink(&link);
    bench.core.follow(&replica);
    bench.run();
    tell(&mut bench, &mut replica, 1);
    let late = send(&mut bench);
    is_lost(&mut bench, &late);
    appoint(&mut replica, oid(USER));
    tell(&mut bench, &mut replica, 2);
    assert_eq!(bench.step().len(), 1);
    assert!(bench.step().is_empty());
    let is_appointed = |bench: &Bench| {
        let here = link.translated(|kind, id| bench.core.places.here(kind, id));
        let Some(Link::Assignment(here)) = here else {
            panic!("an end is missing");
        };
        bench.cloud.all.assignments.contains(&here)
    };
    bench.cloud.perform(&late.order).unwrap();
    assert!(has(&bench, 1) && !is_appointed(&bench));
    bench.now += LATER;
    assert!(matches!(bench.step().as_slice(), [Order::Password(..)]));
    assert!(has(&bench, 2) && !is_appointed(&bench));
    bench.run();
    assert!(has(&bench, 2) && is_appointed(&bench));
}
