//! The whole sampler: on this machine, and on a /proc of a test's own making.

use std::fs;
use std::time::Duration;

use shared::runtime::clock::Clock;

use super::*;

const STAT: &str = "\
cpu  200 0 0 200 0 0 0 0 0 0
cpu0 100 0 0 100 0 0 0 0 0 0
cpu1 100 0 0 100 0 0 0 0 0 0
ctxt 1
btime 1700000000
processes 1
";
const NET_DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo \
colls carrier compressed
    lo:    7000 1 0 0 0 0 0 0 7000 1 0 0 0 0 0 0
  eth0:    1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0
";
const MEMINFO: &str = "\
MemTotal:        4194304 kB
MemFree:         1048576 kB
MemAvailable:    3145728 kB
Buffers:               0 kB
Cached:                0 kB
SwapCached:            0 kB
Active:                0 kB
Inactive:              0 kB
SwapTotal:             0 kB
SwapFree:              0 kB
Dirty:                 0 kB
Writeback:             0 kB
Mapped:                0 kB
Slab:                  0 kB
Committed_AS:          0 kB
VmallocTotal:          0 kB
VmallocUsed:           0 kB
VmallocChunk:          0 kB
";

fn machine() -> (tempfile::TempDir, Host) {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("stat", STAT);
    file("loadavg", "0.50 1.25 2.00 1/100 4242\n");
    file("meminfo", MEMINFO);
    file("net/dev", NET_DEV);
    file("self/mountinfo", "21 1 254:0 / / rw - ext4 /dev/vda rw\n");
    let host = Host::reading(root.path().to_owned());
    (root, host)
}

#[test]
fn a_sample_tells_what_proc_says() {
    let (root, mut host) = machine();
    let start = Clock::system().now();
    let first = host.sample(UnixMillis(1), start).unwrap();
    assert!(first.cpu_permille.is_empty(), "{first:?}");
    assert_eq!(first.load_centi, [50, 125, 200]);
    assert_eq!(
        (first.memory_used_mib, first.memory_total_mib),
        (1024, 4096)
    );
    assert_eq!(first.disks.len(), 1);
    assert!(first.disks[0].mount == "/" && first.disks[0].total_mib > 0);
    assert_eq!(first.nics.len(), 1, "no loopback: {:?}", first.nics);

    let stat = STAT.replace("cpu0 100 0 0 100", "cpu0 175 0 0 125");
    fs::write(root.path().join("stat"), stat).unwrap();
    fs::write(
        root.path().join("net/dev"),
        NET_DEV.replace("1000 1", "6000 9"),
    )
    .unwrap();
    // The wall clock was set back by an hour in between, which is of no matter.
    let second = host
        .sample(UnixMillis(0), start + Duration::from_secs(5))
        .unwrap();
    assert_eq!(second.at, UnixMillis(0));
    assert_eq!(second.cpu_permille, [750, 0]);
    assert_eq!(second.nics[0].received_bytes_per_s, 1000);
    assert_eq!(second.nics[0].sent_bytes_per_s, 0);
}

#[test]
fn a_part_that_is_missing_is_empty_and_the_others_are_told() {
    let parts = ["stat", "loadavg", "meminfo", "net/dev", "self/mountinfo"];
    for part in parts {
        let (root, mut host) = machine();
        fs::remove_file(root.path().join(part)).unwrap();
        let start = Clock::system().now();
        for step in 0..2 {
            let now = start + Duration::from_secs(step);
            let sample = host.sample(UnixMillis(1), now).unwrap();
            assert_eq!(sample.load_centi == [0; 3], part == "loadavg");
            assert_eq!(sample.memory_total_mib == 0, part == "meminfo");
            assert_eq!(sample.nics.is_empty(), part == "net/dev");
            assert_eq!(sample.disks.is_empty(), part == "self/mountinfo");
            assert_eq!(sample.cpu_permille.is_empty(), part == "stat" || step == 0);
        }
    }
}

#[test]
fn a_part_that_makes_no_sense_is_an_error_that_names_its_file() {
    let (root, host) = machine();
    for name in ["stat", "loadavg", "meminfo", "net/dev"] {
        fs::write(
            root.path().join(name),
            "one\ntwo\nthree: \u{fffd} nonsense\n",
        )
        .unwrap();
    }
    fs::write(
        root.path().join("self/mountinfo"),
        [0xFF, b'\n', b' ', b'\n'],
    )
    .unwrap();
    let errors = [
        host.proc.cores().map(drop).unwrap_err(),
        host.proc.load_centi().map(drop).unwrap_err(),
        host.proc.memory().map(drop).unwrap_err(),
        host.proc.interfaces().map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, HostError::Parse { .. }), "{error:?}");
        assert!(
            error.to_string().contains(root.path().to_str().unwrap()),
            "{error}"
        );
    }
    let (disks, trouble) = host.proc.disks();
    assert!(
        disks.is_empty() && trouble.is_ok(),
        "a line that is none is no mount"
    );
}

#[test]
fn an_endless_file_is_refused() {
    let (root, host) = machine();
    fs::write(root.path().join("stat"), "cpu 1 1 1 1\n".repeat(400_000)).unwrap();
    let error = host.proc.cores().unwrap_err();
    assert!(matches!(error, HostError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_file_system_that_is_gone_leaves_the_others() {
    let (root, host) = machine();
    let mountinfo = "\
21 1 254:0 / / rw - ext4 /dev/vda rw
22 1 254:1 / /no/such/place rw - ext4 /dev/vdb rw
";
    fs::write(root.path().join("self/mountinfo"), mountinfo).unwrap();
    let (disks, trouble) = host.proc.disks();
    assert_eq!(disks.len(), 1);
    let error = trouble.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot ask for the size of /no/such/place"
    );
}

#[test]
fn without_proc_there_is_no_sample() {
    let root = tempfile::tempdir().unwrap();
    let mut host = Host::reading(root.path().join("nowhere"));
    let now = Clock::system().now();
    let answer = host.sample(UnixMillis(1), now);
    assert!(matches!(answer, Err(HostError::Nothing)), "{answer:?}");
}

#[test]
fn this_machine_is_sampled() {
    let mut host = Host::new();
    let start = Clock::system().now();
    host.sample(UnixMillis(1), start).unwrap();
    let sample = host
        .sample(UnixMillis(2), start + Duration::from_secs(1))
        .unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(sample.cpu_permille.len() >= cores, "{sample:?}");
    assert!(
        sample.cpu_permille.iter().all(|share| *share <= 1000),
        "{sample:?}"
    );
    assert!(sample.memory_used_mib > 0 && sample.memory_used_mib < sample.memory_total_mib);
    assert!(
        sample
            .disks
            .iter()
            .all(|disk| disk.used_mib <= disk.total_mib),
        "{sample:?}"
    );
}
