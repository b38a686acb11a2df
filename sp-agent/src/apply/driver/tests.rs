//! The driver against clouds that fail, hang and lose answers.

mod audit;
mod before_told;
mod passwords;
mod stopping;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use shared::ids::ObjectId;
use shared::model::{CloudDescription, CloudId, Department, Object, User};
use shared::wire::frame::Checked;

use super::*;
use crate::cloud::{Mark, Order, Pages, Part, Probe, Whole};

const USERS: u128 = 20;

/// What goes wrong, by the number of the call.
type Trouble = fn(usize) -> Option<Wrong>;

#[derive(Clone, Copy)]
enum Wrong {
    Fails,
    Hangs,
    LosesTheAnswer,
}

struct Fake {
    trouble: Trouble,
    calls: AtomicUsize,
    at_once: AtomicUsize,
    at_once_max: AtomicUsize,
    made: Mutex<Vec<(CloudId, Record)>>,
    /// As they were set; none is taken twice.
    passwords: Mutex<Vec<(CloudId, String)>>,
    /// Whether the answer that is lost never comes, where it would be an error.
    hangs: AtomicBool,
    /// So many questions for passwords get no answer.
    unchecked: AtomicUsize,
    /// What is said to the next ones, whatever is true.
    says: Mutex<Vec<Checked>>,
}

fn status(status: u16) -> CloudError {
    if status == 409 {
        return CloudError::Conflict {
            endpoint: "keystone".to_owned(),
            what: "an order".to_owned(),
            reason: "a name that is taken".to_owned(),
        };
    }
    CloudError::Status {
        endpoint: "keystone".to_owned(),
        what: "an order".to_owned(),
        status,
        reason: "trouble".to_owned(),
    }
}

#[async_trait]
impl Cloud for Fake {
    async fn describe(&self) -> Result<CloudDescription, CloudError> {
        Err(CloudError::Unmanaged)
    }

    async fn probe(&self) -> Vec<Probe> {
        Vec::new()
    }

    async fn audit(&self, _: Part, _: &Pages) -> Result<Whole, CloudError> {
        Err(CloudError::Unmanaged)
    }

    async fn changes(&self, _: Part, _: Mark, _: &Pages) -> Result<Option<Mark>, CloudError> {
        Ok(None)
    }

    async fn perform(&self, order: &Order) -> Result<Option<CloudId>, CloudError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once_max.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let wrong = (self.trouble)(number);
        match wrong {
            Some(Wrong::Fails) => return Err(status(500)),
            Some(Wrong::Hangs) => std::future::pending().await,
            Some(Wrong::LosesTheAnswer) | None => {}
        }
        let Order::Create { object, marker } = order else {
            return Ok(None);
        };
        let mut made = self.made.lock().unwrap();
        if made.iter().any(|(_, it)| named(it) == object.name()) {
            return Err(status(409));
        }
        let id = CloudId::new(&format!("{:032x}", made.len() + 1));
        let custody = shared::model::Custody::Common;
        let record =
            crate::apply::compare::record(id.clone(), custody, Some(*marker), object.clone());
        made.push((id.clone(), record));
        match wrong {
            Some(_) => Err(status(504)),
            None => Ok(Some(id)),
        }
    }

    /// Keeps a history of passwords, and loses the first answer.
    async fn set_password(&self, user: &CloudId, password: &str) -> Result<(), CloudError> {
        let set = (user.clone(), password.to_owned());
        let is_first = {
            let mut passwords = self.passwords.lock().unwrap();
            if passwords.contains(&set) {
                return Err(status(400));
            }
            passwords.push(set);
            passwords.len() == 1
        };
        match is_first {
            true if self.hangs.load(Ordering::SeqCst) => std::future::pending().await,
            true => Err(status(504)),
            false => Ok(()),
        }
    }

    async fn check_password(&self, user: &CloudId, password: &str) -> Result<Checked, CloudError> {
        let less = |it: usize| it.checked_sub(1);
        let unchecked = self
            .unchecked
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if unchecked.is_ok() {
            return Err(status(503));
        }
        if let Some(says) = self.says.lock().unwrap().pop() {
            return Ok(says);
        }
        let passwords = self.passwords.lock().unwrap();
        let newest = passwords.iter().rev().find(|(of, _)| of == user);
        Ok(match newest {
            Some((_, it)) if it == password => Checked::Right,
            _ => Checked::Wrong,
        })
    }
}

fn named(record: &Record) -> &str {
    match record {
        Record::Department(it) => &it.what.name,
        Record::User(it) => &it.what.name,
        _ => "",
    }
}

#[derive(Default)]
struct Store {
    fails: AtomicUsize,
    base: Mutex<Base>,
    told: Mutex<Vec<CloudId>>,
    audit_fails: AtomicUsize,
    /// What came together.
    audited: Mutex<Vec<Vec<Act>>>,
}

#[async_trait]
impl Keep for Store {
    async fn keep(&self, notes: &[Note]) -> Result<(), StoreError> {
        if self.fails.load(Ordering::SeqCst) > 0 {
            self.fails.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError {
                what: "keeping notes",
                reason: "the disk is full; make room".to_owned(),
            });
        }
        let mut base = self.base.lock().unwrap();
        notes.iter().for_each(|it| base.note(it.clone()));
        Ok(())
    }
}

#[async_trait]
impl Audit for Store {
    async fn audit(&self, acts: &[Act]) -> Result<(), StoreError> {
        if self.audit_fails.load(Ordering::SeqCst) > 0 {
            self.audit_fails.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError {
                what: "telling the audit trail",
                reason: "the disk is full; make room".to_owned(),
            });
        }
        let mut audited = self.audited.lock().unwrap();
        audited.push(acts.to_vec());
        Ok(())
    }
}

#[async_trait]
impl Report for Store {
    async fn report(
        &self,
        _: RecordKind,
        records: Vec<Record>,
        _: Vec<Key>,
    ) -> Result<(), StoreError> {
        let base = self.base.lock().unwrap();
        for record in records {
            let id = record.key().id;
            let is_kept = base.objects.values().any(|it| it.here == id);
            assert!(is_kept, "told before it was kept: {id}");
            self.told.lock().unwrap().push(id);
        }
        Ok(())
    }
}

fn replica() -> Replica {
    let mut replica = Replica::default();
    let home = ObjectId::from_random(1);
    let department = Department {
        name: "ops".to_owned(),
        description: None,
        enabled: true,
    };
    replica
        .directory
        .insert(home, Object::Department(department));
    for number in 0..USERS {
        let user = User {
            department: home,
            name: format!("u{number}"),
            description: None,
            email: None,
            enabled: true,
            default_project: None,
        };
        let id = ObjectId::from_random(100 + number);
        replica.directory.insert(id, Object::User(user));
    }
    replica
}

/// Secrets that nobody sealed.
struct Plain;

impl Unseal for Plain {
    fn password(&self, secret: &Secret) -> Result<Zeroizing<String>, String> {
        match std::str::from_utf8(&secret.sealed) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err("sealed to another key".to_owned()),
        }
    }
}

/// A driver at work, and what it works with.
struct Bench {
    cloud: Arc<Fake>,
    store: Arc<Store>,
    news: mpsc::Sender<News>,
    progress: watch::Receiver<Progress>,
    remarks: watch::Receiver<Option<Remarks>>,
    replica: watch::Sender<Arc<Replica>>,
    policy: watch::Sender<Policy>,
    clock: Clock,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(trouble: Trouble, store: Store) -> Self {
        Self::following(trouble, store, replica())
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the test is the task's supervisor"
    )]
    fn following(trouble: Trouble, store: Store, replica: Replica) -> Self {
        let cloud = Arc::new(Fake {
            trouble,
            calls: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            at_once_max: AtomicUsize::new(0),
            made: Mutex::default(),
            passwords: Mutex::default(),
            hangs: AtomicBool::default(),
            unchecked: AtomicUsize::default(),
            says: Mutex::default(),
        });
        let store = Arc::new(store);
        let (news, heard) = mpsc::channel(16);
        let (shown, progress) = watch::channel(Progress::default());
        let (replica, followed) = watch::channel(Arc::new(replica));
        let (remarks, remarked) = watch::channel(None);
        let (policy, allowed) = watch::channel(Policy::default());
        let (clock, mut luck) = (Clock::system(), 0_u64);
        let apply = Apply {
            cloud: cloud.clone(),
            federation: FederationId::from_random(7),
            base: Base::default(),
            replica: followed,
            policy: allowed,
            news: heard,
            hindered: watch::Sender::new(BTreeMap::new()).subscribe(),
            keep: store.clone(),
            report: store.clone(),
            audit: store.clone(),
            unseal: Arc::new(Plain),
            progress: shown,
            remarks,
            readings: watch::Sender::new(Wanted::default()),
            writing: watch::Sender::new(false),
            clock: clock.clone(),
            orders_max: 4,
            chance: Box::new(move || {
                luck = luck.wrapping_add(0x9e37_79b9_7f4a_7c15);
                luck
            }),
        };
        let shutdown = Shutdown::new();
        let task = tokio::spawn(apply.run(shutdown.clone()));
        Self {
            cloud,
            store,
            news,
            progress,
            remarks: remarked,
            replica,
            policy,
            clock,
            shutdown,
            task,
        }
    }

    /// The cloud is read to its end, as it is now.
    async fn read(&self) {
        let began = self.clock.now();
        let read = |kind| News::Read(kind, began.into());
        let made = self.cloud.made.lock().unwrap().clone();
        for (_, record) in made {
            self.news.send(News::Put(record)).await.unwrap();
        }
        for kind in [
            RecordKind::Department,
            RecordKind::Project,
            RecordKind::User,
        ] {
            self.news.send(read(kind)).await.unwrap();
        }
    }

    /// So are roles, groups and what links them, of which there are none.
    async fn read_roles(&self) {
        let read = |kind| News::Read(kind, self.clock.now().into());
        for kind in [
            RecordKind::Group,
            RecordKind::Role,
            RecordKind::Membership,
            RecordKind::Implication,
            RecordKind::Assignment,
        ] {
            self.news.send(read(kind)).await.unwrap();
        }
    }

    async fn all_in_place(&mut self) {
        for _ in 0..100 {
            self.read().await;
            let wait = Duration::from_secs(60);
            let all = self.progress.wait_for(|it| it.in_place == 1 + USERS as u64);
            if let Ok(shown) = tokio::time::timeout(wait, all).await {
                assert_eq!(shown.unwrap().failed_count, 0);
                return;
            }
        }
        panic!("{:?}", *self.progress.borrow());
    }

    async fn stop(self) -> usize {
        let users = self.cloud.made.lock().unwrap().len();
        assert_eq!(users, 1 + USERS as usize, "nothing is made twice");
        assert_eq!(self.store.base.lock().unwrap().objects.len(), users);
        assert!(self.cloud.at_once_max.load(Ordering::SeqCst) <= 4);
        self.shutdown.begin();
        self.task.await.unwrap();
        self.cloud.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn orders_run_at_once_up_to_a_limit_and_what_was_done_is_kept_then_told() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.all_in_place().await;
    assert_eq!(bench.store.told.lock().unwrap().len(), 21);
    assert_eq!(bench.cloud.at_once_max.load(Ordering::SeqCst), 4);
    assert_eq!(bench.stop().await, 21, "each once");
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_fails_hangs_and_loses_answers_gets_everything_once() {
    let trouble: Trouble = |number| match number % 5 {
        1 => Some(Wrong::Fails),
        2 if number < 40 => Some(Wrong::Hangs),
        3 => Some(Wrong::LosesTheAnswer),
        _ => None,
    };
    let mut bench = Bench::start(trouble, Store::default());
    bench.all_in_place().await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_holds_everything_up_and_loses_nothing() {
    let store = Store::default();
    store.fails.store(5, Ordering::SeqCst);
    let mut bench = Bench::start(|_| None, store);
    bench.read().await;
    let paused = bench.progress.wait_for(|it| it.paused.is_some()).await;
    assert!(
        paused
            .unwrap()
            .paused
            .as_ref()
            .unwrap()
            .contains("disk is full")
    );
    bench.all_in_place().await;
    assert_eq!(bench.stop().await, 21);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_takes_no_changes_stops_the_next_order() {
    let mut bench = Bench::start(|_| None, Store::default());
    bench.policy.send_modify(|it| it.read_only = true);
    bench.read().await;
    let shown = bench.progress.wait_for(|it| it.drift_count == 1).await;
    assert!(shown.unwrap().read_only);
    assert_eq!(bench.cloud.calls.load(Ordering::SeqCst), 0);
    bench.policy.send_modify(|it| it.read_only = false);
    bench.all_in_place().await;
    // What the hub says next is done at once.
    let mut replica = replica();
    replica.directory.users.pop_first();
    bench.replica.send_replace(Arc::new(replica));
    let gone = bench.progress.wait_for(|it| it.drift_count == 1).await;
    assert_eq!(gone.unwrap().in_place, 20, "absence removes nothing");
    bench.stop().await;
}
