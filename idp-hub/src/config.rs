//! The hub's configuration: one TOML file, checked whole before anything is begun.
//!
//! [`Config::load`] gives a configuration that can be used as it is, or every fault at once with
//! its line. Only the fields here reach the rest of the hub; how the file spells them is this
//! module's business. The commented default file is `packaging/idp-hub/hub.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shared::pki::WebNames;
use shared::runtime::settings::{self, Document, Faults};
use shared::transport::Congestion;

mod checks;
mod sections;
#[cfg(test)]
mod tests;

pub use shared::host_port::{HostPort, HostPortError};
pub use shared::runtime::settings::ConfigError;

/// Where the file is, when nobody says otherwise.
pub const PATH_DEFAULT: &str = "/etc/idp-hub/hub.toml";

/// Where the daemon's local socket is, when the file does not say.
pub const SOCKET_DEFAULT: &str = "/run/idp-hub/hub.sock";

/// The link's UDP port.
pub const LINK_PORT: u16 = 7443;

/// The records of one region at most, where the file does not say: ten times those of a region of
/// 10,000 servers, each with two volumes or addresses. No operator comes near it, and an agent in
/// wrong hands fills 600 MB of the hub's disk and no more.
pub const REGION_RECORDS_DEFAULT: u32 = 300_000;

/// A checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Database, keys and certificates.
    pub data_dir: PathBuf,
    /// The local socket, through which the command line speaks to the daemon.
    pub socket: PathBuf,
    /// How agents reach the hub.
    pub link: LinkConfig,
    /// How people reach the hub.
    pub web: WebConfig,
    /// Where Prometheus metrics are served in plain HTTP; `None` for only on the local socket.
    pub metrics: Option<SocketAddr>,
    /// The log filter; `None` is the default one.
    pub log: Option<String>,
    /// The most regions that may have joined at a time.
    pub regions_max: u32,
    /// The most records of one region.
    pub region_records_max: u32,
}

/// How agents reach the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkConfig {
    /// The UDP address to listen on.
    pub listen: SocketAddr,
    /// What agents are told to dial; stands in invitations.
    pub address: HostPort,
    /// How the hub finds out how fast it may send.
    pub congestion: Congestion,
}

/// How people reach the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebConfig {
    /// The TCP address to listen on.
    pub listen: SocketAddr,
    /// The names that the hub's own certificate is for.
    pub names: WebNames,
    /// The site's own certificate chain and key; `None` for one by the federation's CA.
    pub certificate: Option<CertificateFiles>,
}

/// A certificate chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What the configuration is read for, which decides what must be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make a hub: the data directory is made too.
    Init,
    /// To serve: all must be in its place.
    Serve,
    /// To talk to the daemon that serves: nothing but the file itself is looked at.
    Ask,
}

/// What the machine says of itself, where the configuration says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its host name.
    pub host_name: String,
    /// The wall clock, seconds since 1970: certificates are checked against it.
    pub now_secs: u64,
}

impl Config {
    /// Reads and checks the file at `path`. Where the file at the default path is missing, all
    /// defaults hold.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn load(path: &Path, purpose: Purpose, machine: &Machine) -> Result<Self, ConfigError> {
        let text = match settings::read(path) {
            Err(error) if error.is_not_found() && path == Path::new(PATH_DEFAULT) => String::new(),
            text => text.map_err(ConfigError::Read)?,
        };
        Ok(Self::read(
            &path.display().to_string(),
            &text,
            purpose,
            machine,
        )?)
    }

    /// Reads and checks the text of the file with this name.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn read(
        file: &str,
        text: &str,
        purpose: Purpose,
        machine: &Machine,
    ) -> Result<Self, Faults> {
        let document = Document::parse(file, text);
        let config = sections::root(document.root(), purpose, machine);
        document.finish()?;
        Ok(config)
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("hub.db")
    }
}

impl Machine {
    /// This machine. One without a host name is called `localhost`.
    pub fn this(now_secs: u64) -> Self {
        let read = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host_name = match read.trim() {
            "" | "(none)" => "localhost".to_owned(),
            name => name.to_owned(),
        };
        Self {
            host_name,
            now_secs,
        }
    }
}
