//! Real daemons as an operator runs them: their own binaries, configuration files, command lines
//! and signals, each in a folder of its own below one temporary directory.

mod process;
mod secrets;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;
use shared::model::Totals;
use shared::wire::record::{self, Decoded};
use tempfile::TempDir;

use crate::inproc::{PATIENCE, private_dir};
use crate::keystone::SimulatedKeystone;
use crate::openstack::RealCloud;

pub use process::{Daemon, Program, programs, run};

/// How often a waiting test looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The password of the hub's account `admin`.
pub const PASSWORD: &str = "a long enough password";

/// A hub and its regions, on loopback.
pub struct Lab {
    folder: TempDir,
    link: SocketAddr,
    web: SocketAddr,
    hub: Daemon,
}

/// One region's agent.
pub struct Region {
    /// Its name at the hub.
    pub name: String,
    folder: PathBuf,
    /// Its daemon.
    pub daemon: Daemon,
}

impl Lab {
    /// Makes a federation and starts its hub.
    pub fn found() -> Self {
        let folder = private_dir();
        let any = (Ipv4Addr::LOCALHOST, 0);
        let link = UdpSocket::bind(any).unwrap().local_addr().unwrap();
        let web = TcpListener::bind(any).unwrap().local_addr().unwrap();
        let path = folder.path().display();
        write(
            &folder.path().join("hub.toml"),
            &format!(
                "data_dir = \"{path}/hub\"\nsocket = \"{path}/hub.sock\"\n[link]\n\
                 listen = \"{link}\"\naddress = \"{link}\"\n[web]\nlisten = \"{web}\"\n\
                 names = [\"localhost\"]\n"
            ),
        );
        write(&folder.path().join("password"), PASSWORD);
        let config = folder.path().join("hub.toml");
        let password = folder.path().join("password");
        let init = ["init", "--password-file", password.to_str().unwrap()];
        succeeded(run(Program::Hub, &config, &init));
        let hub = Daemon::start(Program::Hub, &config, "serve");
        let lab = Self {
            folder,
            link,
            web,
            hub,
        };
        lab.wait("the hub answers", || lab.try_list().is_some());
        lab
    }

    /// The time, for measurements and patience.
    pub fn now() -> Instant {
        now()
    }

    /// The hub's UDP address.
    pub fn link(&self) -> SocketAddr {
        self.link
    }

    /// The hub's HTTPS address.
    pub fn web(&self) -> SocketAddr {
        self.web
    }

    /// The hub's daemon.
    pub fn hub(&mut self) -> &mut Daemon {
        &mut self.hub
    }

    /// The hub's data directory.
    pub fn hub_data(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// Runs a command of the hub.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        run(
            Program::Hub,
            &self.folder.path().join("hub.toml"),
            arguments,
        )
    }

    /// The same, with a line for it to read.
    pub fn ask_with(&self, arguments: &[&str], line: &str) -> Output {
        let input = std::fs::File::open(self.secret("input", line)).unwrap();
        let mut command = Program::Hub.command(&self.hub_config());
        command.args(arguments).stdin(input).output().unwrap()
    }

    /// Joins a region with this cloud, dialing the hub at `address`, and starts its agent.
    pub fn join(&self, name: &str, cloud: &str, address: SocketAddr) -> Region {
        let folder = self.joined(name, cloud, address);
        succeeded(self.ask(&["region", "accept", name, "--yes"]));
        Region::run(name, folder)
    }

    /// Joins a region with this cloud and starts its agent, which waits for the hub's yes.
    pub fn waiting(&self, name: &str, cloud: &str) -> Region {
        let region = Region::run(name, self.joined(name, cloud, self.link));
        self.wait("the agent waits for the hub's yes", || {
            region.status()["allegiance"]["state"] == "pending"
        });
        region
    }

    /// The folder of an agent that has joined by an invitation, and does not run.
    fn joined(&self, name: &str, cloud: &str, address: SocketAddr) -> PathBuf {
        let folder = self.configure(name, cloud, "");
        let invitation = self.ask(&["region", "invite", name, "--output", "json"]);
        let invitation: Value = serde_json::from_slice(&succeeded(invitation).stdout).unwrap();
        let token = invitation["token"].as_str().unwrap();
        let config = folder.join("agent.toml");
        let join = ["join", "--hub", &address.to_string(), token];
        succeeded(run(Program::Agent, &config, &join));
        folder
    }

    /// Starts an agent with this cloud that is not joined and waits for its adoption; its door's
    /// address.
    pub fn unjoined(&self, name: &str, cloud: &str) -> (Region, SocketAddr) {
        let any = (Ipv4Addr::LOCALHOST, 0);
        let door = UdpSocket::bind(any).unwrap().local_addr().unwrap();
        let adoption = format!("[adoption]\nlisten = \"{door}\"\n");
        let folder = self.configure(name, cloud, &adoption);
        let region = Region::run(name, folder);
        self.wait("the agent waits for its adoption", || {
            region.status()["adoption"]["key"].is_string()
        });
        (region, door)
    }

    /// A folder with an agent's configuration.
    fn configure(&self, name: &str, cloud: &str, more: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let path = folder.display();
        write(
            &folder.join("agent.toml"),
            &format!(
                "data_dir = \"{path}/data\"\nsocket = \"{path}/agent.sock\"\n\
                 [cloud]\n{cloud}\n[collect]\nchanges = \"1s\"\naudit = \"10s\"\n\
                 quota = \"10s\"\norganization = \"10s\"\n{more}"
            ),
        );
        folder
    }

    /// Writes a file that only its owner can read, such as a password's, and returns its path.
    pub fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        write(&path, text);
        path
    }

    /// Joins a region beside a real cloud.
    pub fn join_openstack(&self, name: &str, cloud: &RealCloud) -> Region {
        let password = self.folder.path().join(format!("{name}-password"));
        write(&password, cloud.fact("password"));
        self.join(name, &cloud.settings(password.to_str().unwrap()), self.link)
    }

    /// Joins a region beside a simulated Keystone.
    pub fn join_keystone(&self, name: &str, keystone: &SimulatedKeystone) -> Region {
        let password = self.secret(&format!("{name}-secret"), SimulatedKeystone::PASSWORD);
        let settings = keystone.settings(password.to_str().unwrap());
        self.join(name, &settings, self.link)
    }

    /// Merges a region's organization into the directory: confirms whatever the plan is, as soon
    /// as there is one, and another one where the region changed meanwhile. The plan.
    pub fn merge(&self, name: &str) -> Value {
        self.merge_with(name, &[])
    }

    /// The same, with more flags.
    pub fn merge_with(&self, name: &str, flags: &[&str]) -> Value {
        self.merge_begun(name, flags).0
    }

    /// The same, and when the plan that holds was confirmed.
    pub fn merge_begun(&self, name: &str, flags: &[&str]) -> (Value, Instant) {
        let deadline = now() + PATIENCE;
        loop {
            let said = match self.plan_and_merge(name, flags) {
                Ok(merged) => return merged,
                Err(said) => said,
            };
            assert!(now() < deadline, "{said}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn plan_and_merge(&self, name: &str, flags: &[&str]) -> Result<(Value, Instant), String> {
        let succeeded = |output: Output| match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        };
        let shown = succeeded(self.ask(&["org", "plan", name, "--output", "json"]))?;
        let plan: Value = serde_json::from_slice(&shown).unwrap();
        let digest = plan["digest"].as_str().unwrap();
        let begun = now();
        let command = ["org", "merge", name, "--digest", digest];
        succeeded(self.ask(&[&command, flags].concat()))?;
        Ok((plan, begun))
    }

    /// All items of a list of the REST API, through the local socket.
    pub fn items(&self, path: &str) -> Vec<Value> {
        let text = get(&self.socket(), &format!("/api/v1{path}?limit=1000"));
        let page: Value = serde_json::from_str(&text).unwrap();
        page["items"].as_array().unwrap().clone()
    }

    /// The hub's local socket, at which everything may be asked.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("hub.sock")
    }

    /// What Prometheus scrapes of the hub.
    pub fn metrics(&self) -> String {
        get(&self.socket(), "/metrics")
    }

    /// The hub's configuration file.
    pub fn hub_config(&self) -> PathBuf {
        self.folder.path().join("hub.toml")
    }

    /// Waits until the hub shows what is expected.
    pub fn until_shown<T: PartialEq + std::fmt::Debug>(&self, expected: &T, shown: impl Fn() -> T) {
        let deadline = now() + PATIENCE;
        while shown() != *expected {
            assert!(
                now() < deadline,
                "the hub shows {:?}, not {expected:?}",
                shown()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn try_list(&self) -> Option<Value> {
        let listed = self.ask(&["region", "list", "--output", "json"]);
        listed
            .status
            .success()
            .then(|| serde_json::from_slice(&listed.stdout).unwrap())
    }

    /// A region as `idp-hub region show --output json` tells it.
    pub fn show(&self, name: &str) -> Value {
        let shown = self.ask(&["region", "show", name, "--output", "json"]);
        serde_json::from_slice(&succeeded(shown).stdout).unwrap()
    }

    /// Waits until a region is in a state, and returns how long that took.
    pub fn until(&self, name: &str, state: &str) -> Duration {
        let begun = now();
        self.wait(&format!("{name} is {state}"), || {
            self.try_list().is_some() && self.show(name)["state"] == state
        });
        begun.elapsed()
    }

    /// Whether the hub shows these totals for a region. What it does not know it shows as null, and
    /// there is none of it here.
    pub fn shows(&self, region: &Region, totals: &Totals) -> bool {
        let shown = &self.show(&region.name)["totals"];
        let mut figures = Totals::NAMES.iter().zip(totals.to_array());
        figures.all(|(name, figure)| shown[*name].as_u64().unwrap_or(0) == figure)
    }

    fn wait(&self, what: &str, reached: impl Fn() -> bool) {
        let deadline = now() + PATIENCE;
        while !reached() {
            let log = || self.hub.log();
            assert!(
                now() < deadline,
                "waited in vain until {what}; the hub's log:\n{}",
                log()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Region {
    fn run(name: &str, folder: PathBuf) -> Self {
        let daemon = Daemon::start(Program::Agent, &folder.join("agent.toml"), "run");
        Self {
            name: name.to_owned(),
            folder,
            daemon,
        }
    }

    /// Runs a command of the agent.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        run(Program::Agent, &self.folder.join("agent.toml"), arguments)
    }

    /// What the agent tells of itself; nothing while it does not run.
    pub fn status(&self) -> Value {
        let told = self.ask(&["status", "--output", "json"]);
        serde_json::from_slice(&told.stdout).unwrap_or_default()
    }

    /// What Prometheus scrapes of the agent.
    pub fn metrics(&self) -> String {
        get(&self.folder.join("agent.sock"), "/metrics")
    }

    /// The agent's configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// The record of the membership, as it stands on the disk.
    pub fn membership(&self) -> String {
        let path = self.folder.join("data/membership/membership.toml");
        std::fs::read_to_string(path).unwrap()
    }

    /// The folder of the spool.
    pub fn spool(&self) -> PathBuf {
        self.folder.join("data/spool")
    }

    /// Removes what the agent knows of the directory and of its own part in it. It must not run.
    pub fn forget_replica(&self) {
        for end in ["", "-wal", "-shm"] {
            let path = self.folder.join(format!("data/replica.sqlite{end}"));
            let removed = std::fs::remove_file(&path);
            let is_absent = |it: &std::io::Error| it.kind() == std::io::ErrorKind::NotFound;
            let is_gone = removed.as_ref().err().is_none_or(is_absent);
            assert!(is_gone, "{}: {removed:?}", path.display());
        }
    }

    /// Counts what the spool's file holds, record by record.
    pub fn totals(&self) -> Totals {
        let spool = Connection::open(self.spool().join("spool.sqlite")).unwrap();
        let sql = "SELECT kind, id, value FROM record WHERE value IS NOT NULL";
        let mut statement = spool.prepare(sql).unwrap();
        let mut rows = statement.query(()).unwrap();
        let mut totals = Totals::default();
        while let Some(row) = rows.next().unwrap() {
            let (kind, id, value): (u16, Vec<u8>, Vec<u8>) = (
                row.get(0).unwrap(),
                row.get(1).unwrap(),
                row.get(2).unwrap(),
            );
            if let Decoded::Known(record) = record::decode(kind, &id, &value).unwrap() {
                totals.add(&Totals::of(&record));
            }
        }
        totals
    }
}

/// A good answer of a daemon on its local socket.
fn get(socket: &Path, path: &str) -> String {
    shared::pki::install_default_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let http = reqwest::Client::builder().unix_socket(socket.to_owned());
        let http = http.build().unwrap();
        let answer = http.get(format!("http://daemon{path}")).send().await;
        let answer = answer.unwrap().error_for_status().unwrap();
        answer.text().await.unwrap()
    })
}

/// The output of a command that must succeed.
pub fn succeeded(output: Output) -> Output {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    output
}

/// How long [`until`] waits: a change is read within 10 s, told and applied within another second,
/// and read again; and where a cloud fails, of some hundred and fifty writes one in six is tried
/// again, and an answer that never comes is waited for 5 s.
const CHANGE_PATIENCE: Duration = Duration::from_secs(150);

/// Waits until a change has come so far, and returns what it came to.
pub fn until<T>(what: &str, reached: impl Fn() -> Option<T>) -> T {
    let deadline = now() + CHANGE_PATIENCE;
    loop {
        if let Some(it) = reached() {
            return it;
        }
        assert!(now() < deadline, "waited in vain until {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until it is so.
pub fn until_so(what: &str, is_so: impl Fn() -> bool) {
    until(what, || is_so().then_some(()));
}

fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// For a test's patience only.
#[allow(
    clippy::disallowed_methods,
    reason = "a test waits for real daemons in real time"
)]
fn now() -> Instant {
    Instant::now()
}
