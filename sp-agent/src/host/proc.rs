//! Reads /proc, and asks file systems for their size. The only part of `host` that does.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use procfs::net::InterfaceDeviceStatus;
use procfs::{
    ExplicitSystemInfo, FromBufRead, FromBufReadSI as _, FromRead as _, KernelStats, LoadAverage,
    Meminfo,
};
use shared::model::Disk;

use super::rates::{Bytes, Cores, Interfaces, Ticks};
use super::{DISKS_MAX, HostError, mounts};

/// The largest file that is read: ten thousand mounts or thirty thousand interfaces.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// As in every network namespace of Linux.
const LOOPBACK: &str = "lo";
/// Ticks are only compared with ticks here, so that their length is of no matter.
const TICKS: ExplicitSystemInfo = ExplicitSystemInfo {
    boot_time_secs: 0,
    ticks_per_second: 100,
    page_size: 4096,
    is_little_endian: cfg!(target_endian = "little"),
};

/// Where /proc is.
#[derive(Debug)]
pub(super) struct Proc {
    root: PathBuf,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) used_mib: u64,
    pub(super) total_mib: u64,
}

impl Proc {
    pub(super) const fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn cores(&self) -> Result<Cores, HostError> {
        let (path, bytes) = self.read("stat")?;
        let stat = KernelStats::from_buf_read(bytes.as_slice(), &TICKS);
        let stat = stat.map_err(|source| HostError::Parse { path, source })?;
        Ok(Cores(stat.cpu_time.iter().map(Ticks::from).collect()))
    }

    pub(super) fn load_centi(&self) -> Result<[u32; 3], HostError> {
        let (path, bytes) = self.read("loadavg")?;
        let load = LoadAverage::from_read(bytes.as_slice());
        let load = load.map_err(|source| HostError::Parse { path, source })?;
        // A float beyond the integer's range becomes its end, and no number becomes 0.
        Ok([load.one, load.five, load.fifteen].map(|it| (it * 100.0).round() as u32))
    }

    pub(super) fn memory(&self) -> Result<Memory, HostError> {
        let (path, bytes) = self.read("meminfo")?;
        let memory = Meminfo::from_buf_read(bytes.as_slice());
        let memory = memory.map_err(|source| HostError::Parse { path, source })?;
        let before_3_14 = || {
            let caches = memory.buffers.saturating_add(memory.cached);
            memory.mem_free.saturating_add(caches)
        };
        let available = memory.mem_available.unwrap_or_else(before_3_14);
        Ok(Memory {
            used_mib: memory.mem_total.saturating_sub(available) >> 20,
            total_mib: memory.mem_total >> 20,
        })
    }

    /// All interfaces but the loopback.
    pub(super) fn interfaces(&self) -> Result<Interfaces, HostError> {
        let (path, bytes) = self.read("net/dev")?;
        let devices = InterfaceDeviceStatus::from_buf_read(bytes.as_slice());
        let devices = devices.map_err(|source| HostError::Parse { path, source })?;
        let others = devices.0.into_iter().filter(|(name, _)| name != LOOPBACK);
        let bytes = others.map(|(name, device)| {
            let bytes = Bytes {
                received: device.recv_bytes,
                sent: device.sent_bytes,
            };
            (name, bytes)
        });
        Ok(Interfaces(bytes.collect()))
    }

    /// The largest file systems by their mount point, and what the first trouble was, if any.
    pub(super) fn disks(&self) -> (Vec<Disk>, Result<(), HostError>) {
        let bytes = match self.read("self/mountinfo") {
            Ok((_, bytes)) => bytes,
            Err(error) => return (Vec::new(), Err(error)),
        };
        let (mut disks, mut trouble) = (Vec::new(), Ok(()));
        for mount in mounts::file_systems(&String::from_utf8_lossy(&bytes)) {
            match size(&mount) {
                Ok(disk) if disk.total_mib > 0 => disks.push(disk),
                Ok(_) => {}
                Err(error) if trouble.is_ok() => trouble = Err(error),
                Err(_) => {}
            }
        }
        disks.sort_by_key(|disk| std::cmp::Reverse(disk.total_mib));
        disks.truncate(DISKS_MAX);
        disks.sort_by(|one, other| one.mount.cmp(&other.mount));
        (disks, trouble)
    }

    fn read(&self, name: &str) -> Result<(PathBuf, Vec<u8>), HostError> {
        let path = self.root.join(name);
        let mut bytes = Vec::new();
        let read = File::open(&path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => Err(HostError::TooLarge {
                path,
                bytes_max: FILE_BYTES_MAX,
            }),
            Ok(_) => Ok((path, bytes)),
            Err(source) => Err(HostError::Read { path, source }),
        }
    }
}

/// As df(1) tells it: what is kept for root is not in use.
fn size(mount: &Path) -> Result<Disk, HostError> {
    let size = rustix::fs::statvfs(mount).map_err(|source| HostError::Size {
        mount: mount.to_owned(),
        source: source.into(),
    })?;
    let mib = |blocks: u64| blocks.saturating_mul(size.f_frsize) >> 20;
    Ok(Disk {
        mount: mount.display().to_string(),
        used_mib: mib(size.f_blocks.saturating_sub(size.f_bfree)),
        total_mib: mib(size.f_blocks),
    })
}
