//! The agent stops while a credential is being kept.

use std::sync::mpsc as blocking;

use shared::audit::Wanted;
use shared::model::CloudCredential;
use shared::runtime::daemon::{Daemon, Exit, Manager, Options, StartError, supervise};
use shared::runtime::tasks::{OnExit, Task};
use zeroize::Zeroizing;

use super::*;
use crate::credential::Giver;
use crate::tasks::custodian::{Custodian, Taken};

/// Long enough for all that can go on to have done so.
const A_WHILE: Duration = Duration::from_millis(300);

/// A disk that answers nobody, after what waits for it already, until this is dropped.
struct Hangs(#[allow(dead_code, reason = "dropped")] blocking::Sender<()>);

impl Hangs {
    fn new() -> Self {
        let (end, ended) = blocking::channel();
        tokio::task::spawn_blocking(move || ended.recv());
        Self(end)
    }
}

/// Offered while the disk hangs; the agent stops between the file's reading and the keeping.
async fn is_offered(stage: &Stage, custodian: &Custodian, shutdown: &Shutdown) -> Taken {
    let offered = CloudCredential::Password {
        user: "admin".to_owned(),
        password: Zeroizing::new("given".to_owned()),
        user_domain: None,
        project: None,
        project_domain: None,
    };
    let reading = Hangs::new();
    let taken = custodian.take(offered, By::new("me", "here"), Giver::Here);
    let stopped = async {
        while stage.tried("given") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(A_WHILE).await;
        let keeping = Hangs::new();
        drop(reading);
        tokio::time::sleep(A_WHILE).await;
        shutdown.begin();
        tokio::time::sleep(A_WHILE).await;
        drop(keeping);
    };
    let (taken, ()) = tokio::join!(taken, stopped);
    taken.unwrap()
}

async fn plays() {
    let stage = Stage::new(&["first", "given"]).await;
    stage.write("first");
    let Running { mut settings, .. } = stage.start().await;
    let (given, gifts) = mpsc::channel(1);
    settings.gifts = gifts;
    let mut configs = settings.configs.subscribe();
    let (begun, custodian) = oneshot::channel();
    let start = |daemon: Daemon| async move {
        let at_hand = (settings.clock.clone(), settings.trail.clone());
        let (configs, tries) = (settings.configs.subscribe(), Arc::clone(&settings.tries));
        let custodian = Custodian::new(configs, given, &tries, at_hand, &daemon.tasks);
        let run = settings.run(daemon.reload.clone(), daemon.shutdown.clone());
        let task = Task::worker("settings");
        daemon.tasks.spawn(task, OnExit::StopDaemon, run);
        let _ = begun.send((custodian, daemon.shutdown.clone()));
        Ok::<(), StartError>(())
    };
    let offered = async {
        let (custodian, shutdown) = custodian.await.unwrap();
        let kept = configs.wait_for(|it| it.credential.is_kept).await;
        drop(kept.unwrap());
        is_offered(&stage, &custodian, &shutdown).await
    };
    let (_signals, signals) = mpsc::channel(1);
    let (manager, clock) = (Manager::from_environment(), Clock::system());
    let daemon = supervise(Options::new("test"), clock, manager, signals, start);
    let (exit, taken) = tokio::join!(daemon, offered);
    assert!(taken.account.contains("admin"), "{taken:?}");
    assert_eq!(exit, Exit::Success);
    assert!(stage.start().await.works_by("given"));
    let trail = Trail::existing(stage.folder.path()).unwrap();
    let told = trail.list(1, &Wanted::default()).unwrap();
    let [(_, Some(entry))] = told.as_slice() else {
        panic!("{told:?}");
    };
    let by = &entry.act.by;
    assert_eq!((by.who.as_str(), by.source.as_str()), ("me", "here"));
    assert_eq!(entry.act.outcome, "done");
}

#[test]
fn what_is_being_kept_when_the_agent_stops_is_kept_and_told_so() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build();
    runtime.unwrap().block_on(plays());
}
