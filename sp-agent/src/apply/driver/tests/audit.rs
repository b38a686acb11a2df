//! What the audit trail is told of a driver's work.

use shared::model::{End, ObjectKind};

use super::*;

/// What the trail was told, in its order.
fn audited(store: &Store) -> Vec<Act> {
    store.audited.lock().unwrap().concat()
}

#[tokio::test(start_paused = true)]
async fn the_audit_trail_has_each_order_once_with_who_what_and_what_came_of_it() {
    let trouble: Trouble = |number| (number < 9).then_some(Wrong::Fails);
    let mut bench = Bench::start(trouble, Store::default());
    bench.all_in_place().await;
    let acts = audited(&bench.store);
    let (done, failed): (Vec<_>, Vec<_>) = acts
        .into_iter()
        .partition(|it| it.outcome == shared::audit::DONE);
    assert_eq!(done.len(), 1 + USERS as usize, "each once");
    let user = done.iter().find(|it| it.subject.name == "u7").unwrap();
    let federation = FederationId::from_random(7);
    assert_eq!(user.by.who, format!("hub of federation {federation}"));
    assert_eq!(
        (user.action.as_str(), user.subject.kind.as_str()),
        ("create", "user")
    );
    assert_eq!(user.subject.id.len(), 32, "as the cloud calls it");
    assert!(user.after.contains("name=\"u7\" enabled=true"), "{user:?}");
    // One try after the other fails in the same way, and is told once.
    let departments = failed.iter().filter(|it| it.subject.kind == "department");
    assert_eq!(departments.count(), 1, "{failed:?}");
    assert!(failed[0].outcome.starts_with("failed: "), "{failed:?}");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_audit_trail_that_can_t_be_told_holds_everything_up_and_loses_nothing() {
    let store = Store::default();
    store.audit_fails.store(5, Ordering::SeqCst);
    let mut bench = Bench::start(|_| None, store);
    bench.read().await;
    let paused = bench.progress.wait_for(|it| it.paused.is_some()).await;
    let paused = paused.unwrap().paused.clone().unwrap();
    assert!(paused.contains("telling the audit trail"), "{paused}");
    assert_eq!(
        bench.store.base.lock().unwrap().objects.len(),
        0,
        "nothing goes on before"
    );
    bench.all_in_place().await;
    assert_eq!(audited(&bench.store).len(), 21);
    assert_eq!(bench.stop().await, 21);
}

#[tokio::test(start_paused = true)]
async fn of_a_password_the_audit_trail_knows_that_it_was_set() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.all_in_place().await;
    bench.read_roles().await;
    let secret = Secret {
        user: ObjectId::from_random(100),
        version: 7,
        sealed: b"correct horse".to_vec(),
    };
    bench.replica.send_modify(|it| {
        Arc::make_mut(it)
            .secrets
            .insert(secret.user, secret.clone());
    });
    let all = bench
        .progress
        .wait_for(|it| it.in_place == 2 + USERS as u64);
    all.await.unwrap();
    let acts = audited(&bench.store);
    let set: Vec<_> = acts
        .iter()
        .filter(|it| it.action == "set-password")
        .collect();
    let told: Vec<_> = set.iter().map(|it| it.after.as_str()).collect();
    assert!(
        told.iter().all(|it| *it == "version=7") && !told.is_empty(),
        "{set:?}"
    );
    assert_eq!(set.last().unwrap().outcome, shared::audit::DONE);
    assert!(!format!("{acts:?}").contains("correct horse"));
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_is_told_before_it_is_gone_and_after_with_what_it_was() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.all_in_place().await;
    bench.read_roles().await;
    let id = ObjectId::from_random(107);
    bench.replica.send_modify(|it| {
        let replica = Arc::make_mut(it);
        replica.directory.take(ObjectKind::User, &id);
        replica.ended.insert(id, (ObjectKind::User, End::Deleted));
    });
    let gone = bench.progress.wait_for(|it| it.in_place == USERS as u64);
    gone.await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let acts = audited(&bench.store);
    let removed = acts.iter().filter(|it| it.action == "remove");
    let told: Vec<_> = removed
        .map(|it| {
            let was = "in \"ops\": name=\"u7\" enabled=true department=";
            assert!(it.before.starts_with(was), "{it:?}");
            assert_eq!((it.subject.id.len(), it.after.as_str()), (32, "not there"));
            (it.subject.name.as_str(), it.outcome.as_str())
        })
        .collect();
    assert_eq!(told, [("u7", "given"), ("u7", shared::audit::DONE)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_and_never_answered_is_told_once_it_is_found() {
    let trouble: Trouble = |number| (number == 3).then_some(Wrong::LosesTheAnswer);
    let mut bench = Bench::start(trouble, Store::default());
    bench.all_in_place().await;
    let acts = audited(&bench.store);
    let found: Vec<_> = acts
        .iter()
        .filter(|it| it.outcome.starts_with("found done"))
        .collect();
    let [act] = found.as_slice() else {
        panic!("{acts:?}");
    };
    assert_eq!((act.action.as_str(), act.subject.id.len()), ("create", 32));
    assert!(act.after.contains(&format!("name={:?}", act.subject.name)));
    let done = acts.iter().filter(|it| it.outcome == shared::audit::DONE);
    assert_eq!(done.count(), USERS as usize, "each of the others");
}
