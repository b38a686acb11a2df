//! The processes of a cloud: which are still ours, what they hold, how they end.
//!
//! Each service is started as the leader of its own process group, in its own folder of the
//! cloud. A process is ours when it is in the recorded group *and* in that folder: a number that
//! the kernel has since given to a stranger fails the second test. A leader that died leaves
//! its workers in the group, so they are found all the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::service::Service;
use crate::clock;

/// Gunicorn gives requests 2 s to end, and a loaded machine needs some more.
const END_WITHIN: Duration = Duration::from_secs(10);
/// After SIGKILL only the kernel's own work remains.
const KILLED_WITHIN: Duration = Duration::from_secs(5);
const POLL_PERIOD: Duration = Duration::from_millis(50);

/// A service as it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Which service.
    pub(crate) service: Service,
    /// Its first process, which leads the group of the same number.
    pub(crate) pid: u32,
}

/// A process as /proc shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observed {
    pid: u32,
    group: u32,
    /// Ended, and only waiting for its parent to ask how.
    zombie: bool,
    folder: PathBuf,
}

/// The living members of the group `leader` whose working directory is `folder`.
fn ours<'a>(seen: &'a [Observed], leader: u32, folder: &Path) -> Vec<&'a Observed> {
    let is_ours = |one: &&Observed| one.group == leader && !one.zombie && one.folder == folder;
    seen.iter().filter(is_ours).collect()
}

/// The numbers of the living processes of `process`, which was started in `folder`.
pub(crate) fn living(seen: &[Observed], process: &Process, folder: &Path) -> Vec<u32> {
    ours(seen, process.pid, folder)
        .into_iter()
        .map(|one| one.pid)
        .collect()
}

/// All processes of this machine that we may look at.
pub(crate) fn observe() -> Vec<Observed> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(look_at).collect()
}

fn look_at(pid: u32) -> Option<Observed> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (zombie, group) = parse_stat(&stat)?;
    // A zombie has no working directory any more.
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    Some(Observed {
        pid,
        group,
        zombie,
        folder,
    })
}

/// State and process group of a line of /proc/PID/stat (proc(5)).
///
/// The second field, the program's name in parentheses, may itself hold spaces and parentheses.
fn parse_stat(stat: &str) -> Option<(bool, u32)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    Some((matches!(state, "Z" | "X"), group))
}

/// Memory of a process, in KiB, with shared pages counted in proportion (smaps_rollup, proc(5)).
pub(crate) fn memory_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    parse_pss(&text).unwrap_or(0)
}

fn parse_pss(smaps_rollup: &str) -> Option<u64> {
    let line = smaps_rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Ends the processes: asks, waits, and kills what is left.
///
/// `folder_of` gives the folder that a service was started in. Processes that are no longer ours
/// are left alone.
pub(crate) fn end(
    processes: &[Process],
    folder_of: impl Fn(Service) -> PathBuf,
) -> Result<(), ProcessError> {
    let left = || -> Vec<u32> {
        let seen = observe();
        let living = |one: &Process| living(&seen, one, &folder_of(one.service));
        processes.iter().flat_map(living).collect()
    };
    signal("TERM", &to_ask(&left(), processes))?;
    if wait_until_none(&left, END_WITHIN) {
        return Ok(());
    }
    signal("KILL", &left())?;
    if wait_until_none(&left, KILLED_WITHIN) {
        return Ok(());
    }
    Err(ProcessError::Alive { pids: left() })
}

/// Whom to ask to end, of the processes that are left: leaders end their workers themselves, in
/// good order. When all leaders are gone, whoever is left.
fn to_ask(left: &[u32], processes: &[Process]) -> Vec<u32> {
    let is_leader = |pid: &u32| processes.iter().any(|one| one.pid == *pid);
    let leaders: Vec<u32> = left.iter().copied().filter(is_leader).collect();
    if leaders.is_empty() {
        left.to_vec()
    } else {
        leaders
    }
}

fn wait_until_none(left: &impl Fn() -> Vec<u32>, within: Duration) -> bool {
    let deadline = clock::now() + within;
    while !left().is_empty() {
        if clock::now() > deadline {
            return false;
        }
        thread::sleep(POLL_PERIOD);
    }
    true
}

/// The shell's own `kill`, because std can signal only its own children. Whether it reached all
/// is not asked: some may have ended meanwhile, and the caller looks again.
fn signal(name: &str, pids: &[u32]) -> Result<(), ProcessError> {
    if pids.is_empty() {
        return Ok(());
    }
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s \"$@\" 2>/dev/null", "sh", name]);
    command.args(pids.iter().map(u32::to_string));
    command.status().map(drop).map_err(ProcessError::Signal)
}

/// Why processes did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// No shell to signal with.
    #[error("cannot run sh to end the cloud's processes")]
    Signal(#[source] io::Error),
    /// They outlived SIGKILL.
    #[error("processes {pids:?} survived SIGKILL; look at /proc/PID/stack for what holds them")]
    Alive {
        /// Which.
        pids: Vec<u32>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pid: u32, group: u32, zombie: bool, folder: &str) -> Observed {
        Observed {
            pid,
            group,
            zombie,
            folder: folder.into(),
        }
    }

    #[test]
    fn only_the_group_in_its_own_folder_is_ours() {
        let nova = Process {
            service: Service::Nova,
            pid: 10,
        };
        let processes = [
            seen(10, 10, false, "/clouds/a/nova"),
            seen(11, 10, false, "/clouds/a/nova"),
            // The number was given to somebody else's group.
            seen(12, 10, false, "/home/somebody"),
            // Another cloud's, and somebody who merely looks around in our folder.
            seen(13, 13, false, "/clouds/b/nova"),
            seen(14, 14, false, "/clouds/a/nova"),
            seen(15, 10, true, ""),
        ];
        assert_eq!(
            living(&processes, &nova, Path::new("/clouds/a/nova")),
            [10, 11]
        );
    }

    #[test]
    fn workers_of_a_dead_leader_are_still_ours() {
        let nova = Process {
            service: Service::Nova,
            pid: 10,
        };
        let processes = [
            seen(10, 10, true, ""),
            seen(11, 10, false, "/clouds/a/nova"),
        ];
        assert_eq!(living(&processes, &nova, Path::new("/clouds/a/nova")), [11]);
    }

    #[test]
    fn leaders_are_asked_first() {
        let nova = [Process {
            service: Service::Nova,
            pid: 10,
        }];
        assert_eq!(to_ask(&[11, 10], &nova), [10]);
        assert_eq!(to_ask(&[11, 12], &nova), [11, 12]);
    }

    #[test]
    fn stat_is_read_behind_any_program_name() {
        assert_eq!(parse_stat("10 (python3) S 1 10 10 0 -1"), Some((false, 10)));
        assert_eq!(parse_stat("10 (a) Z (b)) Z 1 77 10 0 -1"), Some((true, 77)));
        assert_eq!(parse_stat("10 (cut"), None);
        assert_eq!(parse_stat("10 (x) S 1"), None);
    }

    #[test]
    fn memory_is_the_proportional_share() {
        let text = "55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss:  9000 kB\nPss:   4321 kB\n";
        assert_eq!(parse_pss(text), Some(4321));
        assert_eq!(parse_pss(""), None);
    }

    #[test]
    fn a_process_in_its_own_group_is_found_and_ended() {
        use std::os::unix::process::CommandExt as _;
        let folder = std::env::temp_dir().canonicalize().unwrap();
        let mut child = Command::new("sleep")
            .arg("60")
            .current_dir(&folder)
            .process_group(0)
            .spawn()
            .unwrap();
        let process = Process {
            service: Service::Nova,
            pid: child.id(),
        };
        assert_eq!(living(&observe(), &process, &folder), [child.id()]);
        assert_eq!(
            living(&observe(), &process, Path::new("/elsewhere")),
            [0u32; 0]
        );

        end(std::slice::from_ref(&process), |_| folder.clone()).unwrap();
        assert!(!child.wait().unwrap().success());
    }
}
