//! Who was deleted stays so at a hub that is restored from the backup before, on a new machine, with
//! real daemons: he does not sign in, and no region has him again.

use std::time::{Duration, Instant};

use reqwest::Client;
use rusqlite::Connection;
use serde_json::json;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, PASSWORD, succeeded, until, until_so};
use tokio::runtime::Runtime;

const SECRET: &str = "correct horse battery";

/// The hub's API as a browser has it.
struct Web {
    runtime: Runtime,
    client: Client,
    url: String,
}

impl Web {
    fn new(lab: &Lab) -> Self {
        shared::pki::install_default_provider();
        let client = Client::builder().danger_accept_invalid_certs(true);
        // A hub that is killed takes along what is open.
        let client = client.pool_max_idle_per_host(0).no_proxy();
        Self {
            runtime: Runtime::new().unwrap(),
            client: client.build().unwrap(),
            url: format!("https://localhost:{}/api/v1/session", lab.web().port()),
        }
    }

    fn enter(&self, department: Option<&str>, name: &str, password: &str) -> u16 {
        let body = json!({ "department": department, "account": name, "password": password });
        let asked = self.client.post(&self.url).json(&body);
        let answer = self.runtime.block_on(asked.send()).unwrap();
        answer.status().as_u16()
    }

    /// A user of `research`.
    fn user(&self, name: &str) -> u16 {
        self.enter(Some("research"), name, SECRET)
    }
}

fn has(keystone: &SimulatedKeystone, name: &str) -> bool {
    let users = keystone.organization().users;
    users.values().any(|it| it.name == name)
}

/// How often somebody was made there.
fn made(keystone: &SimulatedKeystone, name: &str) -> usize {
    let written = keystone.written(100).into_iter();
    let made = written.filter(|it| it.starts_with("POST") && it.contains("/users"));
    made.filter(|it| it.contains(name)).count()
}

/// Bob and carol, made at the hub, with a password each, in every region.
fn furnish(lab: &Lab, keystones: &[&SimulatedKeystone]) {
    succeeded(lab.ask(&["org", "create", "department", "research"]));
    for name in ["bob", "carol"] {
        succeeded(lab.ask(&["org", "create", "user", name, "--in", "research"]));
        let password = ["org", "password", "research", name, "--stdin"];
        succeeded(lab.ask_with(&password, SECRET));
        for keystone in keystones {
            until("a region has them", || has(keystone, name).then_some(()));
        }
    }
}

/// The hub's machine is lost with all that was changed since the backup.
fn lose_the_hub(lab: &mut Lab, backup: &str) {
    lab.hub().kill();
    for file in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let _ = std::fs::remove_file(lab.hub_data().join(file));
    }
    let told = succeeded(lab.ask(&["restore", backup]));
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("idp-hub org admit"), "{told}");
    lab.hub().again();
    until("the hub is back", || {
        let listed = lab.ask(&["region", "list"]);
        listed.status.success().then_some(())
    });
}

#[test]
fn who_was_deleted_since_a_backup_stays_deleted_at_the_hub_and_in_every_region() {
    let runtime = Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let mut lab = Lab::found();
    let mut near = lab.join_keystone("north", &north);
    let mut far = lab.join_keystone("south", &south);
    lab.merge("north");
    lab.merge("south");
    furnish(&lab, &[&north, &south]);
    let web = Web::new(&lab);
    assert_eq!((web.user("bob"), web.user("carol")), (201, 201));

    let backup = lab.hub_data().with_file_name("backup.db");
    let backup = backup.to_str().unwrap();
    succeeded(lab.ask(&["backup", backup]));
    succeeded(lab.ask(&["org", "delete", "user", "bob", "--in", "research", "--yes"]));
    for keystone in [&north, &south] {
        until("bob is gone", || (!has(keystone, "bob")).then_some(()));
    }
    let before = [&north, &south].map(|it| made(it, "bob"));
    assert_eq!(before, [1, 1]);
    near.daemon.kill();
    far.daemon.kill();
    lose_the_hub(&mut lab, backup);

    // Nobody is there who knows of bob: no user signs in, and whoever administers the hub does.
    for _ in 0..10 {
        assert_eq!((web.user("bob"), web.user("carol")), (503, 503));
    }
    assert_eq!(web.enter(None, "admin", PASSWORD), 201);
    let begun = Instant::now();
    near.daemon.again();
    far.daemon.again();
    until("carol signs in", || {
        let bob = web.user("bob");
        assert!([503, 401].contains(&bob), "bob is answered {bob}");
        (web.user("carol") == 201).then_some(())
    });
    let waited = begun.elapsed();
    assert!(waited < Duration::from_secs(14), "no guess: {waited:?}");
    assert_eq!(web.user("bob"), 401);
    let shown = lab.ask(&["org", "show", "user", "bob", "--in", "research"]);
    assert!(!shown.status.success(), "he is deleted at the hub too");
    succeeded(lab.ask(&["org", "status", "--follow"]));
    for (keystone, before) in [&north, &south].into_iter().zip(before) {
        assert!(has(keystone, "carol") && !has(keystone, "bob"));
        assert_eq!(made(keystone, "bob"), before, "nor was he for a moment");
    }
    let again = lab.items("/audit");
    let ended = again.iter().filter(|it| it["action"] == "end-again");
    assert_eq!(ended.count(), 1, "{again:#?}");
}

/// It has the directory, and all that it told before the backup is at the hub.
#[test]
fn an_agent_that_can_write_nothing_down_has_not_said_yet_who_was_deleted() {
    let runtime = Runtime::new().unwrap();
    let (north, _) = SimulatedKeystone::pair(&runtime);
    let mut lab = Lab::found();
    let region = lab.join_keystone("north", &north);
    lab.merge("north");
    furnish(&lab, &[&north]);
    let web = Web::new(&lab);
    let backup = lab.hub_data().with_file_name("backup.db");
    let backup = backup.to_str().unwrap();
    succeeded(lab.ask(&["backup", backup]));
    succeeded(lab.ask(&["org", "delete", "user", "bob", "--in", "research", "--yes"]));
    until_so("bob is gone", || !has(&north, "bob"));

    let spool = Connection::open(region.spool().join("spool.sqlite")).unwrap();
    spool.execute_batch("BEGIN IMMEDIATE").unwrap();
    lose_the_hub(&mut lab, backup);
    until_so("its agent is there", || {
        lab.show("north")["reason"] == "spool-failing"
    });
    // Longer than any agent is waited for that has the directory.
    for _ in 0..20 {
        assert_eq!((web.user("bob"), web.user("carol")), (503, 503));
        std::thread::sleep(Duration::from_secs(1));
    }
    spool.execute_batch("ROLLBACK").unwrap();
    until_so("carol signs in", || {
        let bob = web.user("bob");
        assert!([503, 401].contains(&bob), "bob is answered {bob}");
        web.user("carol") == 201
    });
    assert_eq!(web.user("bob"), 401);
}
