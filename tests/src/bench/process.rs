//! Other processes: started on a core of their own, measured by what the kernel says of them, and
//! waited for no longer than is reasonable.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The kernel's unit of processor time in /proc, 1/100 s on every Linux.
const TICK_US: u64 = 10_000;

/// A start takes less on a slow machine.
pub const START_MAX: Duration = Duration::from_secs(60);

/// Ports that are tried: with half of all in use, one in 2^64 searches fails.
const PORTS_TRIED: usize = 64;

/// Lines of a log that a failure shows.
const LOG_LINES: usize = 20;

/// A process that ends with its owner.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    log: Option<PathBuf>,
}

impl Process {
    /// Starts `program` pinned to `core`, with many files allowed and its words in `log`.
    pub fn start(core: u32, program: &Path, arguments: &[String], log: &Path) -> Self {
        let words = std::fs::File::create(log).unwrap();
        let mut process = Self::spawn(pinned(core, program, arguments).stderr(words));
        process.log = Some(log.to_owned());
        process
    }

    fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            // Whoever reads no more has ended.
            let mut rest = output.lines().map_while(Result::ok);
            rest.try_for_each(|line| send.send(line))
        });
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
            log: None,
        }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it prints until a line begins with `word`, and returns that line's rest.
    ///
    /// # Panics
    /// If it ends, or `within` passes, before it says so.
    pub fn says(&mut self, word: &str, within: Duration) -> String {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let why = match self.lines.recv_timeout(left) {
                Ok(line) => match line.strip_prefix(word) {
                    Some(rest) => return rest.trim().to_owned(),
                    None => continue,
                },
                Err(RecvTimeoutError::Timeout) => format!("was silent for {within:?}"),
                Err(RecvTimeoutError::Disconnected) => "ended".to_owned(),
            };
            panic!("a process {why} before it said {word}:\n{}", self.log());
        }
    }

    /// Writes a line for it to read.
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// The last lines of its log.
    pub fn log(&self) -> String {
        let log = self.log.as_ref().map(std::fs::read_to_string);
        let log = log.and_then(Result::ok).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `program` pinned to `core` to its end, and returns what it printed; why not, if it fails
/// or takes longer than `within`.
pub fn output(
    core: u32,
    program: &Path,
    arguments: &[String],
    within: Duration,
) -> Result<String, String> {
    let mut process = Process::spawn(&mut pinned(core, program, arguments));
    let (deadline, mut text) = (Instant::now() + within, String::new());
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match process.lines.recv_timeout(left) {
            Ok(line) => text = text + &line + "\n",
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("{arguments:?} took longer than {within:?}"));
            }
        }
    }
    let status = process.child.wait().unwrap();
    if status.success() {
        Ok(text)
    } else {
        Err(format!("{arguments:?} failed: {status}"))
    }
}

fn pinned(core: u32, program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new("sh");
    let script = "ulimit -n $(ulimit -H -n); exec taskset -c \"$0\" \"$@\"";
    command.args(["-c", script, &core.to_string()]);
    command.arg(program).args(arguments);
    // A backtrace would leave no room for what a log's last lines should tell.
    command.env("RUST_BACKTRACE", "0");
    command
}

/// Waits until somebody takes TCP connections on this port of loopback.
pub fn await_port(port: u16) {
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port that was free a moment ago, for TCP and for UDP: thousands of agents hold UDP ports of
/// the same range.
pub fn free_port() -> u16 {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let free = (0..PORTS_TRIED).find_map(|_| {
        let listener = TcpListener::bind(any).unwrap();
        let address = listener.local_addr().unwrap();
        UdpSocket::bind(address).ok().map(|_| address.port())
    });
    free.expect("no port is free for both TCP and UDP")
}

/// The processor time that a process has used in all its threads, µs.
pub fn cpu_us(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in brackets may hold anything; fields 14 and 15 are the 12th and 13th after it.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks = rest.split_whitespace().skip(11).take(2);
    ticks.map(|it| it.parse::<u64>().unwrap() * TICK_US).sum()
}

/// The processor time of a process' threads, ns: of those of this name, and of all others. It is
/// what the scheduler counts (`schedstat`), a thousand times finer than [`cpu_us`], without threads
/// that have ended.
pub fn cpu_ns_by_thread(pid: u32, name: &str) -> (u64, u64) {
    let (mut of_name, mut others) = (0, 0);
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let read = |file: &str| std::fs::read_to_string(task.as_ref().unwrap().path().join(file));
        // One that has ended meanwhile is gone.
        let (Ok(comm), Ok(times)) = (read("comm"), read("schedstat")) else {
            continue;
        };
        let ns: u64 = times.split_whitespace().next().unwrap().parse().unwrap();
        if comm.trim() == name {
            of_name += ns;
        } else {
            others += ns;
        }
    }
    (of_name, others)
}

/// The memory of a process that is in RAM, bytes.
pub fn rss_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// The most of a process' memory that was in RAM at once, since it began or [`forget_peak`].
pub fn peak_rss_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

/// Has the kernel count this process' peak from now on (proc(5), `clear_refs`).
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn status_bytes(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib << 10
}
