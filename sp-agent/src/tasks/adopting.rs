//! Keeps the door open for as long as the agent is unjoined and its configuration wants one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;
use tokio::sync::{Notify, watch};

use crate::adoption::{Closed, Door, DoorError, Parts};
use crate::config::Config;
use crate::status::allegiance::Allegiance;
use crate::status::{DoorView, Member};

/// A door that can't be opened is tried again after this: a port is freed, a lock given back.
const AGAIN: Duration = Duration::from_secs(10);

/// The task that waits to be adopted.
#[derive(Clone)]
pub(super) struct Adopting {
    parts: Parts,
    member: watch::Receiver<Member>,
    poke: Arc<Notify>,
    shown: watch::Sender<Option<DoorView>>,
}

impl Adopting {
    /// The task, and where it shows its door. `poke` is woken when there is a membership.
    pub(super) fn new(
        parts: Parts,
        member: watch::Receiver<Member>,
        poke: Arc<Notify>,
    ) -> (Self, watch::Receiver<Option<DoorView>>) {
        let (shown, door) = watch::channel(None);
        let adopting = Self {
            parts,
            member,
            poke,
            shown,
        };
        (adopting, door)
    }

    pub(super) async fn run(self, shutdown: Shutdown) -> Result<(), Infallible> {
        let mut failed = None;
        while let Some(listen) = shutdown.until_draining(self.wanted()).await {
            match Door::open(listen, self.parts.clone()).await {
                Ok(door) => {
                    failed = None;
                    self.serve(door, listen, &shutdown).await;
                }
                // The membership has just not been told of yet.
                Err(error) if error.is_joined() => self.pause(listen, &shutdown).await,
                Err(error) => {
                    self.complain(listen, &error, &mut failed);
                    self.pause(listen, &shutdown).await;
                }
            }
            self.shown.send_replace(None);
        }
        Ok(())
    }

    /// Waits until there should be a door, and says where.
    async fn wanted(&self) -> SocketAddr {
        let (mut configs, mut member) = (self.parts.configs.clone(), self.member.clone());
        loop {
            let listen = configs.borrow_and_update().adoption;
            let is_unjoined = is_unjoined(&member.borrow_and_update());
            if let Some(listen) = listen.filter(|_| is_unjoined) {
                return listen;
            }
            tokio::select! {
                changed = configs.changed() => ever(changed).await,
                changed = member.changed() => ever(changed).await,
            }
        }
    }

    /// Waits until there should be no door there any more.
    async fn unwanted(&self, listen: SocketAddr) {
        let (mut configs, mut member) = (self.parts.configs.clone(), self.member.clone());
        let stays = |config: &Arc<Config>| config.adoption == Some(listen);
        // What was seen is let go at once: it is locked while it is looked at.
        let moved = async { configs.wait_for(|it| !stays(it)).await.map(drop) };
        let joined = async { member.wait_for(|it| !is_unjoined(it)).await.map(drop) };
        tokio::select! {
            moved = moved => ever(moved).await,
            joined = joined => ever(joined).await,
        }
    }

    async fn serve(&self, door: Door, listen: SocketAddr, shutdown: &Shutdown) {
        let (address, key) = (door.address(), door.key());
        tracing::info!(
            target: "audit", action = "adopt", %address, %key, "the door is open for an adoption"
        );
        self.shown.send_replace(Some(DoorView {
            address,
            key: Some(key),
            reason: None,
        }));
        let closing = shutdown.until_draining(self.unwanted(listen));
        let closing = async {
            let _ = closing.await;
        };
        let closed = door.serve(closing, shutdown.draining()).await;
        tracing::info!(target: "audit", action = "adopt", %address, ?closed, "the door is closed");
        match closed {
            Closed::Adopted => {
                self.poke.notify_one();
                self.pause(listen, shutdown).await;
            }
            Closed::Told => {}
            Closed::Lost => self.pause(listen, shutdown).await,
        }
    }

    /// A while, or until there should be no door anyway.
    async fn pause(&self, listen: SocketAddr, shutdown: &Shutdown) {
        tokio::select! {
            () = shutdown.draining() => {}
            () = self.unwanted(listen) => {}
            () = self.parts.clock.sleep(AGAIN) => {}
        }
    }

    /// Says why there is no door; to the log once.
    fn complain(&self, address: SocketAddr, error: &DoorError, failed: &mut Option<String>) {
        let reason = chain(error).to_string();
        if failed.as_ref() != Some(&reason) {
            tracing::error!(%address, error = reason, "nobody can adopt this agent; trying again");
        }
        self.shown.send_replace(Some(DoorView {
            address,
            key: None,
            reason: Some(reason.clone()),
        }));
        *failed = Some(reason);
    }
}

const fn is_unjoined(member: &Member) -> bool {
    matches!(member.standing.allegiance, Allegiance::Unjoined)
}

/// Waits without end where nobody is left to tell of changes.
async fn ever<E>(changed: Result<(), E>) {
    if changed.is_err() {
        std::future::pending::<()>().await;
    }
}
