//! A hub, an honest region that reports all the while, and members that turn on them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shared::model::{CloudId, Record, Server, ServerState, UnixMillis};
use shared::pki::{TlsClock, link_client};
use shared::transport::{DialOptions, Dialer, FrameReader, FrameWriter, LinkConnection, Loss};
use shared::wire::codec::CODEC;
use shared::wire::frame::{Cloud, Control, Hello, PROTOCOL, Refusal};
use shared::wire::{List, Text};
use sp_agent::cloud::{Page, Part};
use sp_agent::membership::{Credentials, Membership};
use tempfile::TempDir;
use tests::inproc::{TestAgent, TestHub, description, private_dir};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use super::log;

/// The longest that the honest region may wait for an acknowledgement, on a machine that is busy
/// with an attack and other tests.
const ACKNOWLEDGED_MAX: Duration = Duration::from_secs(10);

/// By so much this process may grow, MiB: hub, attackers and an honest agent together.
const GROWTH_MIB_MAX: usize = 300;

/// What every test begins with.
pub(crate) struct Stage {
    pub(crate) hub: TestHub,
    honest: JoinHandle<u32>,
    ending: Arc<AtomicBool>,
    resident_mib: usize,
    data: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// One stage at a time: log and memory are the whole process's.
static ALONE: Mutex<()> = Mutex::const_new(());

pub(crate) fn server(number: u64) -> Record {
    Record::Server(Server {
        id: CloudId::new(&format!("server-{number}")),
        name: format!("web-{number}"),
        project: CloudId::new("p"),
        state: ServerState::Running,
        vcpus: 2,
        memory_mib: 2048,
        disk_gib: 10,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis::from_secs(number),
        fault: None,
    })
}

/// Reports a change, waits until the hub has it, and again.
async fn report(mut agent: TestAgent, ending: Arc<AtomicBool>) -> u32 {
    let mut rounds = 0;
    while !ending.load(Ordering::SeqCst) {
        let page = Page {
            records: vec![server(rounds.into())],
            ..Page::default()
        };
        let before = agent.status.borrow().last_acked;
        agent.spool.put_changes(Part::Servers, page).await.unwrap();
        let head = agent.spool.extent(shared::model::Feed::Inventory).head;
        let acknowledged =
            agent.until(|status| status.last_acked > before && status.behind.is_empty());
        let waited = tokio::time::timeout(ACKNOWLEDGED_MAX, acknowledged).await;
        assert!(
            waited.is_ok(),
            "change {head} of the honest region waits for its answer"
        );
        rounds += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    agent.stop().await;
    rounds
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let alone = ALONE.lock().await;
        log::begin();
        let data = private_dir();
        let hub = TestHub::found(&data.path().join("hub")).await;
        let mut agent = TestAgent::join(&hub, "honest").await;
        agent.drained().await;
        let ending = Arc::new(AtomicBool::new(false));
        let honest = tokio::spawn(report(agent, Arc::clone(&ending)));
        Self {
            hub,
            honest,
            ending,
            resident_mib: resident_mib(),
            data,
            _alone: alone,
        }
    }

    /// Where the hub keeps its own.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data.path().join("hub")
    }

    /// A region that was let in.
    pub(crate) async fn traitor(&self, name: &str) -> Traitor {
        let data_dir = TestAgent::joined(&self.hub, name).await;
        self.hub.hub.authority.accept(name).await.unwrap();
        Traitor::with(data_dir, self.hub.hub.address)
    }

    /// The honest region was served throughout, and the hub is no larger than it may be.
    pub(crate) async fn stands(self) {
        let grown = resident_mib().saturating_sub(self.resident_mib);
        assert!(grown < GROWTH_MIB_MAX, "grown by {grown} MiB");
        self.ending.store(true, Ordering::SeqCst);
        let rounds = self.honest.await.unwrap();
        assert!(rounds > 0, "the honest region was never served");
        self.hub.stop().await;
    }
}

/// This process's memory, MiB.
pub(crate) fn resident_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib / 1024
}

/// A member that does what no agent does.
pub(crate) struct Traitor {
    pub(crate) membership: Membership,
    pub(crate) credentials: Credentials,
    pub(crate) dialer: Dialer,
    pub(crate) hub: std::net::SocketAddr,
    _data_dir: TempDir,
}

impl Traitor {
    fn with(data_dir: TempDir, hub: std::net::SocketAddr) -> Self {
        let membership = Membership::load(data_dir.path()).unwrap().unwrap();
        let credentials = Credentials::load(data_dir.path()).unwrap();
        let system = TlsClock::system();
        let tls = link_client(&credentials.anchors, &credentials.slot, &system).unwrap();
        Self {
            membership,
            credentials,
            dialer: Dialer::new(tls, DialOptions::default()).unwrap(),
            hub,
            _data_dir: data_dir,
        }
    }

    /// How the log names it.
    pub(crate) fn id(&self) -> String {
        self.membership.region.to_string()
    }

    pub(crate) async fn connect(&self) -> Line {
        let link = self.dialer.dial(self.hub).await.unwrap();
        let (writer, reader) = link.control().await.unwrap();
        Line {
            link,
            writer,
            reader,
        }
    }

    /// A session that serves.
    pub(crate) async fn greeted(&self) -> Line {
        let mut line = self.connect().await;
        line.say(&self.hello()).await;
        let welcome = line.heard().await;
        assert!(matches!(welcome, Some(Control::Welcome(_))), "{welcome:?}");
        let named = line.heard().await;
        assert!(matches!(named, Some(Control::Named(_))), "{named:?}");
        line
    }

    pub(crate) fn hello(&self) -> Control<'static> {
        let description = description();
        let cloud = Cloud::from(&description);
        Control::Hello(Hello {
            versions: PROTOCOL,
            codec: CODEC,
            software: Text::cut("traitor"),
            host: Text::cut("host"),
            cloud: Cloud {
                kind: cloud.kind,
                version: Text::cut("1"),
                endpoint: Text::cut("http://cloud.test"),
            },
            federation: self.membership.federation,
            epoch: self.membership.epoch,
            offers: List::default(),
        })
    }
}

/// A traitor's connection.
pub(crate) struct Line {
    pub(crate) link: LinkConnection,
    pub(crate) writer: FrameWriter,
    pub(crate) reader: FrameReader,
}

impl Line {
    pub(crate) async fn say(&mut self, frame: &Control<'_>) {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes).unwrap();
        self.writer.write(bytes).await.unwrap();
    }

    /// The hub's next frame; `None` where the connection ended.
    pub(crate) async fn heard(&mut self) -> Option<Control<'static>> {
        let frame = self.reader.next().await.ok()??;
        let payload = frame.payload.to_vec().leak();
        Some(Control::decode(frame.kind, payload).unwrap().unwrap())
    }

    /// Waits for the hub's refusal, whatever it says before.
    pub(crate) async fn is_refused(&mut self, why: Refusal) {
        while let Some(frame) = self.heard().await {
            if let Control::Refuse(refuse) = frame {
                assert_eq!(Refusal::from_code(refuse.code), why);
                return;
            }
        }
        panic!(
            "closed without a word, instead of {why:?}: {:?}",
            self.link.loss()
        );
    }

    /// A feed's stream.
    pub(crate) async fn feed(&self) -> FrameWriter {
        self.link.open_feed().await.unwrap()
    }

    /// How the hub ended it, and after how long.
    pub(crate) async fn ended(&self) -> (Loss, Duration) {
        ended(&self.link).await
    }
}

/// How the hub ended a connection, and after how long.
pub(crate) async fn ended(link: &LinkConnection) -> (Loss, Duration) {
    let since = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(60), link.closed()).await;
    (ended.expect("the hub suffers it"), since.elapsed())
}
