//! Where a demonstration lives: its folder, its ports, and the daemons' command lines.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::daemon::{DaemonError, Daemons};
use super::region::Region;
use crate::clock;
use crate::project::Project;

/// The time for the hub to open its local socket.
const HUB_WITHIN: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A demonstration's folder and what stands in it.
pub(super) struct Place {
    folder: PathBuf,
    /// The hub's program.
    pub(super) hub: PathBuf,
    agent: PathBuf,
    /// The hub's configuration.
    pub(super) hub_config: PathBuf,
    link: u16,
    /// The console's port.
    pub(super) web: u16,
    /// The administrator's password.
    pub(super) password: String,
}

impl Place {
    /// A fresh folder, free ports, and the hub's configuration.
    pub(super) fn make(project: &Project) -> Result<Self, PlaceError> {
        let folder = project.root.join("target/demo");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => private_dir(&folder)?,
        }
        let programs = project.root.join("target/debug");
        let any = (Ipv4Addr::LOCALHOST, 0);
        let place = Self {
            hub: programs.join("idp-hub"),
            agent: programs.join("sp-agent"),
            hub_config: folder.join("hub.toml"),
            link: UdpSocket::bind(any)?.local_addr()?.port(),
            web: TcpListener::bind(any)?.local_addr()?.port(),
            password: password()?,
            folder,
        };
        private_dir(&place.folder.join("hub"))?;
        place.write("hub-password", &place.password)?;
        let (hub, link, web) = (place.folder.join("hub"), place.link, place.web);
        let hub = hub.display();
        place.write(
            "hub.toml",
            &format!(
                "data_dir = \"{hub}/data\"\nsocket = \"{hub}/hub.sock\"\n\n[link]\n\
                 listen = \"127.0.0.1:{link}\"\naddress = \"127.0.0.1:{link}\"\n\n[web]\n\
                 listen = \"127.0.0.1:{web}\"\nnames = [\"localhost\", \"127.0.0.1\"]\n"
            ),
        )?;
        Ok(place)
    }

    /// Makes the federation and the administrator's account.
    pub(super) fn init_hub(&self) -> Result<(), PlaceError> {
        let password = self.folder.join("hub-password");
        finished(self.hub().arg("init").arg("--password-file").arg(password)).map(drop)
    }

    /// The hub's daemon.
    pub(super) fn serve(&self) -> Command {
        let mut command = self.hub();
        command.arg("serve");
        command
    }

    /// Waits until the hub answers through its local socket.
    pub(super) fn wait_for_hub(
        &self,
        daemons: &mut Daemons,
        stop: &AtomicBool,
    ) -> Result<(), PlaceError> {
        let deadline = clock::now() + HUB_WITHIN;
        while let Err(error) = self.region_list() {
            daemons.check()?;
            if clock::now() > deadline || stop.load(Ordering::Relaxed) {
                return Err(error);
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Both yeses: the token is made, used, and the region accepted.
    pub(super) fn join(&self, region: &Region) -> Result<(), PlaceError> {
        let name = &region.name;
        private_dir(&self.folder.join(name))?;
        let mut settings = region.cloud.clone();
        if let Some(password) = &region.password {
            self.write(&format!("{name}/cloud-password"), password)?;
            let path = self.folder.join(name).join("cloud-password");
            settings = settings.replace("PASSWORD_FILE", &path.display().to_string());
        }
        let own = self.folder.join(name);
        let own = own.display();
        let daemon = format!("data_dir = \"{own}/data\"\nsocket = \"{own}/agent.sock\"\n\n");
        self.write(
            &format!("{name}/agent.toml"),
            &format!("{daemon}[cloud]\n{settings}"),
        )?;
        let invitation = finished(
            self.hub()
                .args(["region", "invite", name, "--output", "json"]),
        )?;
        let invitation: Value = serde_json::from_slice(&invitation.stdout)?;
        let token = invitation
            .get("token")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let hub = format!("127.0.0.1:{}", self.link);
        given(self.of(region).args(["join", "--hub", &hub, "-"]), token)?;
        finished(self.hub().args(["region", "accept", name, "--yes"])).map(drop)
    }

    /// A region's agent.
    pub(super) fn agent(&self, region: &Region) -> Command {
        let mut command = self.of(region);
        command.arg("run");
        command
    }

    /// How a person calls a region's agent.
    pub(super) fn agent_command(&self, name: &str) -> String {
        let config = self.folder.join(name).join("agent.toml");
        format!("{} --config {}", self.agent.display(), config.display())
    }

    /// Whether so many regions are there, and all healthy.
    pub(super) fn all_healthy(&self, count: usize) -> Result<bool, PlaceError> {
        let listed: Value = serde_json::from_str(&self.region_list()?)?;
        let regions = listed.get("regions").and_then(Value::as_array);
        let regions = regions.map(Vec::as_slice).unwrap_or_default();
        let healthy = |region: &Value| region.get("state") == Some(&Value::from("healthy"));
        Ok(regions.len() == count && regions.iter().all(healthy))
    }

    /// `idp-hub region list --output json`.
    pub(super) fn region_list(&self) -> Result<String, PlaceError> {
        output(self.hub().args(["region", "list", "--output", "json"]))
    }

    /// `idp-hub region list`.
    pub(super) fn region_table(&self) -> Result<String, PlaceError> {
        output(self.hub().args(["region", "list"]))
    }

    /// Where a daemon's log goes.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    fn hub(&self) -> Command {
        let mut command = Command::new(&self.hub);
        command.arg("--config").arg(&self.hub_config);
        command
    }

    fn of(&self, region: &Region) -> Command {
        let mut command = Command::new(&self.agent);
        command
            .arg("--config")
            .arg(self.folder.join(&region.name).join("agent.toml"));
        command
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
    }
}

fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Random enough for an account on loopback that lives as long as the demonstration.
fn password() -> io::Result<String> {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    Ok(random.trim().replace('-', ""))
}

fn output(command: &mut Command) -> Result<String, PlaceError> {
    Ok(String::from_utf8_lossy(&finished(command)?.stdout).into_owned())
}

fn finished(command: &mut Command) -> Result<Output, PlaceError> {
    given(command, "")
}

/// Runs a command that reads this from its standard input: a line, which any pipe takes at once.
fn given(command: &mut Command, input: &str) -> Result<Output, PlaceError> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take()
        && let Err(error) = stdin.write_all(input.as_bytes())
        // Who ends without reading says why.
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(error.into());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(output);
    }
    let mut words = command.get_args().map(|word| word.to_string_lossy());
    let command = words.nth(2).unwrap_or_default().into_owned();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(PlaceError::Command { command, said })
}

/// Why a demonstration can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// Its files or ports.
    #[error("cannot set up target/demo")]
    Files(#[from] io::Error),
    /// A daemon ended.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// A command of a daemon failed.
    #[error("`{command}` failed: {said}")]
    Command {
        /// Which.
        command: String,
        /// What it said.
        said: String,
    },
    /// A command printed what is not JSON.
    #[error("a command did not print what was expected")]
    Json(#[from] serde_json::Error),
}
