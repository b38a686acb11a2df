//! The agent's configuration: one TOML file, checked whole before anything is begun.
//!
//! [`Config::load`] gives a configuration that can be used as it is, or every fault at once with
//! its line. Only the fields here reach the rest of the agent; how the file spells them is this
//! module's business. The commented default file is `packaging/sp-agent/agent.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shared::host_port::HostPort;
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::settings::{self, Document, Faults};
use shared::transport::Congestion;

mod checks;
mod openstack;
mod policy;
mod secret;
mod sections;
mod simulated;
#[cfg(test)]
mod tests;

pub use crate::cloud::Policy;
use crate::cloud::{openstack as openstack_cloud, simulated as simulated_cloud};
use crate::collect;
use crate::credential::{self, Counts, Facts, choose, is_same_keystone};
pub use shared::runtime::settings::ConfigError;

/// Where the file is, when nobody says otherwise.
pub const PATH_DEFAULT: &str = "/etc/sp-agent/agent.toml";

/// The name of the credential that systemd hands over
/// (`LoadCredential=cloud-secret:sp-agent.cloud-secret`).
pub const CREDENTIAL: &str = "cloud-secret";

/// A checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Spool, key and membership.
    pub data_dir: PathBuf,
    /// The local socket, through which the command line speaks to the daemon.
    pub socket: PathBuf,
    /// How the hub is reached.
    pub hub: HubConfig,
    /// The log filter; `None` is the default one.
    pub log: Option<String>,
    /// Where Prometheus metrics are served in plain HTTP; `None` for only on the local socket.
    pub metrics: Option<SocketAddr>,
    /// Where an unjoined agent waits for its adoption (UDP); `None` for nowhere.
    pub adoption: Option<SocketAddr>,
    /// What is told of this machine.
    pub host: HostConfig,
    /// Which cloud. `None` only where it was not asked for, see [`Purpose::Ask`].
    pub cloud: Option<CloudConfig>,
    /// How often what is read.
    pub collect: collect::Options,
    /// What the federation may do here.
    pub policy: Policy,
    /// Which credential the cloud's is.
    pub credential: Credential,
    /// How often somebody has asked for it to be read again: what it only points at, such as a
    /// CA's file, is then read again too, and the cloud asked at once.
    pub asked: u64,
}

/// Which credential the cloud's is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Credential {
    /// Which counts.
    pub counts: Counts,
    /// The cloud's settings as the file has them, where it is an OpenStack.
    pub configured: Option<openstack_cloud::Options>,
    /// The configuration's is to be proven, and to go to work once it is.
    pub is_tried: bool,
    /// The one at work is kept, so that a start finds it again.
    pub is_kept: bool,
    /// Where its account and project live, as far as that is known.
    pub homes: Vec<openstack_cloud::Home>,
}

/// How the hub is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Instead of the addresses that the agent joined by; empty for those.
    pub addresses: Vec<HostPort>,
    /// How fast the agent sends.
    pub congestion: Congestion,
}

/// What is told of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// The mount points whose file systems are told; `None` for all of them.
    pub mounts: Option<Vec<String>>,
}

/// Which cloud, and how it is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum CloudConfig {
    /// A real one.
    OpenStack(Box<openstack_cloud::Options>),
    /// The built-in one.
    Simulated(simulated_cloud::Plan),
}

/// What the configuration is read for, which decides what is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To run or to check: everything, secrets included.
    Run,
    /// To talk to the daemon, or to join: nothing but the file itself, and no secret. A command
    /// often runs as another user, and without what systemd hands to the daemon.
    Ask,
}

/// What the file's surroundings are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Where systemd put credentials (`$CREDENTIALS_DIRECTORY`), if it did.
    pub credentials: Option<PathBuf>,
    /// Whether others than owner and group can read the configuration file: then it is no place
    /// for a secret.
    pub is_open: bool,
}

impl Config {
    /// Reads and checks the file at `path`, with the credential that is to work. `credentials` is
    /// `$CREDENTIALS_DIRECTORY`.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn load(
        path: &Path,
        purpose: Purpose,
        credentials: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::as_written(path, purpose, credentials)?;
        let data_dir = config.data_dir.clone();
        config.choose(&data_dir, None, (false, Clock::system().unix_millis()));
        Ok(config)
    }

    /// Reads and checks the file at `path`, with the credential that stands in it.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn as_written(
        path: &Path,
        purpose: Purpose,
        credentials: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let text = match settings::read(path) {
            // A command finds the daemon at its usual place also where nothing is configured.
            Err(error)
                if error.is_not_found()
                    && purpose == Purpose::Ask
                    && path == Path::new(PATH_DEFAULT) =>
            {
                String::new()
            }
            text => text.map_err(ConfigError::Read)?,
        };
        let surroundings = Surroundings {
            credentials,
            is_open: checks::is_open(path),
        };
        let file = path.display().to_string();
        let mut config = Self::read(&file, &text, purpose, &surroundings)?;
        config.credential.configured = config.openstack().cloned();
        Ok(config)
    }

    /// Puts the credential that is to work into its place, where `before` was at work until now,
    /// by what is kept in `data_dir`, and whether somebody asks, at this time. Blocks on the disk.
    pub fn choose(
        &mut self,
        data_dir: &Path,
        before: Option<&Self>,
        (is_asked, now): (bool, UnixMillis),
    ) {
        let Some(configured) = self.credential.configured.clone() else {
            return;
        };
        let (kept, unreadable) = match credential::read(data_dir, &configured) {
            Ok(kept) => (kept, None),
            Err(error) => (None, Some(chain(&error).to_string())),
        };
        let before = before.and_then(|it| Some((it.openstack()?, &it.credential)));
        let before = before.filter(|(it, _)| is_same_keystone(&it.auth_url, &configured.auth_url));
        let doubt = before.and_then(|(_, it)| {
            let of = it.configured.as_ref()?;
            it.counts.doubt().filter(|_| of.auth == configured.auth)
        });
        let choice = choose(Facts {
            configured: &configured.auth,
            kept: kept.as_ref(),
            at_work: before.map(|(it, _)| &it.auth),
            doubt,
            is_asked,
            now,
        });
        let counts = match (choice.counts, unreadable) {
            (Counts::Configured, Some(reason)) => Counts::Unreadable(reason),
            (counts, _) => counts,
        };
        // Of what could not be kept it is known for as long as it is at work.
        let known = before.filter(|(it, _)| it.auth == choice.auth);
        let homes = match kept.filter(|it| it.auth == choice.auth) {
            Some(kept) => kept.homes,
            None => known.map(|(_, it)| it.homes.clone()).unwrap_or_default(),
        };
        self.credential = Credential {
            counts,
            configured: Some(configured),
            is_tried: choice.is_tried,
            is_kept: choice.is_kept,
            homes,
        };
        self.sign_in_by(choice.auth);
    }

    /// Has the agent sign in at its cloud by this credential.
    pub fn sign_in_by(&mut self, auth: openstack_cloud::Auth) {
        if let Some(CloudConfig::OpenStack(options)) = &mut self.cloud {
            options.auth = auth;
        }
    }

    /// The cloud as it is to be checked: by the configuration's credential where that is to work,
    /// and has not been proven.
    pub fn checked(&self) -> Option<CloudConfig> {
        match (&self.credential.counts, &self.credential.configured) {
            (Counts::Former { .. }, Some(configured)) => {
                Some(CloudConfig::OpenStack(Box::new(configured.clone())))
            }
            _ => self.cloud.clone(),
        }
    }

    /// The cloud's settings, where it is an OpenStack.
    pub fn openstack(&self) -> Option<&openstack_cloud::Options> {
        match &self.cloud {
            Some(CloudConfig::OpenStack(options)) => Some(options),
            Some(CloudConfig::Simulated(_)) | None => None,
        }
    }

    /// Reads and checks the text of the file with this name.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn read(
        file: &str,
        text: &str,
        purpose: Purpose,
        surroundings: &Surroundings,
    ) -> Result<Self, Faults> {
        let document = Document::parse(file, text);
        let config = sections::root(document.root(), purpose, surroundings);
        document.finish()?;
        Ok(config)
    }

    /// The directory of the spool.
    pub fn spool(&self) -> PathBuf {
        self.data_dir.join("spool")
    }
}
