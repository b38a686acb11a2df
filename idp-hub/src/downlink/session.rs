//! Drives one agent's session: performs what [`HubSession`] decides.

mod begin;
mod directory;
mod end;
mod log;
mod say;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use shared::link::hub::{Effect, HubSession, Input};
use shared::runtime::errors::chain;
use shared::transport::{ByteBudget, CloseCode, FrameWriter, LinkConnection, RawFrame, ReadError};
use shared::wire::DecodeError;
use shared::wire::frame::{Control, Cursor, Goodbye};

use self::begin::Registered;
use self::directory::Directing;
use self::end::End;
use self::log::never_began;
use self::turns::{ControlRead, FeedRead, FeedStream};
use super::Downlink;
use super::registry::Order;
use crate::authority::Limiter;
use crate::fleet;
use crate::ingest;
use crate::store::{FeedJob, Mailbox};

/// Frames of a feed taken in a row, before the control stream is looked at again.
const FRAMES_AT_ONCE: usize = 16;

/// An agent that takes no acknowledgement for so long is closed.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// The time for an agent to take the hub's last words.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Frames that an agent may send at once without having anything to report: heartbeats, renewals,
/// and what only a later release understands.
const IDLE_FRAMES_BURST: u32 = 512;

/// And then one in so long: 80 times what heartbeats take, and 20 µs of a second's work.
const IDLE_FRAMES_INTERVAL: Duration = Duration::from_millis(50);

/// Runs a session to its end, and tells the fleet.
pub(super) async fn run(downlink: &Downlink, connection: LinkConnection) {
    // A session's time is spent in its turns: what begins and ends it keeps no room meanwhile.
    match Box::pin(Driver::greet(downlink, &connection)).await {
        Ok(mut driver) => {
            let end = driver.run().await;
            Box::pin(driver.over(end)).await;
        }
        Err(error) => never_began(downlink, &connection, &error),
    }
}

struct Driver<'a> {
    downlink: &'a Downlink,
    connection: &'a LinkConnection,
    writer: FrameWriter,
    control: ControlRead,
    session: HubSession,
    mailbox: Arc<Mailbox>,
    registered: Option<Registered>,
    feeds: FuturesUnordered<FeedRead>,
    /// The directory's way to it, once it asked.
    directing: Option<Box<Directing>>,
    /// What its feeds' large frames may have of the hub's memory.
    budget: ByteBudget,
    /// The one job that waits for room at the store. While it waits, no feed is read.
    waiting: Option<FeedJob>,
    /// Feeds that stand still as the region may have no more, and when they may try again.
    full: Option<(Instant, Vec<Cursor>)>,
    /// Samples of it were passed over once: a restarted agent's first may come close to its last.
    thinned: bool,
    wake: Instant,
    /// When the certificate runs out, unless it is renewed.
    expiry: Instant,
    end: Option<End>,
    bytes: Vec<u8>,
    /// How much it says without saying anything.
    idle: Limiter<()>,
    /// Whoever refused it has told the log.
    noted: bool,
}

impl<'a> Driver<'a> {
    async fn greet(
        downlink: &'a Downlink,
        connection: &'a LinkConnection,
    ) -> Result<Box<Self>, String> {
        let now = downlink.clock.now();
        let (session, effects) = HubSession::new(downlink.authority.hub_facts(), now);
        let (writer, reader) = connection
            .control()
            .await
            .map_err(|error| error.to_string())?;
        let mut driver = Box::new(Self {
            downlink,
            connection,
            writer,
            control: turns::control(reader),
            session,
            mailbox: Arc::default(),
            registered: None,
            feeds: FuturesUnordered::new(),
            directing: None,
            budget: downlink.budget.share(),
            waiting: None,
            full: None,
            thinned: false,
            wake: now,
            expiry: downlink.expiry(connection.identity().not_after()),
            end: None,
            bytes: Vec::new(),
            idle: Limiter::new(IDLE_FRAMES_BURST, IDLE_FRAMES_INTERVAL, 1),
            noted: false,
        });
        driver.perform(effects).await;
        Ok(driver)
    }

    fn decide<'i>(&mut self, input: Input<'i>) -> Vec<Effect<'i>> {
        self.session.handle(self.downlink.clock.now(), input)
    }

    /// Performs what was decided. Most of what comes leads to nothing, so that what it takes to
    /// perform anything keeps no room in a session.
    async fn perform(&mut self, effects: Vec<Effect<'_>>) {
        if !effects.is_empty() {
            Box::pin(self.perform_all(effects)).await;
        }
    }

    async fn perform_all(&mut self, effects: Vec<Effect<'_>>) {
        let mut more = effects;
        while !more.is_empty() {
            let mut next = Vec::new();
            for effect in more {
                match effect {
                    Effect::Register(hello) => next.extend(self.register(&hello).await),
                    // What is said at once goes out as one.
                    Effect::Send(frame) => self.encode(&frame),
                    Effect::Issue(csr) => self.renew(&csr).await,
                    Effect::Describe(cloud) => self.describe(&cloud).await,
                    Effect::Keeping(fault) => self.keeping(fault).await,
                    Effect::Seals(key) => next.extend(self.seals(key).await),
                    Effect::WakeAt(at) => self.wake = at,
                    Effect::Serve => {}
                    Effect::Direct(cursor) => self.direct(cursor),
                    Effect::Directed(ack) => {
                        if let Some(directing) = &mut self.directing {
                            directing.acked(ack);
                        }
                    }
                    Effect::Close(why) => self.end = Some(End::Closed(why)),
                }
            }
            more = next;
        }
        if !self.bytes.is_empty() {
            self.flush().await;
        }
    }

    async fn heard(&mut self, frame: Result<Option<RawFrame>, ReadError>) {
        let frame = match frame {
            Ok(Some(frame)) => frame,
            Ok(None) => return self.end = Some(End::Mute("the agent ended its control stream")),
            Err(error) => return self.end = Some(error.into()),
        };
        let control = Control::decode(frame.kind, &frame.payload);
        if !self.is_awaited(&control) && self.prattles() {
            return;
        }
        if let Some(Registered { orders, .. }) = &self.registered {
            orders.heard(self.downlink.clock.unix_millis());
        }
        let effects = match control {
            // A frame of a later release says at least that the agent lives.
            Ok(None) => self.decide(Input::FeedHeard),
            Ok(Some(control)) => self.decide(Input::Frame(control)),
            Err(error) => return self.fault(&error),
        };
        self.perform(effects).await;
    }

    /// Of the directory as much is acknowledged as the hub sends: that is no idle talk.
    fn is_awaited(&self, control: &Result<Option<Control<'_>>, DecodeError>) -> bool {
        match (control, &self.directing) {
            (Ok(Some(Control::Ack(ack))), Some(directing)) => directing.awaits(*ack),
            _ => false,
        }
    }

    fn fault(&mut self, error: &(dyn std::error::Error + 'static)) {
        self.end = Some(End::Fault(CloseCode::Protocol, chain(error).to_string()));
    }

    /// Takes a feed's frame, and those that have come behind it: each turn through everything that
    /// a session waits for costs more than a small batch.
    async fn feed(
        &mut self,
        mut stream: Box<FeedStream>,
        frame: Result<Option<RawFrame>, ReadError>,
    ) {
        let (mut frame, mut left) = (frame, FRAMES_AT_ONCE);
        loop {
            match frame {
                Ok(Some(frame)) => self.take(&mut stream, frame).await,
                // An agent that ends a feed will open it again.
                Ok(None) => return,
                Err(error) => return self.end = Some(error.into()),
            }
            left -= 1;
            if self.end.is_some() {
                return;
            }
            if self.waiting.is_some() || left == 0 {
                break;
            }
            match stream.reader.next().now_or_never() {
                Some(next) => frame = next,
                None => break,
            }
        }
        self.read_on(stream);
    }

    async fn take(&mut self, stream: &mut FeedStream, frame: RawFrame) {
        let checked = ingest::read(&mut stream.feed, frame.kind, &frame.payload);
        let effects = self.decide(Input::FeedHeard);
        self.perform(effects).await;
        match (checked, &self.registered) {
            (Ok(Some((feed, payload))), Some(Registered { no, place, .. })) => {
                let mailbox = Arc::clone(&self.mailbox);
                let (region, session) = (*no, place.number);
                let budget = frame.permit;
                let job = FeedJob {
                    region,
                    session,
                    feed,
                    payload,
                    mailbox,
                    budget,
                };
                match self.downlink.store.try_room() {
                    Some(room) => room.feed(job),
                    None => self.waiting = Some(job),
                }
            }
            (Ok(_), _) => drop(self.prattles()),
            (Err(error), _) => self.fault(&error),
        }
    }

    /// Counts a frame that reports nothing. Batches need no such count: the store holds them off.
    fn prattles(&mut self) -> bool {
        let over = self.idle.admit(self.downlink.clock.now(), ()).is_err();
        if over {
            let reason = "more frames that say nothing than any agent has to send";
            self.end = Some(End::Fault(CloseCode::Protocol, reason.to_owned()));
        }
        over
    }

    /// The agent says from where on it wants to be told the directory.
    fn direct(&mut self, cursor: Cursor) {
        match (&mut self.directing, &self.registered) {
            (Some(directing), _) => directing.position(cursor),
            (None, Some(Registered { no, orders, .. })) => {
                let Downlink { store, .. } = self.downlink;
                let directing = Directing::new((*no, orders), store, self.connection, cursor);
                self.directing = Some(Box::new(directing));
            }
            (None, None) => {}
        }
    }

    async fn order(&mut self, order: Order) {
        let effects = self.decide(match order {
            Order::Accepted => Input::Accepted,
            Order::Renamed(name) => Input::Renamed(name.into()),
            Order::End(refusal, reason) => Input::End(refusal, reason),
        });
        self.perform(effects).await;
    }

    /// Closes, and says why to whom it concerns.
    async fn over(mut self: Box<Self>, end: End) {
        if matches!(end, End::Stopping) {
            self.send(&Control::Goodbye(Goodbye::Stopping)).await;
        }
        let (code, reason) = end.told();
        self.note(&end);
        // What was said last is worth waiting for; a peer that does not take it is not.
        let Self {
            downlink,
            connection,
            writer,
            registered,
            ..
        } = *self;
        let _ = tokio::time::timeout(FAREWELL_MAX, writer.finish()).await;
        connection.close(code, &reason);
        let Some(Registered {
            no, place, orders, ..
        }) = registered
        else {
            return end::before_it_began(downlink, connection.identity(), end).await;
        };
        let newest = downlink.registry.is_newest(&place);
        let session = place.number;
        let last = (end.goodbye(), orders.held());
        let Some(why) = end.for_fleet().filter(|_| newest) else {
            return;
        };
        let at = downlink.clock.unix_millis();
        let ended = downlink
            .store
            .change(move |it| it.session_ended(no, session, at, last));
        // A hub that stops waits for those that have their place: what is shown is stored. But a
        // disk that hangs does not keep a loss from being seen: it is stored when it goes on.
        if let Ok(Err(error)) = tokio::time::timeout(FAREWELL_MAX, ended).await {
            let error = chain(&error).to_string();
            tracing::error!(error, "cannot store how a region's session ended");
        }
        drop(place);
        tell_fleet(downlink, fleet::Input::SessionEnded { no, session, why }).await;
    }
}

async fn tell_fleet(downlink: &Downlink, input: fleet::Input) {
    // The fleet's driver ends only when the daemon does.
    let _ = downlink.fleet.send(input).await;
}
