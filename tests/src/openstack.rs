//! Real OpenStack clouds for tests: brought up by `cargo xtask cloud`, driven by OpenStack's own
//! command line.

mod admin;

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

pub use self::admin::Admin;

/// A real cloud. Taken down when it is dropped.
pub struct RealCloud {
    name: String,
    connection: Value,
}

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .arg("xtask")
        .args(arguments);
    command
}

/// Brings up what is missing of a cloud, and how to reach it.
fn brought_up(name: &str, options: &[&str]) -> Value {
    let mut up = xtask(&["cloud", "up", "--name", name, "--json"]);
    let up = up.args(options).output().unwrap();
    let said = String::from_utf8_lossy(&up.stderr);
    assert!(up.status.success(), "no cloud {name}:\n{said}");
    serde_json::from_slice(&up.stdout).unwrap()
}

impl RealCloud {
    /// Brings one up. `options` are those of `cloud up`.
    pub fn up(name: &str, options: &[&str]) -> Self {
        // One that an earlier run left behind would hold that run's servers.
        let _ = xtask(&["cloud", "down", "--name", name]).output();
        Self {
            name: name.to_owned(),
            connection: brought_up(name, options),
        }
    }

    /// Kills its Keystone, at whatever it is doing: the process and its workers, which it started
    /// as a group of its own.
    pub fn kill_keystone(&self) {
        // Services are started, and told of, in the order of their needs.
        let group = self.connection["pids"][0].as_u64().unwrap();
        let kill = ["-s", "KILL", "--", &format!("-{group}")];
        let killed = Command::new("kill").args(kill).status().unwrap();
        assert!(killed.success(), "no Keystone to kill: {group}");
    }

    /// Starts what of it does not run, as it was: the same address, and all that it had.
    pub fn again(&mut self) {
        self.connection = brought_up(&self.name, &[]);
    }

    /// Starts its Keystone anew, which from then on locks an account after so many wrong passwords.
    pub fn locks_after(&mut self, wrong: u8) {
        self.kill_keystone();
        self.connection = brought_up(&self.name, &["--lockout", &wrong.to_string()]);
    }

    /// Its administrator, by its services' own APIs.
    pub fn admin(&self) -> Admin {
        Admin::new(self.fact("auth_url"), self.fact("password"))
    }

    /// A fact of its connection, such as `auth_url`.
    pub fn fact(&self, name: &str) -> &str {
        self.connection[name].as_str().unwrap()
    }

    /// Runs `openstack` with these words, which must succeed, and returns its JSON.
    pub fn ask(&self, words: &str) -> Value {
        let output = self.run(words, &["-f", "json"]);
        serde_json::from_str(&output).unwrap_or(Value::Null)
    }

    /// As [`Self::ask`], as somebody else: with these variables (`OS_USERNAME` and so on) instead
    /// of the administrator's account and project.
    pub fn ask_as(&self, variables: &[(&str, &str)], words: &str) -> Value {
        let own = [
            "OS_USERNAME",
            "OS_PASSWORD",
            "OS_USER_DOMAIN_ID",
            "OS_PROJECT_NAME",
            "OS_PROJECT_DOMAIN_ID",
        ];
        let mut all: Vec<String> = Vec::new();
        all.extend(
            own.iter()
                .flat_map(|it| ["-u".to_owned(), (*it).to_owned()]),
        );
        all.extend(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        all.push("openstack".to_owned());
        all.extend(words.split_whitespace().map(str::to_owned));
        all.extend(["-f", "json"].map(str::to_owned));
        serde_json::from_str(&self.exec("env", &all)).unwrap()
    }

    /// The requests that were to change something in its Keystone, whatever it answered, sign-ins
    /// aside.
    pub fn keystone_writes(&self) -> Vec<String> {
        let is_write = |line: &&str| {
            let mut words = line.split(' ');
            let method = words.next().unwrap_or_default();
            let is_sign_in = words.next() == Some("/v3/auth/tokens");
            matches!(method, "POST" | "PUT" | "PATCH" | "DELETE") && !is_sign_in
        };
        let log = self.keystone_log();
        log.lines().filter(is_write).map(str::to_owned).collect()
    }

    /// How many sign-ins its Keystone refused.
    pub fn keystone_refusals(&self) -> usize {
        let log = self.keystone_log();
        let refused = log.lines().filter(|it| *it == "POST /v3/auth/tokens 401");
        refused.count()
    }

    /// The paths that were read in its Keystone, whatever it answered, each in its order.
    pub fn keystone_reads(&self) -> Vec<String> {
        let log = self.keystone_log();
        let reads = log.lines().filter_map(|it| it.strip_prefix("GET "));
        let paths = reads.filter_map(|it| it.split(' ').next());
        paths.map(str::to_owned).collect()
    }

    fn keystone_log(&self) -> String {
        let log = Path::new(self.fact("dir")).join("keystone/access.log");
        std::fs::read_to_string(&log).unwrap()
    }

    /// Runs `openstack` with these words, which must succeed.
    pub fn order(&self, words: &str) {
        self.run(words, &[]);
    }

    /// Runs a script that uses OpenStack's libraries, as the cloud's administrator, and returns
    /// what it printed.
    pub fn python(&self, arguments: &[&Path]) -> String {
        self.exec("python", arguments)
    }

    fn run(&self, words: &str, more: &[&str]) -> String {
        let words: Vec<&str> = words
            .split_whitespace()
            .chain(more.iter().copied())
            .collect();
        self.exec("openstack", &words)
    }

    fn exec(&self, program: &str, arguments: &[impl AsRef<OsStr> + Debug]) -> String {
        let mut command = xtask(&["cloud", "exec", &self.name, "--", program]);
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The `[cloud]` settings of an agent beside it, with its password in `password_file`.
    pub fn settings(&self, password_file: &str) -> String {
        format!(
            "kind = \"openstack\"\n[cloud.openstack]\nauth_url = \"{}\"\nusername = \"{}\"\n\
             password_file = \"{password_file}\"\nuser_domain_name = \"Default\"\n\
             project_name = \"{}\"\nproject_domain_name = \"Default\"\nregion_name = \"{}\"\n",
            self.fact("auth_url"),
            self.fact("username"),
            self.fact("project_name"),
            self.fact("region_name"),
        )
    }
}

impl Drop for RealCloud {
    fn drop(&mut self) {
        // What is left is taken down by the next run.
        let _ = xtask(&["cloud", "down", "--name", &self.name]).output();
    }
}
