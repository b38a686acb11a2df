//! What a simulated cloud should be like, checked whole before it is built.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use shared::model::{ServiceKind, UnixMillis};

/// The largest cloud: one hundred times the largest that one agent is measured with.
pub const SERVERS_MAX: u32 = 1_000_000;
/// Quotas are three records a project, and are always read whole.
pub const PROJECTS_MAX: u32 = 100_000;
/// Cinder's largest known installations hold some hundred thousand.
pub const VOLUMES_MAX: u32 = 1_000_000;
/// Networks are always read whole.
pub const NETWORKS_MAX: u32 = 200_000;
/// Half of 198.18.0.0/15 (RFC 2544 §C.2.2), from which they are taken.
pub const FLOATING_IPS_MAX: u32 = 65_536;
/// One node a server is the most that makes sense.
pub const NODES_MAX: u32 = 1_000_000;
/// 1,000 events a second: more than any real cloud, and little enough to catch up with.
pub const PACE_MAX: u32 = 60_000;
/// A script that a person writes.
pub const FAULTS_MAX: usize = 256;
/// The longest that a request may take before its asker gives up, as a real agent's does.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// The name of the account that administers the cloud, and its password, unless others are given.
/// Nothing real is behind it, so that everybody may know them.
pub const ACCOUNT_DEFAULT: (&str, &str) = ("admin", "simulated");

/// How a cloud behaves when nobody looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Character {
    /// As many come as go.
    #[default]
    Steady,
    /// More come than go, and quotas are raised, until the nodes are full.
    Growing,
    /// As steady, but ten times as lively.
    Busy,
    /// Servers and nodes fail, and are repaired.
    Flaky,
}

impl Character {
    /// Every character.
    pub const ALL: [Self; 4] = [Self::Steady, Self::Growing, Self::Busy, Self::Flaky];

    /// The name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Growing => "growing",
            Self::Busy => "busy",
            Self::Flaky => "flaky",
        }
    }

    /// Events a minute, where no pace is given.
    const fn pace(self) -> u32 {
        match self {
            Self::Steady => 6,
            Self::Growing | Self::Flaky => 20,
            Self::Busy => 60,
        }
    }
}

impl fmt::Display for Character {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Character {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let known = Self::ALL.into_iter().find(|it| it.name() == text);
        known.ok_or_else(|| OptionsError::Character(text.chars().take(32).collect()))
    }
}

/// A scripted fault of one API. The cloud behind it lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, after the cloud's birth.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// Which API it strikes. [`FaultKind::Unauthorized`] of [`ServiceKind::Identity`] strikes all.
    pub service: ServiceKind,
    /// What happens. Where several strike one API at once, the last in the list does.
    pub what: FaultKind,
}

/// What happens to an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Connections are refused.
    Down,
    /// Each answer takes so much longer; beyond [`ANSWER_TIME_MAX`] there is none.
    Slow(Duration),
    /// The credential is refused.
    Unauthorized,
    /// The catalog does not have it.
    Missing,
}

/// What a simulated cloud should be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Everything follows from it: ids, names, life. Two regions take two seeds.
    pub seed: u64,
    /// How many servers there are at birth, at most [`SERVERS_MAX`].
    pub servers: u32,
    /// How many projects, at most [`PROJECTS_MAX`]; one for each 25 servers if not given.
    pub projects: Option<u32>,
    /// How many nodes, at most [`NODES_MAX`]; enough to be a good half full if not given.
    pub nodes: Option<u32>,
    /// How many volumes at birth, at most [`VOLUMES_MAX`]; one for two servers if not given.
    pub volumes: Option<u32>,
    /// How many networks, at most [`NETWORKS_MAX`]; two and one a project if not given. The first
    /// is the external one, the second is shared.
    pub networks: Option<u32>,
    /// How many floating IPs at birth, at most [`FLOATING_IPS_MAX`]; one for five servers if not
    /// given.
    pub floating_ips: Option<u32>,
    /// How it behaves.
    pub character: Character,
    /// Events of its life a minute, at most [`PACE_MAX`]; by its character if not given, 0 for
    /// none.
    pub pace: Option<u32>,
    /// When its life began. With a fixed birth, a cloud that is built anew (its agent restarted)
    /// has become what it would have become; if not given, it is born when it is built.
    pub born: Option<UnixMillis>,
    /// What happens to its APIs, at most [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How long its APIs take to answer, about; at most [`ANSWER_TIME_MAX`].
    pub latency: Duration,
    /// The account that administers it, and its password: by them an agent lets itself be adopted.
    pub administrator: (String, String),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            servers: 100,
            projects: None,
            nodes: None,
            volumes: None,
            networks: None,
            floating_ips: None,
            character: Character::Steady,
            pace: None,
            born: None,
            faults: Vec::new(),
            latency: Duration::from_millis(5),
            administrator: (ACCOUNT_DEFAULT.0.to_owned(), ACCOUNT_DEFAULT.1.to_owned()),
        }
    }
}

/// An option that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Beyond its bound.
    #[error("{given} {what} are too many for a simulated cloud; give at most {max}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were given.
        given: u64,
        /// How many may be.
        max: u64,
    },
    /// No project, so nobody could own anything.
    #[error("a simulated cloud needs a project; give at least 1, or leave the number out")]
    NoProject,
    /// Floating IPs without a network to take them from.
    #[error("floating IPs need an external network; give at least 1 network, or 0 floating IPs")]
    NoExternalNetwork,
    /// A latency at which nobody would wait for the answer.
    #[error("a latency of {} s is beyond every asker's patience; give at most {} s",
        .0.as_secs(), ANSWER_TIME_MAX.as_secs())]
    Latency(Duration),
    /// No such character.
    #[error("{0:?} is no character; give steady, growing, busy or flaky")]
    Character(String),
}

/// [`Options`] that are checked, with every number settled. Made by [`Options::check`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) seed: u64,
    pub(super) servers: u32,
    pub(super) projects: u32,
    pub(super) nodes: u32,
    pub(super) volumes: u32,
    pub(super) networks: u32,
    pub(super) floating_ips: u32,
    pub(super) character: Character,
    pub(super) pace: u32,
    pub(super) born: Option<UnixMillis>,
    pub(super) faults: Vec<Fault>,
    pub(super) latency: Duration,
    pub(super) administrator: (String, String),
}

impl Options {
    /// Settles every number.
    ///
    /// # Errors
    /// All that is wrong, not only the first.
    pub fn check(self) -> Result<Plan, Vec<OptionsError>> {
        let servers = self.servers;
        let projects = self.projects.unwrap_or((servers / 25).clamp(3, 2000));
        let networks = self
            .networks
            .unwrap_or(projects.saturating_add(2).min(NETWORKS_MAX));
        let addressable = if networks == 0 { 0 } else { FLOATING_IPS_MAX };
        let plan = Plan {
            seed: self.seed,
            servers,
            projects,
            nodes: self.nodes.unwrap_or(nodes_for(servers, self.character)),
            volumes: self.volumes.unwrap_or(servers / 2),
            networks,
            floating_ips: self.floating_ips.unwrap_or((servers / 5).min(addressable)),
            character: self.character,
            pace: self.pace.unwrap_or(self.character.pace()),
            born: self.born,
            faults: self.faults,
            latency: self.latency,
            administrator: self.administrator,
        };
        let faults = plan.faults();
        if faults.is_empty() {
            Ok(plan)
        } else {
            Err(faults)
        }
    }
}

impl Plan {
    /// The account that administers it, and its password.
    pub(super) fn administrator(&self) -> (&str, &str) {
        (&self.administrator.0, &self.administrator.1)
    }

    fn faults(&self) -> Vec<OptionsError> {
        let bounds = [
            ("servers", u64::from(self.servers), u64::from(SERVERS_MAX)),
            ("projects", self.projects.into(), PROJECTS_MAX.into()),
            ("nodes", self.nodes.into(), NODES_MAX.into()),
            ("volumes", self.volumes.into(), VOLUMES_MAX.into()),
            ("networks", self.networks.into(), NETWORKS_MAX.into()),
            (
                "floating IPs",
                self.floating_ips.into(),
                FLOATING_IPS_MAX.into(),
            ),
            ("events a minute", self.pace.into(), PACE_MAX.into()),
            (
                "scripted faults",
                self.faults.len() as u64,
                FAULTS_MAX as u64,
            ),
        ];
        let too_many = bounds
            .into_iter()
            .filter(|(_, given, max)| given > max)
            .map(|(what, given, max)| OptionsError::TooMany { what, given, max });
        let mut faults: Vec<OptionsError> = too_many.collect();
        if self.projects == 0 {
            faults.push(OptionsError::NoProject);
        }
        if self.networks == 0 && self.floating_ips > 0 {
            faults.push(OptionsError::NoExternalNetwork);
        }
        if self.latency > ANSWER_TIME_MAX {
            faults.push(OptionsError::Latency(self.latency));
        }
        faults
    }

    /// A line for people.
    pub(super) fn describe(&self) -> String {
        format!(
            "simulated, {}, {} servers at birth, seed {}",
            self.character, self.servers, self.seed
        )
    }

    /// Whether all nodes are of the smallest kind, so that a small cloud is not one empty giant.
    pub(super) const fn is_small(&self) -> bool {
        self.servers <= SMALL_SERVERS_MAX
    }
}

/// Up to here, nodes are of the smallest kind, which holds 19 average servers when it is a good
/// half full; beyond, of all kinds, which hold 45 on average.
const SMALL_SERVERS_MAX: u32 = 200;

fn nodes_for(servers: u32, character: Character) -> u32 {
    let a_node = if servers <= SMALL_SERVERS_MAX { 19 } else { 45 };
    let half_full = servers.div_ceil(a_node);
    match character {
        Character::Growing => half_full.saturating_mul(8) / 5,
        _ => half_full,
    }
    .max(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_at_once() {
        let options = Options {
            servers: SERVERS_MAX + 1,
            projects: Some(0),
            networks: Some(0),
            floating_ips: Some(1),
            pace: Some(PACE_MAX + 1),
            latency: ANSWER_TIME_MAX + Duration::from_secs(1),
            ..Options::default()
        };
        let faults = options.check().unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:?}");
        assert_eq!(
            faults[0].to_string(),
            "1000001 servers are too many for a simulated cloud; give at most 1000000"
        );
    }

    #[test]
    fn the_largest_and_the_smallest_cloud_are_allowed() {
        for servers in [0, 1, 200, 201, SERVERS_MAX] {
            for character in Character::ALL {
                let options = Options {
                    servers,
                    character,
                    ..Options::default()
                };
                let plan = options.check().unwrap();
                assert!(plan.projects > 0 && plan.nodes >= 2, "{plan:?}");
            }
        }
    }

    #[test]
    fn a_character_reads_what_it_writes() {
        for character in Character::ALL {
            assert_eq!(character.to_string().parse(), Ok(character));
        }
        let error = "wild".parse::<Character>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"wild\" is no character; give steady, growing, busy or flaky"
        );
    }
}
