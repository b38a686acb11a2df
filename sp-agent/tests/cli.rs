//! The real binary: its daemon, its commands, its exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

#[path = "support/agent.rs"]
mod agent;
#[path = "support/hub.rs"]
#[allow(dead_code, reason = "the other test crate uses the rest")]
mod hub;

use std::os::unix::fs::PermissionsExt;

use agent::{Agent, mode};
use hub::Hub;
use shared::wire::frame::Goodbye;

#[test]
fn wrong_flags_and_wrong_configurations_end_with_64() {
    let agent = Agent::new();
    for args in [
        &["joi"][..],
        &[],
        &["join", "--hub", "nowhere", "t"],
        &["join", "no-token"],
    ] {
        let ended = agent.run(args);
        assert_eq!(ended.code, 64, "{args:?}: {ended:?}");
        assert_eq!(ended.out, "", "{args:?}");
    }
    assert!(
        agent
            .run(&["join", "no-token"])
            .err
            .contains("a join token begins with rg1.")
    );
    agent.configure("[cloud]\nkind = \"openstak\"\n[log]\nlevl = \"info\"\n");
    for command in ["run", "check", "status"] {
        let ended = agent.run(&[command]);
        assert_eq!(ended.code, 64, "{command}: {ended:?}");
        let both = ended.err.contains(":4:8: cloud.kind: ") && ended.err.contains(":6:1: log.levl");
        assert!(both, "{command}: {}", ended.err);
    }
    assert!(!agent.socket().exists(), "nothing was bound");
    let nowhere = agent.run(&["--config", "/nowhere.toml", "status"]);
    assert_eq!(nowhere.code, 64);
    assert!(nowhere.err.contains("--config"), "{}", nowhere.err);
}

#[test]
fn help_tells_the_way_into_a_federation() {
    let agent = Agent::new();
    let help = agent.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for word in [
        "check",
        "region invite NAME",
        "join --hub",
        "SP_AGENT_CONFIG",
    ] {
        assert!(help.out.contains(word), "{word}: {}", help.out);
    }
    assert!(
        help.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        help.out
    );
    assert!(agent.run(&["--version"]).out.starts_with("sp-agent "));
}

#[test]
fn without_a_daemon_the_files_are_asked() {
    let agent = Agent::new();
    let status = agent.run(&["status"]);
    assert_eq!(status.code, 1);
    assert!(status.out.contains("NOT RUNNING"), "{}", status.out);
    assert!(status.out.contains("unjoined"), "{}", status.out);
    let left = agent.run(&["leave", "--yes"]);
    assert_eq!(left.code, 1);
    assert!(left.err.contains("run `sp-agent join`"), "{}", left.err);
}

#[test]
fn a_check_goes_through_the_clouds_services() {
    let agent = Agent::new();
    let good = agent.run(&["check"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(
        good.out.contains("compute") && good.out.ends_with("All is well.\n"),
        "{}",
        good.out
    );
    agent.configure(
        "[cloud]\nkind = \"simulated\"\n[[cloud.simulated.faults]]\nat = \"0s\"\nlasts = \"1h\"\n\
         service = \"compute\"\nwhat = \"down\"\n",
    );
    let bad = agent.run(&["check", "--output", "json"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    let told: serde_json::Value = serde_json::from_str(&bad.out).unwrap();
    assert_eq!(told["is_good"], false);
    let compute = told["cloud"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["subject"] == "compute");
    assert_eq!(compute.unwrap()["verdict"], "bad");
}

#[test]
fn a_cloud_without_tls_needs_no_ca_on_the_machine() {
    let agent = Agent::new();
    agent.configure(
        "[cloud]\nkind = \"openstack\"\n[cloud.openstack]\n\
         auth_url = \"http://127.0.0.1:1/v3\"\nusername = \"admin\"\n\
         password = \"hush\"\nproject_name = \"admin\"\n",
    );
    let only_mine = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(agent.config(), only_mine).unwrap();
    let check = agent.run(&["check"]);
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.out.contains("refused"), "{}", check.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_joins_follows_and_leaves_without_a_restart() {
    let mut agent = Agent::new();
    let hub = Hub::start();
    agent.start().await;
    assert_eq!(mode(&agent.socket()), 0o660);
    assert_eq!(agent.allegiance(), "unjoined");

    let token = hub.token.to_text();
    let address = hub.address.to_string();
    let joined = agent.run_with_input(&["join", "--hub", &address, "-"], &token);
    assert_eq!(joined.code, 0, "{joined:?}");
    let key = hub.known().unwrap().key.to_string();
    assert!(joined.out.contains(&key), "{}", joined.out);
    assert!(
        joined.out.contains("idp-hub region accept east"),
        "{}",
        joined.out
    );
    assert!(hub.known().unwrap().cloud_version.contains("simulated"));
    agent
        .until("it is pending", |agent| agent.allegiance() == "pending")
        .await;
    let status = agent.status();
    assert_eq!(status["region"]["name"], "east");
    assert_eq!(status["region"]["key"], key.as_str());
    assert_eq!(status["link"]["phase"], "pending");
    let again = agent.run(&["join", "--hub", &address, &token]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("sp-agent leave"), "{}", again.err);

    let asked = agent.run(&["leave"]);
    assert_eq!(asked.code, 64, "nobody is there to say yes: {asked:?}");
    let left = agent.run(&["leave", "--yes"]);
    assert_eq!(left.code, 0, "{left:?}");
    assert!(left.out.contains("The hub was told."), "{}", left.out);
    agent
        .until("the hub hears", |_| hub.goodbye() == Some(Goodbye::Leaving))
        .await;
    agent
        .until("it is unjoined", |agent| agent.allegiance() == "unjoined")
        .await;
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
    assert!(!agent.socket().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_joined_and_left_beside_the_daemon_is_noticed() {
    let mut agent = Agent::new();
    let hub = Hub::start();
    let (token, address) = (hub.token.to_text(), hub.address.to_string());
    let joined = agent.run(&["join", "--hub", &address, &token, "--output", "json"]);
    assert_eq!(joined.code, 0, "{joined:?}");
    let told: serde_json::Value = serde_json::from_str(&joined.out).unwrap();
    assert_eq!(told["name"], "east");
    let offline = agent.run(&["status"]);
    assert!(
        offline.out.contains("the agent does not run"),
        "{}",
        offline.out
    );
    assert!(
        offline.out.contains("systemctl start sp-agent"),
        "{}",
        offline.out
    );
    assert_eq!(mode(&agent.data_dir().join("key.pem")), 0o600);

    agent.start().await;
    agent
        .until("it is pending", |agent| agent.allegiance() == "pending")
        .await;
    let now = shared::runtime::clock::Clock::system().unix_millis();
    let aside = sp_agent::membership::leave(&agent.data_dir(), now).unwrap();
    agent
        .until("it is unjoined", |agent| agent.allegiance() == "unjoined")
        .await;
    std::fs::rename(aside, agent.data_dir().join("membership")).unwrap();
    agent
        .until("it is back", |agent| agent.allegiance() == "pending")
        .await;
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_configuration_is_taken_and_a_wrong_one_is_not() {
    let mut agent = Agent::new();
    agent.start().await;
    let seed = |agent: &Agent| {
        agent.status()["cloud"]["version"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    agent
        .until("the cloud is known", |agent| {
            seed(agent).ends_with("seed 1")
        })
        .await;
    let cloud = |seed| format!("[cloud]\nkind = \"simulated\"\n[cloud.simulated]\nseed = {seed}\n");
    agent.configure(&cloud("2"));
    agent
        .until("the file's change is seen", |agent| {
            seed(agent).ends_with("seed 2")
        })
        .await;
    agent.configure(&cloud("\"x\""));
    agent.signal("HUP");
    agent
        .until("it complains", |agent| {
            agent.log().contains("cloud.simulated.seed")
        })
        .await;
    assert!(seed(&agent).ends_with("seed 2"));
    agent.configure(&cloud("3"));
    agent.signal("HUP");
    agent
        .until("it goes on", |agent| seed(agent).ends_with("seed 3"))
        .await;
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_told_once_for_each_content_also_with_the_log_beside_it() {
    let mut agent = Agent::new();
    agent.start().await;
    let faults = |agent: &Agent| agent.log().matches("is not taken").count();
    for round in 1..=2 {
        agent.configure(&format!(
            "[cloud]\nkind = \"simulated\"\nfault{round} = 1\n"
        ));
        agent
            .until("it complains", |agent| faults(agent) >= round)
            .await;
        // Several times what lies between a line of the log and the next look.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert_eq!(faults(&agent), round, "{}", agent.log());
    }
    // Who asks is told again.
    agent.signal("HUP");
    agent
        .until("it says it again", |agent| faults(agent) == 3)
        .await;
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_do_not_share_a_socket_and_a_dead_ones_is_replaced() {
    let mut agent = Agent::new();
    agent.start().await;
    let second = agent.run(&["run"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.err.contains("another"), "{}", second.err);
    agent.signal("KILL");
    agent
        .until("it is dead", |agent| agent.is_running() == Some(false))
        .await;
    assert!(agent.socket().exists());
    agent.start().await;
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_did_what_to_the_region_is_kept_listed_and_checked() {
    let mut agent = Agent::new();
    let none = agent.run(&["audit", "list"]);
    assert_eq!(none.code, 1, "{none:?}");
    let hub = Hub::start();
    let (token, address) = (hub.token.to_text(), hub.address.to_string());
    let joined = agent.run(&["join", "--hub", &address, &token]);
    assert_eq!((joined.code, joined.err.as_str()), (0, ""), "{joined:?}");
    agent.start().await;
    agent
        .until("it is pending", |agent| agent.allegiance() == "pending")
        .await;
    agent.configure("[cloud]\nkind = \"simulated\"\n[policy]\nremovals_max = 3\n");
    agent
        .until("the policy is taken", |agent| {
            agent.run(&["audit", "list"]).out.contains("change policy")
        })
        .await;
    assert_eq!(agent.run(&["leave", "--yes"]).code, 0);

    let listed = agent.run(&["audit", "list"]);
    let lines: Vec<&str> = listed.out.lines().collect();
    let [join, policy, leave, "", newest] = lines[..] else {
        panic!("{listed:?}");
    };
    let by = "administrator (this machine) join federation";
    assert!(
        join.contains(by) && join.contains("name=\"east\""),
        "{join}"
    );
    assert!(
        policy.contains("-> read_only=true removals_max=3"),
        "{policy}"
    );
    assert!(
        leave.contains("administrator (local socket) leave federation"),
        "{leave}"
    );
    assert!(newest.starts_with("newest: entry 3, "), "{newest}");
    assert!(!listed.out.contains(&token.to_string()));
    let verified = agent.run(&["audit", "verify", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
    assert_eq!(
        (verified.code, &told["entries"]),
        (0, &serde_json::json!(3))
    );
    assert_eq!(agent.stop().await, 0, "{}", agent.log());
    assert!(agent.log().contains("the newest entry of the audit trail"));

    let path = agent.data_dir().join("audit.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(9).position(|it| it == b"not joine").unwrap();
    bytes[at] = b'N';
    std::fs::write(&path, bytes).unwrap();
    let broken = agent.run(&["audit", "verify"]);
    assert_eq!(broken.code, 1, "{broken:?}");
    assert!(broken.out.starts_with("BROKEN at entry "), "{broken:?}");
    assert!(broken.out.contains("Next: "), "{broken:?}");
}
