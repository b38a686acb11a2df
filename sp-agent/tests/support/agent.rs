//! The agent's real binary, in a directory of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The longest that anything is waited for: a slow machine's patience, no measurement.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) struct Agent {
    folder: tempfile::TempDir,
    daemon: Option<Child>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Agent {
    /// With a simulated cloud, not started.
    pub(crate) fn new() -> Self {
        let owner_only = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .permissions(owner_only)
            .tempdir()
            .unwrap();
        let agent = Self {
            folder,
            daemon: None,
        };
        agent.configure("[cloud]\nkind = \"simulated\"\n[cloud.simulated]\nservers = 5\n");
        agent
    }

    /// Writes the configuration: its own directories, and then `text`.
    pub(crate) fn configure(&self, text: &str) {
        let folder = self.folder.path().display();
        let own = format!("data_dir = \"{folder}/data\"\nsocket = \"{folder}/agent.sock\"\n");
        std::fs::write(self.config(), own + text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("agent.toml")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("agent.sock")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sp-agent"));
        command
            .env_clear()
            .env("SP_AGENT_CONFIG", self.config())
            // As on a machine without Debian's ca-certificates.
            .envs([
                ("SSL_CERT_FILE", "/dev/null"),
                ("SSL_CERT_DIR", "/dev/null"),
            ])
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.command().args(args).output().unwrap().into()
    }

    /// Runs a command with this on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ended {
        use std::io::Write;
        let mut command = self.command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Starts the daemon, and waits until it answers.
    pub(crate) async fn start(&mut self) {
        let log = std::fs::File::create(self.log_path()).unwrap();
        let child = self.command().arg("run").stderr(log).spawn().unwrap();
        self.daemon = Some(child);
        // Its exit code says whether all is well, which takes a while.
        self.until("it answers", |agent| agent.is_running() == Some(true))
            .await;
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.daemon.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Stops the daemon in good order, and returns its exit code.
    pub(crate) async fn stop(&mut self) -> i32 {
        self.signal("TERM");
        let mut child = self.daemon.take().unwrap();
        let waited = tokio::task::spawn_blocking(move || child.wait().unwrap());
        waited.await.unwrap().code().unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }

    /// What `status --output json` says.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.run(&["status", "--output", "json"]).out).unwrap()
    }

    /// Whether the daemon answers; nothing where a dying or starting one broke off.
    pub(crate) fn is_running(&self) -> Option<bool> {
        let told = self.run(&["status", "--output", "json"]).out;
        let told: serde_json::Value = serde_json::from_str(&told).ok()?;
        Some(told["running_since"].is_string())
    }

    pub(crate) fn allegiance(&self) -> String {
        self.status()["allegiance"]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) async fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !reached(self) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("never: {what}\n{:?}\n{}", self.run(&["status"]), self.log());
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The mode of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
