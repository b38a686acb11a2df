//! Other processes: started on a core of their own, measured by what the kernel says of them.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel's unit of processor time in /proc, 1/100 s on every Linux.
const TICK_US: u64 = 10_000;

/// A start takes less on a slow machine.
const START_MAX: Duration = Duration::from_secs(60);

/// A process that ends with its owner.
pub struct Process(Child, Option<Lines<BufReader<ChildStdout>>>);

impl Process {
    /// Starts `program` pinned to `core`, with many files allowed and its words in `log`.
    pub fn start(core: u32, program: &Path, arguments: &[String], log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        let mut command = pinned(core, program, arguments);
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let lines = child.stdout.take().map(|it| BufReader::new(it).lines());
        Self(child, lines)
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Reads what it prints until a line begins with `word`, and returns that line's rest.
    pub fn says(&mut self, word: &str) -> String {
        let lines = self.1.as_mut().unwrap();
        let line = lines.find_map(|line| line.unwrap().strip_prefix(word).map(str::to_owned));
        line.unwrap_or_else(|| panic!("a process ended before it said {word}"))
            .trim()
            .to_owned()
    }
}

impl Process {
    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `program` pinned to `core` to its end, and returns what it printed.
pub fn output(core: u32, program: &Path, arguments: &[String]) -> String {
    let mut command = pinned(core, program, arguments);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8(output.stdout).unwrap()
}

fn pinned(core: u32, program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new("sh");
    let script = "ulimit -n $(ulimit -H -n); exec taskset -c \"$0\" \"$@\"";
    command.args(["-c", script, &core.to_string()]);
    command.arg(program).args(arguments);
    command
}

/// Waits until somebody takes TCP connections on this port of loopback.
pub fn await_port(port: u16) {
    let deadline = Instant::now() + START_MAX;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A TCP and UDP port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The processor time that a process has used in all its threads, µs.
pub fn cpu_us(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in brackets may hold anything; fields 14 and 15 are the 12th and 13th after it.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.map(|it| it.parse::<u64>().unwrap() * TICK_US).sum()
}

/// The memory of a process that is in RAM, bytes.
pub fn rss_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib << 10
}
