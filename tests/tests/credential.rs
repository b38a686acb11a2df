//! An agent whose credential no longer works says so, here and at the hub, and takes another one
//! from either side without a restart, once it is proven; with real daemons.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tests::keystone::{Options, SimulatedKeystone};
use tests::lab::{Lab, Program, Region, succeeded, until_so};
use tokio::runtime::Runtime;

struct Stage {
    lab: Lab,
    region: Region,
    keystone: SimulatedKeystone,
    _runtime: Runtime,
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// Runs a command with a secret on its standard input.
fn with_secret(mut command: Command, secret: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that needs no secret may be over already.
    let _ = writeln!(stdin, "{secret}");
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn refused(output: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "{said}");
    }
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let keystone = runtime.block_on(SimulatedKeystone::start(Options::default()));
        let lab = Lab::found();
        let region = lab.join_keystone("north", &keystone);
        append(&region.config(), "probe = \"2s\"\n");
        // A Keystone alone has no Nova and no Cinder: that is all that is wrong.
        lab.until_shown(&json!("service-missing"), || {
            lab.show("north")["reason"].clone()
        });
        Self {
            lab,
            region,
            keystone,
            _runtime: runtime,
        }
    }

    /// Somebody gives the agent's account another password in its Keystone.
    fn password_becomes(&self, password: &str) {
        let users = self.keystone.organization().users;
        let mut users = users.into_iter();
        let admin = users.find(|(_, it)| it.name == "admin").unwrap().0;
        let body = json!({ "user": { "password": password } });
        let (status, answer) = self
            .keystone
            .ask("PATCH", &format!("/users/{admin}"), &body);
        assert_eq!(status, 200, "{answer}");
        // A token of that very second counts as one from before.
        std::thread::sleep(Duration::from_millis(1100));
    }

    fn credential(&self) -> Value {
        self.region.status()["cloud"]["credential"].clone()
    }

    fn until_refused(&self) {
        until_so("the agent says that it is refused", || {
            self.credential()["state"] == "credential-refused"
        });
        until_so("the hub says so", || {
            self.lab.show("north")["reason"] == "credential-refused"
        });
    }

    fn until_well(&self, source: &str) {
        until_so("the agent signs in by it", || {
            let credential = self.credential();
            credential["state"] == "works" && credential["source"] == source
        });
        until_so("the hub says so", || {
            self.lab.show("north")["reason"] == "service-missing"
        });
    }

    fn hub_gives(&self, secret: &str) -> Output {
        let mut command = Program::Hub.command(&self.lab.hub_config());
        command.args([
            "region",
            "credential",
            "north",
            "--account",
            "admin",
            "--stdin",
        ]);
        with_secret(command, secret)
    }

    fn here_gives(&self, arguments: &[&str], secret: &str) -> Output {
        let mut command = Program::Agent.command(&self.region.config());
        command.args(["credential", "set"]).args(arguments);
        with_secret(command, secret)
    }

    fn sign_ins(&self) -> u64 {
        self.keystone.counts()["POST /auth/tokens"]
    }

    /// Nothing that either daemon wrote holds a secret; but for the one at the agent that does.
    fn nothing_shows(&self, secret: &str) {
        let files = self.lab.files_with(&self.region, secret);
        assert!(files.is_empty(), "{secret} is in {files:?}");
    }

    fn a_refused_one_is_told_with_the_next_step(&self) {
        self.password_becomes("first new secret");
        let before = self.sign_ins();
        self.until_refused();
        let shown = self.lab.show("north");
        let step = shown["next_step"].as_str().unwrap();
        assert!(step.contains("idp-hub region credential north"), "{step}");
        let detail = shown["detail"].as_str().unwrap();
        assert!(detail.contains("user admin of domain Default"), "{detail}");
        let told = self.region.ask(&["status"]);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        for word in ["REFUSED for", "Next: Look at the account", "credential set"] {
            assert!(told.contains(word), "{told}");
        }
        let tried = self.sign_ins() - before;
        assert!(
            (1..=2).contains(&tried),
            "tried {tried} times, which may lock it"
        );
    }

    fn another_one_from_the_hub_is_proven_first(&self) {
        let running = self.region.status()["running_since"].clone();
        refused(
            &self.hub_gives("a wrong secret"),
            &["refuses user admin", "The one until now goes on"],
        );
        self.until_refused();
        succeeded(self.hub_gives("first new secret"));
        self.until_well("given");
        let by = self.credential()["by"].as_str().unwrap().to_owned();
        assert_eq!(by, "local socket (hub)");
        assert_eq!(self.region.status()["running_since"], running, "no restart");
    }

    fn another_one_is_given_here(&self) {
        self.password_becomes("second new secret");
        self.until_refused();
        let openrc = |password: &str| {
            let url = self.keystone.auth_url();
            let text = format!(
                "export OS_AUTH_URL={url}\nexport OS_USERNAME=\"admin\"\n\
                 export OS_PASSWORD='{password}'\nexport OS_PROJECT_NAME=admin\n"
            );
            let path = self.lab.secret("openrc", &text);
            path.to_str().unwrap().to_owned()
        };
        let wrong = openrc("a wrong secret");
        refused(
            &self.here_gives(&["--from", &wrong], ""),
            &["refuses user admin"],
        );
        let right = openrc("second new secret");
        succeeded(self.here_gives(&["--from", &right], ""));
        self.until_well("given");
    }

    /// What the configuration names later counts again, once it is proven.
    fn the_configuration_has_the_last_word(&mut self) {
        self.lab.secret("north-secret", "a wrong secret");
        append(&self.region.config(), "# touched\n");
        until_so("the configuration's is not taken", || {
            self.credential()["source"] == "former"
        });
        self.until_well("former");
        self.a_start_by_a_refused_configuration_goes_on_by_what_worked();
        self.password_becomes("third new secret");
        self.lab.secret("north-secret", "third new secret");
        append(
            &self.region.config(),
            "[policy]\ncredential_from_hub = false\n",
        );
        self.until_well("configuration");
        refused(
            &self.hub_gives("third new secret"),
            &["credential_from_hub"],
        );
    }

    fn a_start_by_a_refused_configuration_goes_on_by_what_worked(&mut self) {
        self.region.daemon.kill();
        self.region.daemon.again();
        self.until_well("former");
    }

    fn all_of_it_is_in_both_trails(&self) {
        let outcomes = |output: Output| -> Vec<String> {
            let listed: Value = serde_json::from_slice(&succeeded(output).stdout).unwrap();
            let entries = listed["entries"].as_array().unwrap();
            let entries = entries.iter().map(|it| it["outcome"].as_str().unwrap());
            let word = |it: &str| it.split(':').next().unwrap().to_owned();
            entries.map(word).collect()
        };
        let hub = [
            "audit",
            "list",
            "--action",
            "set-credential",
            "--output",
            "json",
        ];
        let mut hub = outcomes(self.lab.ask(&hub));
        hub.sort_unstable();
        assert_eq!(hub, ["done", "failed", "failed"]);
        let here = [
            "audit",
            "list",
            "--action",
            "set credential",
            "--output",
            "json",
        ];
        let mut here = outcomes(self.region.ask(&here));
        here.sort_unstable();
        assert_eq!(
            here,
            [
                "done", "done", "done", "failed", "refused", "refused", "refused"
            ]
        );
    }

    fn a_region_that_is_away_is_told_of_at_once(&mut self) {
        self.region.daemon.kill();
        until_so("the hub has noticed", || {
            let given = self.hub_gives("third new secret");
            String::from_utf8_lossy(&given.stderr).contains("sp-agent credential set")
        });
    }
}

#[test]
fn a_credential_that_no_longer_works_is_told_and_replaced_from_either_side() {
    let mut stage = Stage::new();
    stage.a_refused_one_is_told_with_the_next_step();
    stage.another_one_from_the_hub_is_proven_first();
    stage.another_one_is_given_here();
    stage.the_configuration_has_the_last_word();
    stage.all_of_it_is_in_both_trails();
    for secret in ["first new secret", "a wrong secret", "third new secret"] {
        stage.nothing_shows(secret);
    }
    stage.a_region_that_is_away_is_told_of_at_once();
}
