//! A daemon's process: started, signalled, killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `idp-hub`.
    Hub,
    /// `sp-agent`.
    Agent,
}

/// The folder of the programs. For a test they are built if they are not: the tests of another
/// package don't build them by themselves. Whoever starts the benchmarks' program has built them
/// beside it.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let own = std::env::current_exe().unwrap();
        let folder = own.parent().unwrap();
        if !folder.ends_with("deps") {
            return folder.to_owned();
        }
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "idp-hub", "-p", "sp-agent"]);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(
            build.status().unwrap().success(),
            "the daemons can't be built"
        );
        folder.parent().unwrap().to_owned()
    })
}

impl Program {
    /// A command of it.
    pub fn command(self, config: &Path) -> Command {
        let name = match self {
            Self::Hub => "idp-hub",
            Self::Agent => "sp-agent",
        };
        let mut command = Command::new(programs().join(name));
        command
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .env_remove("NOTIFY_SOCKET");
        command
    }
}

/// Runs a command to its end.
pub fn run(program: Program, config: &Path, arguments: &[&str]) -> Output {
    program.command(config).args(arguments).output().unwrap()
}

/// A daemon, killed when it is dropped.
pub struct Daemon {
    program: Program,
    config: PathBuf,
    command: &'static str,
    child: Child,
}

impl Daemon {
    /// Starts it; its log goes beside its configuration.
    pub fn start(program: Program, config: &Path, command: &'static str) -> Self {
        let child = spawn(program, config, command);
        Self {
            program,
            config: config.to_owned(),
            command,
            child,
        }
    }

    /// Starts it again, after it has ended.
    pub fn again(&mut self) {
        self.child = spawn(self.program, &self.config, self.command);
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, at whatever it is doing.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for a good end.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(
            status.success(),
            "{:?} stopped with {status}:\n{}",
            self.program,
            self.log()
        );
    }

    /// Any signal.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_of(&self.config)).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended can't be killed, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_of(config: &Path) -> PathBuf {
    config.with_extension("log")
}

fn spawn(program: Program, config: &Path, command: &str) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_of(config))
        .unwrap();
    let mut daemon = program.command(config);
    daemon.arg(command).stdout(Stdio::null()).stderr(log);
    daemon.spawn().unwrap()
}
