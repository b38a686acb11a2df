//! The servers that are measured, each started with mutual TLS in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Process, START_MAX, await_port, free_port};
use super::tls::Identities;

/// Servers run here, loaders on the other core.
pub const SERVER_CORE: u32 = 0;
/// Loaders run here.
pub const LOADER_CORE: u32 = 1;

/// Making a federation of 10,000 regions takes a tenth of it on a quiet machine.
const FOUND_MAX: Duration = Duration::from_secs(600);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Ours.
    Hub,
    /// QUIC into SQLite.
    Bare,
    /// The hub's own link, with nothing behind it.
    BareLink,
    /// The QUIC library, with nothing of ours.
    Quic,
    /// NATS JetStream.
    Nats,
    /// Mosquitto.
    Mosquitto,
    /// etcd.
    Etcd,
}

/// A server that runs.
pub struct Running {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its directory.
    pub dir: PathBuf,
    _dir: TempDir,
}

impl Running {
    /// Starts another hub on the data and port of one that was killed.
    pub fn serve_again(&mut self) {
        self.process = Server::Hub.serve(&self.dir, self.address.port());
    }
}

impl Server {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Bare => "bare",
            Self::BareLink => "bare-link",
            Self::Quic => "quic-alone",
            Self::Nats => "nats-jetstream",
            Self::Mosquitto => "mosquitto",
            Self::Etcd => "etcd",
        }
    }

    /// What an acknowledgement of it means.
    pub const fn durability(self) -> &'static str {
        match self {
            Self::Hub | Self::Bare | Self::Etcd => "fsync before ack",
            Self::Nats => "page cache, fsync every 2 min",
            Self::BareLink | Self::Quic => "-",
            Self::Mosquitto => "memory, saved every 30 min",
        }
    }

    /// Starts it. A hub has so many regions.
    pub fn start(self, regions: usize) -> Running {
        self.start_inviting(regions, 0)
    }

    /// Starts it. A hub has so many regions, and invitations for so many others.
    pub fn start_inviting(self, regions: usize, invitations: usize) -> Running {
        let temp = crate::inproc::private_dir();
        let dir = temp.path().to_path_buf();
        Identities::make(&dir);
        if matches!(self, Self::Hub | Self::BareLink) {
            let own = std::env::current_exe().unwrap();
            let (regions, invitations) = (regions.to_string(), invitations.to_string());
            let found = ["found", "--dir", &path(&dir), "--agents", &regions];
            let mut found = found.map(str::to_owned).to_vec();
            found.extend(["--invitations".to_owned(), invitations]);
            super::process::output(LOADER_CORE, &own, &found, FOUND_MAX).unwrap();
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        Running {
            process: self.serve(&dir, address.port()),
            address,
            dir,
            _dir: temp,
        }
    }

    /// Starts the process on what is in `dir`, and waits until it listens.
    fn serve(self, dir: &Path, port: u16) -> Process {
        let identities = Identities::load(dir);
        let log = dir.join("log");
        let own = std::env::current_exe().unwrap();
        let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let start = |program: &Path, arguments: &[String]| {
            Process::start(SERVER_CORE, program, arguments, &log)
        };
        let (text, port_text) = (path(dir), port.to_string());
        let mut process = match self {
            Self::Hub => start(
                &own,
                &words(&["serve-hub", "--dir", &text, "--port", &port_text]),
            ),
            Self::Bare => start(
                &own,
                &words(&["serve-bare", "--dir", &text, "--port", &port_text]),
            ),
            Self::BareLink => start(
                &own,
                &words(&["serve-bare-link", "--dir", &text, "--port", &port_text]),
            ),
            Self::Quic => start(
                &own,
                &words(&["serve-quic", "--dir", &text, "--port", &port_text]),
            ),
            Self::Nats => {
                let file = write(dir, "nats.conf", &nats(dir, &identities, port));
                start(Path::new("nats-server"), &words(&["-c", &file]))
            }
            Self::Mosquitto => {
                let file = write(dir, "mosquitto.conf", &mosquitto(dir, &identities, port));
                start(Path::new("mosquitto"), &words(&["-c", &file]))
            }
            Self::Etcd => start(Path::new("etcd"), &etcd(dir, &identities, port)),
        };
        match self {
            Self::Hub | Self::Bare | Self::BareLink | Self::Quic => {
                drop(process.says("READY", START_MAX));
            }
            Self::Nats | Self::Mosquitto | Self::Etcd => await_port(port),
        }
        process
    }
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    path(&file)
}

fn nats(dir: &Path, identities: &Identities, port: u16) -> String {
    format!(
        "listen: \"127.0.0.1:{port}\"\nmax_connections: 20000\n\
         jetstream {{ store_dir: {:?} }}\n\
         tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}\n",
        dir.join("jetstream"),
        identities.server,
        identities.server_key,
        identities.ca,
    )
}

fn mosquitto(dir: &Path, identities: &Identities, port: u16) -> String {
    format!(
        "user root\nlistener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\n\
         require_certificate true\nallow_anonymous true\nmax_inflight_messages 0\n\
         max_queued_messages 0\npersistence true\npersistence_location {}/\nlog_type error\n",
        path(&identities.ca),
        path(&identities.server),
        path(&identities.server_key),
        path(dir),
    )
}

fn etcd(dir: &Path, identities: &Identities, port: u16) -> Vec<String> {
    let (url, peer) = (format!("https://127.0.0.1:{port}"), free_port());
    let peer = format!("http://127.0.0.1:{peer}");
    let pairs = [
        ("data-dir", path(&dir.join("etcd"))),
        ("listen-client-urls", url.clone()),
        ("advertise-client-urls", url),
        ("listen-peer-urls", peer.clone()),
        ("initial-advertise-peer-urls", peer.clone()),
        ("initial-cluster", format!("default={peer}")),
        ("cert-file", path(&identities.server)),
        ("key-file", path(&identities.server_key)),
        ("trusted-ca-file", path(&identities.ca)),
        ("log-level", "error".to_owned()),
    ];
    let pairs = pairs
        .into_iter()
        .map(|(name, value)| format!("--{name}={value}"));
    pairs
        .chain(["--client-cert-auth=true".to_owned()])
        .collect()
}
