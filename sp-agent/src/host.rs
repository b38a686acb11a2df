//! The health of the machine that the agent runs on, from /proc.
//!
//! [`Host`] owns what was counted last, because /proc counts since the boot and a sample tells
//! rates. What is read (`proc`) goes through what decides (`rates`, `mounts`, `complaints`: pure)
//! into a [`HostSample`], whose latencies are for the caller to fill in.
//!
//! A part that can't be read is empty in the sample and is logged when that begins and when it
//! ends; the others are told as ever.

mod complaints;
mod mounts;
mod proc;
mod rates;

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use shared::model::{HostSample, UnixMillis};
use shared::runtime::errors::chain;

use complaints::{Complaints, Said};
use proc::Proc;
use rates::{Cores, Interfaces, Meter};

/// The cores told at most: as many as fit the wire.
const CORES_MAX: usize = 1024;
/// The file systems told at most, the largest: as many as fit the wire.
const DISKS_MAX: usize = 64;
/// The interfaces told at most, the busiest: as many as fit the wire. A node of a cloud has one for
/// each of its servers.
const NICS_MAX: usize = 64;

/// A part of a sample, read on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum HostPart {
    Cores,
    Load,
    Memory,
    Disks,
    Nics,
}

impl HostPart {
    const fn name(self) -> &'static str {
        match self {
            Self::Cores => "cores",
            Self::Load => "load",
            Self::Memory => "memory",
            Self::Disks => "disks",
            Self::Nics => "nics",
        }
    }
}

/// Samples this machine.
#[derive(Debug)]
pub struct Host {
    proc: Proc,
    cores: Meter<Cores>,
    interfaces: Meter<Interfaces>,
    complaints: Complaints,
}

/// Why something of this machine's health can't be told.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file of /proc can't be read.
    #[error("cannot read {}; check that /proc is mounted and that the agent may read it",
        path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of /proc is larger than any kernel makes it.
    #[error("{} has more than {bytes_max} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The most that is read.
        bytes_max: u64,
    },
    /// A file of /proc does not say what it should.
    #[error("cannot understand {}; this kernel may be too old or too new", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: procfs::ProcError,
    },
    /// A file system does not tell its size.
    #[error("cannot ask for the size of {}", mount.display())]
    Size {
        /// Where it is mounted.
        mount: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not one part of the sample could be read.
    #[error("nothing of this machine's health can be read; check that /proc is mounted")]
    Nothing,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// Has counted nothing yet: the first sample has no cores, and interfaces without rates.
    pub fn new() -> Self {
        Self::reading("/proc".into())
    }

    fn reading(root: PathBuf) -> Self {
        Self {
            proc: Proc::new(root),
            cores: Meter::default(),
            interfaces: Meter::default(),
            complaints: Complaints::default(),
        }
    }

    /// Takes a sample. `now` is told in it; `monotonic` is what rates are counted by, so that a
    /// wall clock that is set, or a machine that slept, makes no spike.
    ///
    /// Blocks for as long as the slowest file system takes to tell its size: call it where that
    /// delays nobody.
    ///
    /// # Errors
    /// If no part at all can be read. A part alone is left empty.
    pub fn sample(&mut self, now: UnixMillis, monotonic: Instant) -> Result<HostSample, HostError> {
        let (cores, load) = (self.proc.cores(), self.proc.load_centi());
        let (memory, nics) = (self.proc.memory(), self.proc.interfaces());
        let (disks, all_disks) = self.proc.disks();
        if cores.is_err() && load.is_err() && memory.is_err() && nics.is_err() && disks.is_empty() {
            return Err(HostError::Nothing);
        }
        let cores = self.hear(HostPart::Cores, cores);
        let load = self.hear(HostPart::Load, load);
        let memory = self.hear(HostPart::Memory, memory).unwrap_or_default();
        let nics = self.hear(HostPart::Nics, nics);
        self.hear(HostPart::Disks, all_disks);
        Ok(HostSample {
            at: now,
            cpu_permille: cores.map_or_else(Vec::new, |it| self.cores.rates(monotonic, it)),
            load_centi: load.unwrap_or_default(),
            memory_used_mib: memory.used_mib,
            memory_total_mib: memory.total_mib,
            disks,
            nics: nics.map_or_else(Vec::new, |it| self.interfaces.rates(monotonic, it)),
            latencies: Vec::new(),
        })
    }

    /// What was read, if it was; logs when a part begins to fail and when it is back.
    fn hear<T>(&mut self, part: HostPart, read: Result<T, HostError>) -> Option<T> {
        match (self.complaints.note(part, read.is_ok()), &read) {
            (Some(Said::Fails), Err(error)) => {
                tracing::warn!(
                    part = part.name(),
                    error = %chain(error),
                    "a part of this machine's health can't be read, and is left out until it can"
                );
            }
            (Some(Said::IsBack), _) => {
                tracing::info!(part = part.name(), "this machine's health is whole again");
            }
            _ => {}
        }
        read.ok()
    }
}

#[cfg(test)]
mod tests;
