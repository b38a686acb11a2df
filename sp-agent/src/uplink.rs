//! The agent's end of the link: performs what [`AgentSession`] and the outboxes decide.
//!
//! ```text
//! spool ──extents──▶ outboxes ──batches──▶ feed streams ──▶ hub
//!                        ▲                                    │
//!                        └── acknowledged, go on from here ◀──┘ control stream ──▶ session
//! ```
//!
//! One task. Each feed has at most one batch being read or written, so that a slow hub slows the
//! feeds and never a heartbeat.

mod calls;
mod connection;
mod directory;
mod failure;
mod feeds;
mod log;
mod renewal;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use shared::link::agent::{AgentSession, Effect, Input, Phase};
use shared::model::{CloudDescription, Feed, UnixMillis};
use shared::pki::{self, PublicSealingKey, TlsClock};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use shared::transport::{Dialer, LinkConnection};
use shared::wire::frame::{Control, DIRECTORY_VERSION, Goodbye, Sealing};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::membership::{Credentials, Membership, MembershipError};
use crate::replica::store::Store;
use crate::spool::{Condition, Spool};
pub use calls::{Answering, Unanswered};
use connection::{Live, News};
use failure::Failure;
use renewal::Renewal;

/// The time for the hub to take the agent's last words.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// What an uplink works with.
pub struct Options {
    /// Whom the agent follows.
    pub membership: Membership,
    /// Who it is.
    pub credentials: Arc<Credentials>,
    /// What it reports.
    pub spool: Spool,
    /// What the hub tells it.
    pub replica: Store,
    /// To which key the hub seals secrets.
    pub sealing: PublicSealingKey,
    /// What answers the hub's calls.
    pub answering: Arc<dyn Answering>,
    /// The time.
    pub clock: Clock,
    /// How it dials.
    pub dial: shared::transport::DialOptions,
    /// What its cloud is, as last read.
    pub description: watch::Receiver<CloudDescription>,
    /// Where membership and certificate are kept.
    pub data_dir: PathBuf,
}

/// The link as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What the region is called at the hub, as far as it is known.
    pub name: String,
    /// Where the session is.
    pub phase: Phase,
    /// Since when.
    pub since: UnixMillis,
    /// The hub's address that is used or was tried last.
    pub address: Option<String>,
    /// When the hub last made something durable.
    pub last_acked: Option<UnixMillis>,
    /// Feeds of which the hub does not hold everything, and how many changes it lacks.
    pub behind: Vec<(Feed, u64)>,
}

/// Why an uplink could not begin.
#[derive(Debug, thiserror::Error)]
pub enum UplinkError {
    /// The TLS configuration is refused.
    #[error("cannot set up TLS towards the hub; `sp-agent leave` and join again if it stays")]
    Tls(#[source] shared::pki::TlsError),
    /// No socket.
    #[error("cannot open a UDP socket towards the hub")]
    Socket(#[source] shared::transport::TransportError),
}

/// The agent's end of the link.
pub struct Uplink {
    options: Options,
    status: watch::Sender<Status>,
}

impl Uplink {
    /// An uplink, and where its state is shown.
    pub fn new(options: Options) -> (Self, watch::Receiver<Status>) {
        let (status, shown) = watch::channel(Status {
            name: options.membership.name.clone(),
            phase: Phase::Dialing,
            since: options.clock.unix_millis(),
            address: None,
            last_acked: None,
            behind: Vec::new(),
        });
        (Self { options, status }, shown)
    }

    /// Follows the hub until the daemon stops, or `leave` says that the region leaves.
    ///
    /// # Errors
    /// If it can't begin. Whatever happens later is waited out.
    pub async fn run(
        self,
        shutdown: Shutdown,
        leave: CancellationToken,
    ) -> Result<(), UplinkError> {
        let mut driver = Driver::new(self)?;
        let goodbye = loop {
            tokio::select! {
                () = shutdown.draining() => break Goodbye::Stopping,
                () = leave.cancelled() => break Goodbye::Leaving,
                () = driver.step() => {}
            }
        };
        driver.stop(goodbye).await;
        Ok(())
    }
}

/// A connection being made.
type Dialing = BoxFuture<'static, Result<LinkConnection, Failure>>;

struct Driver {
    options: Options,
    status: watch::Sender<Status>,
    dialer: Arc<Dialer>,
    session: AgentSession,
    dialing: Option<Dialing>,
    live: Option<Live>,
    renewal: Renewal,
    condition: watch::Receiver<Condition>,
    /// Why nothing new can be kept, as the hub was told in this session.
    told: Option<String>,
    wake: Instant,
}

impl Driver {
    fn new(uplink: Uplink) -> Result<Self, UplinkError> {
        let Uplink { options, status } = uplink;
        let Credentials { anchors, slot, .. } = &*options.credentials;
        let tls = pki::link_client(anchors, slot, &TlsClock::system()).map_err(UplinkError::Tls)?;
        let dialer = Dialer::new(tls, options.dial.clone()).map_err(UplinkError::Socket)?;
        let dialer = Arc::new(dialer);
        let Membership {
            federation,
            epoch,
            ref addresses,
            ..
        } = options.membership;
        let now = options.clock.now();
        let (session, effects) = AgentSession::new(federation, epoch, addresses.len(), now);
        let renewal = Renewal::new(&options, rand::random());
        let condition = options.spool.condition();
        let mut driver = Self {
            options,
            status,
            dialer,
            session,
            dialing: None,
            live: None,
            renewal,
            condition,
            told: None,
            wake: now,
        };
        // The first effects only ask to be woken, so there is nothing to wait for.
        driver.note_wakes(&effects);
        Ok(driver)
    }

    fn note_wakes(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::WakeAt(at) = effect {
                self.wake = *at;
            }
        }
    }

    /// Waits for whatever comes first, and deals with it.
    async fn step(&mut self) {
        let clock = self.options.clock.clone();
        let event = tokio::select! {
            dialed = dialed(&mut self.dialing) => Event::Dialed(dialed),
            news = live_news(&mut self.live) => Event::Live(news),
            () = clock.sleep_until(self.wake) => Event::Tick,
            () = self.renewal.due(&clock) => Event::RenewalDue,
            cloud = watched::changed(&mut self.options.description),
                if self.session.is_greeted() => Event::Described(cloud),
            fault = watched::other_fault(&mut self.condition, self.told.as_deref()),
                if self.session.is_greeted() => Event::Keeping(fault),
        };
        match event {
            Event::Dialed(Ok(connection)) => self.connected(connection).await,
            Event::Dialed(Err(failure)) => self.failed(failure).await,
            Event::Live(news) => self.news(news).await,
            Event::Tick => self.decide(Input::Tick).await,
            Event::RenewalDue => self.renew().await,
            Event::Described(cloud) => self.decide(Input::Described(cloud.into())).await,
            Event::Keeping(fault) => {
                self.told.clone_from(&fault);
                self.decide(Input::Keeping(fault)).await;
            }
        }
    }

    async fn connected(&mut self, connection: LinkConnection) {
        match Live::open(connection, &self.options).await {
            Ok(live) => {
                self.live = Some(live);
                self.renewal.connected(&self.options);
                self.decide(Input::Connected).await;
            }
            Err(failure) => self.failed(failure).await,
        }
    }

    async fn failed(&mut self, failure: Failure) {
        self.renewal.failed(&failure);
        self.decide(failure.into()).await;
    }

    async fn news(&mut self, news: News) {
        match news {
            News::Frame(frame) => match frame.decode() {
                Ok(Some(control)) => self.decide(Input::Frame(control)).await,
                // A frame of a later release: this one has no use for it.
                Ok(None) => {}
                Err(error) => self.decide(Input::Faulted(error.to_string())).await,
            },
            News::Said => self.decide(Input::SaidSomething).await,
            News::Asks(cursor) => self.decide(Input::Asks(cursor)).await,
            News::Took(ack) => self.decide(Input::Took(ack)).await,
            News::Grown => {}
            News::Ended(failure) => self.failed(failure).await,
        }
        self.show_feeds(None);
    }

    async fn decide(&mut self, input: Input<'_>) {
        let now = self.options.clock.now();
        let effects = self.session.handle(now, rand::random(), input);
        for effect in effects {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Dial { address } => self.dial(address),
            Effect::Greet => {
                // A hub that was not told otherwise takes it that all is kept.
                self.told = None;
                let hello = connection::hello(&mut self.options);
                self.send(hello).await;
            }
            Effect::Send(frame) => self.send(frame).await,
            Effect::Serve { version, cursors } => {
                if let Some(live) = &mut self.live {
                    live.feeds.serve(version, &cursors);
                    if version >= DIRECTORY_VERSION {
                        live.directory.begin();
                    }
                }
                if version >= DIRECTORY_VERSION {
                    let key = self.options.sealing.to_bytes();
                    self.send(Control::Sealing(Sealing { key })).await;
                }
            }
            Effect::Position(cursor) => {
                if let Some(live) = &mut self.live {
                    live.feeds.position(&cursor);
                }
            }
            Effect::Acked(ack) => {
                if let Some(live) = &mut self.live {
                    live.feeds.acked(ack);
                }
                self.show_feeds(Some(self.options.clock.unix_millis()));
            }
            Effect::Keep { certificate } => self.renewal.keep(&self.options, &certificate),
            Effect::Named(name) => self.named(name),
            Effect::Report => self.report(),
            Effect::Close => {
                self.dialing = None;
                if let Some(live) = self.live.take() {
                    live.close().await;
                }
            }
            Effect::WakeAt(at) => self.wake = at,
        }
    }

    fn dial(&mut self, address: usize) {
        let addresses = &self.options.membership.addresses;
        let Some(address) = addresses.get(address).or(addresses.first()).cloned() else {
            self.dialing = Some(Box::pin(async {
                Err(Failure::Lost("no hub address is configured".to_owned()))
            }));
            return;
        };
        self.status
            .send_modify(|status| status.address = Some(address.clone()));
        let dialer = Arc::clone(&self.dialer);
        let recovery = self.renewal.recovery(&self.options, &address);
        self.dialing = Some(Box::pin(async move {
            // This certificate the hub would refuse: first a new one, by the bound key.
            if let Some(recovery) = recovery {
                recovery.await?;
            }
            Ok(dialer.dial_host(&address).await?)
        }));
    }

    async fn renew(&mut self) {
        match self.renewal.request(&self.options) {
            Some(request) if self.live.is_some() => self.send(request).await,
            _ => {}
        }
    }

    async fn send(&mut self, frame: Control<'static>) {
        let Some(live) = &mut self.live else { return };
        match live.send(&frame).await {
            Ok(()) => {}
            // The connection's end is reported by the next step.
            Err(reason) => tracing::debug!(reason, "a control frame was not sent"),
        }
    }

    fn report(&mut self) {
        let phase = self.session.phase();
        let since = self.options.clock.unix_millis();
        log::phase(&phase);
        if let Phase::Following { epoch, .. } = phase
            && epoch != self.options.membership.epoch
        {
            self.keep("epoch", |it| it.epoch = epoch);
        }
        self.status.send_modify(|status| {
            status.phase = phase;
            status.since = since;
        });
    }

    fn named(&mut self, name: String) {
        if name.is_empty() || name == self.options.membership.name {
            return;
        }
        tracing::info!(name, "the region has another name at the hub");
        self.keep("name", |it| it.name.clone_from(&name));
        self.status.send_modify(|status| status.name = name);
    }

    /// Changes the membership, here and on the disk. There the addresses are those of the join,
    /// which the configured ones don't replace; and it may be another membership by now.
    fn keep(&mut self, what: &str, change: impl Fn(&mut Membership)) {
        let (own, data_dir) = (&mut self.options.membership, &self.options.data_dir);
        change(own);
        let kept = Membership::load(data_dir).and_then(|it| match it {
            Some(mut it) if it.region == own.region => {
                change(&mut it);
                it.save(data_dir)
            }
            _ => Err(MembershipError::NotJoined),
        });
        if let Err(error) = kept {
            tracing::error!(error = %chain(&error), "cannot store the {what} that the hub told");
        }
    }

    fn show_feeds(&self, acked: Option<UnixMillis>) {
        let behind = self
            .live
            .as_ref()
            .map(|live| live.feeds.behind())
            .unwrap_or_default();
        self.status.send_if_modified(|status| {
            let changed = status.behind != behind || acked.is_some();
            status.last_acked = acked.or(status.last_acked);
            status.behind = behind;
            changed
        });
    }

    async fn stop(mut self, goodbye: Goodbye) {
        self.decide(Input::Stop(goodbye)).await;
        // The hub is told, or finds out by itself.
        self.dialer.drained(FAREWELL_MAX).await;
    }
}

enum Event {
    Dialed(Result<LinkConnection, Failure>),
    Live(News),
    Tick,
    RenewalDue,
    Described(CloudDescription),
    Keeping(Option<String>),
}

/// The end of the connection's making; never, if none is being made.
async fn dialed(dialing: &mut Option<Dialing>) -> Result<LinkConnection, Failure> {
    match dialing {
        Some(future) => {
            let outcome = future.await;
            *dialing = None;
            outcome
        }
        None => std::future::pending().await,
    }
}

async fn live_news(live: &mut Option<Live>) -> News {
    match live {
        Some(live) => live.news().await,
        None => std::future::pending().await,
    }
}
