//! A machine of a test's own with systemd as its first process, booted in a container.
//!
//! It is made of this machine's `/usr`, with everything else empty and in memory
//! (systemd-nspawn(1), `--volatile=yes`), the project's two daemons and their units, no network but
//! loopback, and no other service. It needs root. Where that is missing the test fails and says so.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::inproc::private_dir;
use crate::lab::programs;

/// A boot takes a second.
const BOOT_MAX: Duration = Duration::from_secs(60);

/// How often a waiting test looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The real-time signal that halts systemd (systemd(1), SIGRTMIN+4 powers off).
const POWER_OFF: &str = "RTMIN+4";

/// The units, as they are packed.
const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/systemd");

/// A booted machine. Halted when it is dropped.
pub struct Machine {
    container: Child,
    /// Its first process, as this machine numbers it.
    init: u32,
    _folder: TempDir,
}

/// One that no other machine has at the time.
fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("regroup-{}-{count}", std::process::id())
}

fn now() -> Instant {
    Instant::now()
}

impl Machine {
    /// Boots one.
    pub fn boot() -> Self {
        let folder = private_dir();
        let programs = copied_programs(folder.path());
        let preset = folder.path().join("none.preset");
        std::fs::write(&preset, "disable *\n").unwrap();
        let name = name();
        let mut container = Command::new("systemd-nspawn");
        container
            .args(["--directory=/", "--volatile=yes", "--machine", &name])
            .args(["--register=no", "--keep-unit", "--link-journal=no"])
            .args(["--private-network", "--console=pipe", "--quiet", "--boot"])
            .arg(format!("--overlay-ro=/usr/bin:{programs}:/usr/bin"))
            .arg(bound(&preset, "system-preset/00-none.preset"))
            // It would ask for a time zone.
            .arg(bound(
                Path::new("/dev/null"),
                "system/systemd-firstboot.service",
            ));
        for unit in ["idp-hub.service", "sp-agent.service"] {
            let source = Path::new(PACKAGING).join(unit);
            container.arg(bound(&source, &format!("system/{unit}")));
        }
        container.arg(format!(
            "--bind-ro={PACKAGING}/sysusers.d/regroup.conf:/etc/sysusers.d/regroup.conf"
        ));
        container
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let container = container.spawn();
        let container = container
            .unwrap_or_else(|error| panic!("no systemd-nspawn ({error}): run `cargo xtask setup`"));
        let mut machine = Self {
            container,
            init: 0,
            _folder: folder,
        };
        machine.until("its first process runs", |it| it.find_init());
        machine.until("systemd is up", |it| {
            let state = it.try_run(&["systemctl", "is-system-running"]);
            state.stdout.starts_with(b"running") || state.stdout.starts_with(b"degraded")
        });
        machine
    }

    /// systemd is the child of the one process that systemd-nspawn forks, or that process itself.
    fn find_init(&mut self) -> bool {
        let mut pid = self.container.id();
        while let Some(child) = children(pid).last().copied() {
            pid = child;
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() == "systemd" {
                self.init = pid;
                return true;
            }
        }
        false
    }

    fn until(&mut self, what: &str, reached: impl Fn(&mut Self) -> bool) {
        let deadline = now() + BOOT_MAX;
        while !reached(self) {
            if let Some(status) = self.container.try_wait().unwrap() {
                panic!("the machine ended ({status}) before {what}; systemd-nspawn needs root");
            }
            assert!(now() < deadline, "waited in vain until {what}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.init.to_string()])
            .args([
                "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
            ])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/bin:/usr/sbin");
        command
    }

    /// Runs a command as root to its end, however that is.
    pub fn try_run(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command as root, which must succeed, and returns what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes a file, with its folder.
    pub fn write(&self, path: &str, text: &str) {
        let folder = Path::new(path).parent().unwrap().to_str().unwrap();
        self.run(&["mkdir", "--parents", folder]);
        self.run_with_input(&["tee", path], text);
    }

    /// Runs a command as root that reads this from its standard input and must succeed.
    pub fn run_with_input(&self, words: &[&str], input: &str) {
        let mut command = self.command(words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{words:?} failed");
    }

    /// A property of a unit (systemctl(1), `show`).
    pub fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.run(&["systemctl", "show", "--value", "--property", name, unit]);
        shown.trim().to_owned()
    }

    /// What a unit has logged, an entry each (journalctl(1), `--output=json`).
    pub fn journal(&self, unit: &str) -> Vec<serde_json::Value> {
        let entries = self.run(&["journalctl", "--unit", unit, "--output=json", "--no-pager"]);
        let entries = entries.lines().map(serde_json::from_str);
        entries.map(Result::unwrap).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.init != 0 {
            let _ = Command::new("kill")
                .args(["-s", POWER_OFF, &self.init.to_string()])
                .status();
            let deadline = now() + BOOT_MAX;
            while matches!(self.container.try_wait(), Ok(None)) && now() < deadline {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        // One that has ended can't be killed, which is what is wanted.
        let _ = self.container.kill();
        let _ = self.container.wait();
    }
}

/// A folder with the daemons and nothing else: all of it is to be seen in `/usr/bin`.
fn copied_programs(folder: &Path) -> String {
    let into = folder.join("bin");
    std::fs::create_dir(&into).unwrap();
    for name in ["idp-hub", "sp-agent"] {
        std::fs::copy(programs().join(name), into.join(name)).unwrap();
    }
    into.to_str().unwrap().to_owned()
}

fn bound(source: &Path, target: &str) -> String {
    format!("--bind-ro={}:/etc/systemd/{target}", source.display())
}

fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let list = std::fs::read_to_string(path).unwrap_or_default();
    list.split_whitespace().flat_map(str::parse).collect()
}
