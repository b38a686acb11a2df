//! The two services under a real systemd: ready when they say so, confined as their units say,
//! logging with fields, fed to the watchdog, restarted when they hang and only when that helps.

use std::time::Duration;

use serde_json::Value;
use tests::lab::until_so;
use tests::machine::Machine;

const AGENT: &str = "[cloud]\nkind = \"simulated\"\n[cloud.simulated]\nservers = 20\n";

/// The unit's own times, shortened.
const IMPATIENT: &str = "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=100ms\n";

/// The one region's state, as the hub tells it.
fn state(machine: &Machine) -> Option<String> {
    let listed = machine.try_run(&["idp-hub", "region", "list", "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).ok()?;
    Some(listed["regions"][0]["state"].as_str()?.to_owned())
}

/// As the README says: a hub and an agent on one machine, one following the other.
fn federation() -> Machine {
    let machine = Machine::boot();
    let hub = include_str!("../../packaging/idp-hub/hub.toml");
    machine.write("/etc/idp-hub/hub.toml", hub);
    machine.write("/root/password", "a long enough password");
    machine.run(&["chmod", "600", "/root/password"]);
    machine.run(&["idp-hub", "init", "--password-file", "/root/password"]);
    machine.run(&["systemctl", "enable", "--now", "idp-hub"]);
    machine.write("/etc/sp-agent/agent.toml", AGENT);
    machine.run(&["sp-agent", "check"]);
    let invited = machine.run(&["idp-hub", "region", "invite", "north", "--output", "json"]);
    let invited: Value = serde_json::from_str(&invited).unwrap();
    let token = invited["token"].as_str().unwrap();
    let join = ["sp-agent", "join", "--hub", "127.0.0.1:7443", "-"];
    machine.run_with_input(&join, &format!("{token}\n"));
    machine.run(&["systemctl", "enable", "--now", "sp-agent"]);
    machine.run(&["idp-hub", "region", "accept", "north", "--yes"]);
    until_so("the region is healthy", || {
        state(&machine).as_deref() == Some("healthy")
    });
    machine
}

#[test]
fn both_services_run_confined_and_log_with_fields() {
    let machine = federation();
    machine.run(&[
        "systemd-analyze",
        "verify",
        "idp-hub.service",
        "sp-agent.service",
    ]);
    for unit in ["idp-hub", "sp-agent"] {
        let main = machine.property(unit, "MainPID");
        let status = machine.run(&["cat", &format!("/proc/{main}/status")]);
        for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{unit} without {line}:\n{status}");
        }
        let core = machine.property(unit, "LimitCORE");
        assert_eq!(core, "0", "{unit} would leave its keys in a core");
    }
    until_so("the agent's status line is systemd's", || {
        machine.property("sp-agent", "StatusText") == "following as north"
    });
    let entries = machine.journal("sp-agent");
    let following = entries.iter().find(|it| it["EPOCH"] == "1");
    let following = following.expect("no entry with the epoch in a field of its own");
    assert_eq!(following["TASK"], "membership");
    assert_eq!(following["PRIORITY"], "5", "a notice");

    machine.run(&["systemctl", "reload", "sp-agent"]);
    until_so("the configuration is read again", || {
        let entries = machine.journal("sp-agent");
        let text = |it: &Value| it["MESSAGE"].to_string();
        entries.iter().any(|it| text(it).contains("read again"))
    });
    for unit in ["sp-agent", "idp-hub"] {
        machine.run(&["systemctl", "stop", unit]);
        assert_eq!(machine.property(unit, "Result"), "success", "{unit}");
        assert_eq!(machine.property(unit, "NRestarts"), "0", "{unit}");
    }
}

#[test]
fn what_hangs_is_restarted_by_the_watchdog_and_what_is_wrong_is_not() {
    let machine = federation();
    for unit in ["idp-hub", "sp-agent"] {
        machine.write(
            &format!("/run/systemd/system/{unit}.service.d/test.conf"),
            IMPATIENT,
        );
    }
    machine.run(&["systemctl", "daemon-reload"]);
    for unit in ["idp-hub", "sp-agent"] {
        machine.run(&["systemctl", "restart", unit]);
        machine.run(&[
            "systemctl",
            "kill",
            "--kill-who=main",
            "--signal=STOP",
            unit,
        ]);
        until_so("the hung one is replaced", || {
            machine.property(unit, "NRestarts") == "1"
                && machine.property(unit, "ActiveState") == "active"
        });
    }
    until_so("the region is healthy again", || {
        state(&machine).as_deref() == Some("healthy")
    });

    machine.write("/etc/sp-agent/agent.toml", "bogus = 1\n");
    let started = machine.try_run(&["systemctl", "restart", "sp-agent"]);
    assert!(!started.status.success());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(machine.property("sp-agent", "ActiveState"), "failed");
    assert_eq!(machine.property("sp-agent", "ExecMainStatus"), "64");
    let entries = machine.journal("sp-agent");
    let told = |it: &Value| it["MESSAGE"].to_string().contains("agent.toml:1:1: bogus");
    assert_eq!(entries.iter().filter(|it| told(it)).count(), 1);
}
