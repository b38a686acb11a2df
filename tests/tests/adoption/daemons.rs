//! `idp-hub region adopt` with real daemons.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tests::lab::{Lab, Region, programs, succeeded};

const STILL: &str = "kind = \"simulated\"\n[cloud.simulated]\nseed = 8\nservers = 50\npace = 0\n\
                     administrator_password = \"open sesame\"\n";

const PASSWORD: &str = "open sesame";

struct Adoption<'a> {
    lab: &'a Lab,
    door: String,
    key: String,
}

impl<'a> Adoption<'a> {
    fn of(lab: &'a Lab, region: &Region, door: std::net::SocketAddr) -> Self {
        let status = region.status();
        assert_eq!(status["allegiance"]["state"], "unjoined");
        assert_eq!(status["adoption"]["address"], door.to_string());
        let step = status["allegiance"]["next_step"].as_str().unwrap();
        assert!(step.contains("idp-hub region adopt"), "{step}");
        Self {
            lab,
            door: door.to_string(),
            key: status["adoption"]["key"].as_str().unwrap().to_owned(),
        }
    }

    fn ask(&self, name: &str, key: &str, password: &str) -> Output {
        let file = self.lab.secret("cloud-password", password);
        self.lab.ask(&[
            "region",
            "adopt",
            name,
            &self.door,
            "--fingerprint",
            key,
            "--account",
            "admin",
            "--password-file",
            file.to_str().unwrap(),
            "--output",
            "json",
        ])
    }
}

/// What an administrator is told of a failure.
fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(told.contains("next: "), "{told}");
    told
}

/// Whether a text stands in any file below a folder.
fn is_kept(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_kept(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

#[test]
fn an_agent_is_adopted_by_its_address_and_its_door_closes() {
    let mut lab = Lab::found();
    let (region, door) = lab.unjoined("north", STILL);
    let adoption = Adoption::of(&lab, &region, door);
    let adopted = succeeded(adoption.ask("north", &adoption.key, PASSWORD));
    let outcome: Value = serde_json::from_slice(&adopted.stdout).unwrap();
    assert_eq!(outcome["region"], "north");
    assert_eq!(outcome["state"], "healthy", "{outcome}");
    assert_eq!(outcome["key_fingerprint"], adoption.key);
    assert_eq!(outcome["hub_address"], lab.link().to_string());
    let steps = String::from_utf8(adopted.stderr).unwrap();
    for step in ["simulated", "sp-agent 0.", &adoption.key, "asks its cloud"] {
        assert!(steps.contains(step), "{step}: {steps}");
    }
    let shown = lab.show("north");
    assert_eq!(
        (&shown["standing"], &shown["state"]),
        (&"accepted".into(), &"healthy".into())
    );
    assert_eq!(shown["totals"]["servers"], 50);
    let status = region.status();
    assert_eq!(status["allegiance"]["state"], "following");
    assert!(status["adoption"].is_null(), "{status}");

    let again = told(&adoption.ask("south", &adoption.key, PASSWORD));
    assert!(again.contains("No agent waits"), "{again}");

    let (agent, key) = (region.daemon.log(), adoption.key.clone());
    let hub = lab.hub().log();
    for log in [&agent, &hub] {
        let audited = |line: &str| line.contains("audit") && line.contains("adopt");
        assert!(log.lines().any(audited) && log.contains(&key), "{log}");
        assert!(!log.contains(PASSWORD), "{log}");
    }
    let folder = region.config().parent().unwrap().join("data");
    assert!(!is_kept(&folder, PASSWORD) && !is_kept(&lab.hub_data(), PASSWORD));
}

#[test]
fn what_fails_leaves_the_agent_unjoined_and_the_same_command_works_afterwards() {
    let lab = Lab::found();
    let (region, door) = lab.unjoined("north", STILL);
    let adoption = Adoption::of(&lab, &region, door);
    let other = told(&adoption.ask("north", &"ab".repeat(32), PASSWORD));
    assert!(
        other.contains(&adoption.key) && other.contains("nothing was sent"),
        "{other}"
    );
    let wrong = told(&adoption.ask("north", &adoption.key, "open barley"));
    assert!(wrong.contains("refuses account and password"), "{wrong}");
    assert!(!wrong.contains("barley"), "{wrong}");
    assert_eq!(region.status()["allegiance"]["state"], "unjoined");
    assert!(
        lab.items("/invitations").is_empty(),
        "the invitation is withdrawn"
    );
    assert!(lab.items("/regions").is_empty());
    succeeded(adoption.ask("north", &adoption.key, PASSWORD));
    lab.until("north", "healthy");

    // Who leaves waits again, and is another region once the hub has let the old one go.
    succeeded(region.ask(&["leave", "--yes"]));
    lab.until_shown(&true, || region.status()["adoption"]["key"].is_string());
    let known = told(&adoption.ask("north", &adoption.key, PASSWORD));
    assert!(known.contains("idp-hub region remove"), "{known}");
    succeeded(lab.ask(&["region", "remove", "north", "--yes"]));
    succeeded(adoption.ask("south", &adoption.key, PASSWORD));
    lab.until("south", "healthy");
}

/// A terminal at which somebody answers each question when it is asked.
fn typed(lab: &Lab, arguments: &str, answers: &[(&str, &str)]) -> (bool, String) {
    let hub = programs().join("idp-hub");
    let command = format!(
        "{} --config {} {arguments}",
        hub.display(),
        lab.hub_config().display()
    );
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keyboard, mut screen) = (
        terminal.stdin.take().unwrap(),
        terminal.stdout.take().unwrap(),
    );
    let (mut shown, mut seen, mut part) = (String::new(), 0, [0; 4096]);
    for (question, answer) in answers {
        while !shown[seen..].contains(question) {
            let bytes = screen.read(&mut part).unwrap();
            assert!(bytes > 0, "{question:?} is not asked: {shown}");
            shown.push_str(&String::from_utf8_lossy(&part[..bytes]));
        }
        seen = shown.len();
        writeln!(keyboard, "{answer}").unwrap();
    }
    screen.read_to_string(&mut shown).unwrap();
    (terminal.wait().unwrap().success(), shown)
}

#[test]
fn an_administrator_is_asked_for_what_is_missing_and_the_password_is_not_shown() {
    let lab = Lab::found();
    let (region, door) = lab.unjoined("north", STILL);
    let key = region.status()["adoption"]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let command = format!("region adopt north {door}");
    let (done, shown) = typed(&lab, &command, &[("to go on: ", "no")]);
    assert!(
        !done && shown.contains(&key) && shown.contains("nothing was done"),
        "{shown}"
    );
    let answers = [
        ("to go on: ", "yes"),
        ("Administrator of that cloud: ", "admin"),
        ("His password: ", PASSWORD),
    ];
    let (done, shown) = typed(&lab, &command, &answers);
    assert!(
        done && shown.contains("It is healthy; 50 servers"),
        "{shown}"
    );
    assert!(!shown.contains(PASSWORD), "{shown}");
}
