//! The regions of a demonstration.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Deserialize;

use super::DemoError;
use crate::progress::Progress;

/// Between two steps of a real cloud's life.
const STEP_EVERY: Duration = Duration::from_secs(5);

/// Servers that a real cloud of the demonstration has at most: some 30 s to make them all.
const SERVERS_MAX: usize = 12;

/// One region.
pub(super) struct Region {
    /// Its name at the hub.
    pub(super) name: String,
    /// In a word, what to expect of it.
    pub(super) character: &'static str,
    /// Its `[cloud]` settings, as TOML.
    pub(super) cloud: String,
    /// The cloud's administrator's password, if it is a real one.
    pub(super) password: Option<String>,
}

impl Region {
    /// All of them; real clouds are brought up first.
    pub(super) fn all(progress: &Progress, openstack: bool) -> Result<Vec<Self>, DemoError> {
        if openstack {
            return ["north", "south"]
                .iter()
                .map(|name| Self::real(name, progress))
                .collect();
        }
        Ok(vec![
            Self::simulated(
                "north",
                "steady",
                "steady: a data centre of 1,200 servers",
                1200,
                1,
            ),
            Self::simulated(
                "south",
                "growing",
                "growing: 150 servers, more each minute",
                150,
                2,
            ),
            Self::simulated(
                "islands",
                "busy",
                "busy: 40 servers that come and go",
                40,
                3,
            ),
        ])
    }

    fn simulated(
        name: &str,
        life: &'static str,
        character: &'static str,
        servers: u32,
        seed: u32,
    ) -> Self {
        let cloud = format!(
            "kind = \"simulated\"\n\n[cloud.simulated]\nseed = {seed}\nservers = {servers}\n\
             character = \"{life}\"\n"
        );
        Self {
            name: name.to_owned(),
            character,
            cloud,
            password: None,
        }
    }

    fn real(name: &str, progress: &Progress) -> Result<Self, DemoError> {
        progress.say(&format!("a real OpenStack cloud for {name}:"));
        let mut up = xtask(&["cloud", "up", "--name", &cloud_name(name), "--json"])?;
        let up = up
            .stderr(Stdio::inherit())
            .output()
            .map_err(DemoError::Cloud)?;
        let Connection {
            auth_url,
            username,
            password,
            region_name,
        } = serde_json::from_slice(&up.stdout)
            .map_err(|error| DemoError::Cloud(io::Error::other(error)))?;
        let cloud = format!(
            "kind = \"openstack\"\n\n[cloud.openstack]\nauth_url = \"{auth_url}\"\n\
             username = \"{username}\"\npassword_file = \"PASSWORD_FILE\"\n\
             user_domain_name = \"Default\"\nproject_name = \"admin\"\n\
             project_domain_name = \"Default\"\nregion_name = \"{region_name}\"\n",
        );
        let character = "a real OpenStack, whose servers come and go";
        Ok(Self {
            name: name.to_owned(),
            character,
            cloud,
            password: Some(password),
        })
    }

    /// Takes its cloud down, where that is a real one.
    pub(super) fn end(&self) {
        if self.password.is_none() {
            return;
        }
        // What stays is shown by `cargo xtask cloud list`.
        if let Ok(mut down) = xtask(&["cloud", "down", "--name", &cloud_name(&self.name)]) {
            let _ = down.status();
        }
    }
}

/// What `cloud up --json` prints, as far as it is needed here.
#[derive(Deserialize)]
struct Connection {
    auth_url: String,
    username: String,
    password: String,
    region_name: String,
}

/// The demonstration's clouds are not those of the tests.
fn cloud_name(region: &str) -> String {
    format!("demo-{region}")
}

/// This program, with another command.
fn xtask(arguments: &[&str]) -> Result<Command, DemoError> {
    let mut command = Command::new(std::env::current_exe().map_err(DemoError::Cloud)?);
    command.args(arguments);
    Ok(command)
}

/// The life of the real clouds: servers are created, stopped, started and deleted.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins in each real cloud.
    pub(super) fn begin(regions: &[Region]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let real = regions.iter().filter(|region| region.password.is_some());
        let threads = real
            .map(|region| {
                let (stop, cloud) = (Arc::clone(&stop), cloud_name(&region.name));
                thread::spawn(move || live(&cloud, &stop))
            })
            .collect();
        Self { stop, threads }
    }

    /// Ends after the step that goes on.
    pub(super) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            // A panic of a step was printed; the demonstration ends anyway.
            let _ = thread.join();
        }
    }
}

/// Servers take turns: made, stopped, started again, deleted.
fn live(cloud: &str, stop: &AtomicBool) {
    let flavor = [
        "flavor", "create", "--vcpus", "1", "--ram", "512", "--disk", "1", "demo",
    ];
    openstack(cloud, &flavor);
    let image = [
        "image",
        "create",
        "--disk-format",
        "raw",
        "--file",
        "/dev/null",
        "demo",
    ];
    openstack(cloud, &image);
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let name = |turn: usize| format!("demo-{}", turn % SERVERS_MAX);
        let made = name(turn);
        let create = [
            "server", "create", "--flavor", "demo", "--image", "demo", "--nic", "none", &made,
        ];
        openstack(cloud, &create);
        openstack(cloud, &["server", "stop", &name(turn + SERVERS_MAX - 2)]);
        openstack(cloud, &["server", "start", &name(turn + SERVERS_MAX - 4)]);
        openstack(cloud, &["server", "delete", &name(turn + 1)]);
        turn += 1;
        thread::sleep(STEP_EVERY);
    }
}

/// A step may fail: in the first round there is nothing to stop yet, and at the next start of the
/// demonstration the flavor is there already.
fn openstack(cloud: &str, arguments: &[&str]) {
    let Ok(mut command) = xtask(&["cloud", "exec", cloud, "--", "openstack"]) else {
        return;
    };
    let _ = command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
