//! What changes, as server-sent events: first everything as it is, then what changed, forever.
//!
//! ```text
//! reset      {}                           what was told before is void; sent at the beginning
//! overview   OverviewDocument             each time any of it changed, at most once a second
//! regions    {"changed": [..], "removed": [..]}
//! alive      {}                           nothing was told for a few seconds; the hub is there
//! signed-out {}                           the session is over, and so are the events
//! ```
//!
//! Each follower is a task with a place in a bounded group and a queue of a few events. Whoever
//! does not take them in time is dropped, and catches up when he comes back: by `Last-Event-ID` if
//! this hub still runs and remembers, from the beginning otherwise. That the hub is there is an
//! event too, and no comment, which browsers would not pass on: a hub that stands still, or whose
//! machine is gone, closes nothing.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use utoipa::ToSchema;

use super::documents::{OverviewDocument, RegionDocument};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::who::Who;

/// Changes are gathered for so long: one screen a second is as fast as eyes are.
const PAUSE: Duration = Duration::from_secs(1);

/// Regions in one event: some 500 kB. The rest comes a moment later.
const REGIONS_MAX: usize = 500;

/// Events that wait for a slow follower.
const QUEUE_MAX: usize = 2;

/// Who takes no event for so long is gone, or has no use for them.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is told that the hub is there. The page takes it for lost after 20 s, so that three
/// of these may be late.
const ALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// How often a session is looked at: signing out ends its events within this time.
const SESSION_CHECK: Duration = Duration::from_secs(15);

/// Regions that changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RegionsEvent {
    /// As they are now.
    pub changed: Vec<RegionDocument>,
    /// Ids of those that were removed.
    pub removed: Vec<String>,
}

/// Follow what changes. Events: `reset`, `overview`, `regions`, `alive`, `signed-out`.
#[utoipa::path(get, path = "/events", tag = "regions",
    params(("last-event-id" = Option<String>, Header,
        description = "The id of the last event that came; browsers send it by themselves")),
    responses(
    (status = 200, description = "Events without end, one each 5 s at least; `overview` carries \
        an OverviewDocument, `regions` a RegionsEvent",
        content_type = "text/event-stream", body = RegionsEvent),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 503, description = "Too many follow already", body = ProblemDocument),
))]
pub(super) async fn events(
    State(state): State<ApiState>,
    who: Who,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let place = state.followers.reserve().ok_or_else(|| {
        Problem::new(Kind::Unavailable, "Too many follow events already.").retry_after(PATIENCE)
    })?;
    let last = headers.get("last-event-id").and_then(|it| it.to_str().ok());
    let after = last.and_then(|id| after(id, state.life()));
    let (sender, mut receiver) = mpsc::channel(QUEUE_MAX);
    let follower = Follower {
        state,
        who: who.clone(),
        after,
        sender,
    };
    place.spawn(who.name().to_owned(), follower.run());
    let stream = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
    Ok(Sse::new(stream))
}

/// The version in an event's id, if this life of the hub gave it.
fn after(id: &str, life: u64) -> Option<u64> {
    let (of, version) = id.split_once('-')?;
    (u64::from_str_radix(of, 16) == Ok(life)).then(|| version.parse().ok())?
}

struct Follower {
    state: ApiState,
    who: Who,
    /// The version that the follower holds; `None` for nothing.
    after: Option<u64>,
    sender: mpsc::Sender<Result<Event, Infallible>>,
}

/// The follower is gone, takes nothing, or may not any more.
struct Gone;

/// What there is to tell after a round.
#[derive(PartialEq)]
enum Left {
    Nothing,
    More,
}

impl Follower {
    async fn run(mut self) {
        let mut versions = self.state.board.versions();
        let mut check = self.state.clock.now() + SESSION_CHECK;
        loop {
            versions.mark_unchanged();
            let Ok(left) = self.tell().await else { return };
            if self.wait(&mut versions, &mut check, left).await.is_err() {
                return;
            }
        }
    }

    /// Returns after the pause, when there is something to tell.
    async fn wait(
        &self,
        versions: &mut watch::Receiver<u64>,
        check: &mut Instant,
        left: Left,
    ) -> Result<(), Gone> {
        let clock = &self.state.clock;
        let resume = clock.now() + PAUSE;
        let mut alive = clock.now() + ALIVE_INTERVAL;
        loop {
            let now = clock.now();
            if *check <= now {
                *check = now + SESSION_CHECK;
                self.signed_in().await?;
            }
            if alive <= now {
                alive = now + ALIVE_INTERVAL;
                self.send("alive", None, &serde_json::json!({})).await?;
            }
            let paused = resume <= now;
            if paused && left == Left::More {
                return Ok(());
            }
            let next = alive.min(*check);
            let wake = if paused { next } else { resume.min(next) };
            tokio::select! {
                changed = versions.changed(), if paused => return changed.map_err(|_| Gone),
                () = clock.sleep_until(wake) => {}
                () = self.sender.closed() => return Err(Gone),
                () = self.state.shutdown.draining() => return Err(Gone),
            }
        }
    }

    /// Tells a follower who begins everything, and any other a bounded part of what changed.
    async fn tell(&mut self) -> Result<Left, Gone> {
        let board = self.state.board.clone();
        let shown = board.shown();
        let overview = OverviewDocument::new(&shown, self.state.clock.unix_millis());
        let held = self
            .after
            .filter(|after| board.changes(*after, 0).is_some());
        if held.is_none() {
            self.send("reset", None, &serde_json::json!({})).await?;
        }
        self.send("overview", None, &overview).await?;
        let mut after = held.unwrap_or(0);
        loop {
            let Some(changes) = board.changes(after, REGIONS_MAX) else {
                // So much was removed meanwhile that it is easier to begin anew.
                self.after = None;
                return Ok(Left::More);
            };
            after = changes.last;
            self.after = Some(after);
            if !changes.regions.is_empty() || !changes.gone.is_empty() {
                let event = RegionsEvent {
                    changed: (changes.regions.iter())
                        .map(|it| self.state.document(it))
                        .collect(),
                    removed: changes
                        .gone
                        .iter()
                        .map(|it| it.facts.id.to_string())
                        .collect(),
                };
                self.send("regions", Some(after), &event).await?;
            }
            if changes.complete {
                return Ok(Left::Nothing);
            }
            if held.is_some() || after >= shown.version {
                return Ok(Left::More);
            }
        }
    }

    async fn send<T: Serialize + Sync>(
        &self,
        name: &str,
        version: Option<u64>,
        content: &T,
    ) -> Result<(), Gone> {
        let mut event = Event::default()
            .event(name)
            .json_data(content)
            .map_err(|_| Gone)?;
        if let Some(version) = version {
            event = event.id(format!("{:016x}-{version}", self.state.life()));
        }
        tokio::select! {
            sent = self.sender.send(Ok(event)) => sent.map_err(|_| Gone),
            () = self.state.clock.sleep(PATIENCE) => Err(Gone),
            () = self.state.shutdown.draining() => Err(Gone),
        }
    }

    /// The end of the session is told, and ends this.
    async fn signed_in(&self) -> Result<(), Gone> {
        let Some(signed_in) = self.who.signed_in() else {
            return Ok(());
        };
        match Who::of_session(&self.state, signed_in.session).await {
            Ok(None) => {
                self.send("signed-out", None, &serde_json::json!({}))
                    .await?;
                Err(Gone)
            }
            // A store that can't be read for a moment says nothing about the session.
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_counts_in_its_own_life_only() {
        assert_eq!(after("00000000000000ff-7", 255), Some(7));
        for id in [
            "00000000000000fe-7",
            "ff",
            "",
            "-",
            "ff-",
            "ff-x",
            "-7",
            "ff-7-8",
        ] {
            assert_eq!(after(id, 255), None, "{id}");
        }
    }
}
