//! Ends again what a region proves to have ended: a hub that was restored from an older backup has
//! forgotten it, and whoever was deleted would sign in. So no user signs in there until the regions
//! had their say.

mod hold;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use shared::audit::By;
use shared::ids::FeedId;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use self::hold::{Hold, Seen, Word};
use crate::downlink::Registry;
use crate::store::{RegionNo, Store, StoreError};

/// Between two looks at what regions told: one that tells of ends without end costs no more.
const PAUSE: Duration = Duration::from_secs(1);

/// All regions' words are looked at so often, whatever was told: a hub may have been killed between
/// hearing and looking.
const ROUND: Duration = Duration::from_secs(30);

/// What of the regions is looked at.
enum Look {
    /// At what these told.
    At(BTreeSet<RegionNo>),
    /// At all that they told.
    Round,
    /// At how far they are, as long as users wait for it.
    Held,
}

/// Works until the hub stops.
pub(super) async fn run(store: Store, registry: Registry, clock: Clock, shutdown: Shutdown) {
    shutdown
        .until_draining(look(&store, &registry, &clock))
        .await;
}

async fn look(store: &Store, registry: &Registry, clock: &Clock) {
    let told = store.ends_told();
    let (mut round, mut hold) = (clock.now(), Some(Hold::begun(clock.now())));
    loop {
        let look = tokio::select! {
            regions = told.next() => Look::At(regions),
            () = clock.sleep_until(round) => Look::Round,
            () = clock.sleep(PAUSE), if hold.is_some() => Look::Held,
        };
        let outcome = match look {
            Look::At(regions) => end_again_of(store, regions).await,
            Look::Round => {
                round = clock.now() + ROUND;
                end_again(store, None).await
            }
            Look::Held => Ok(()),
        };
        let outcome = match (outcome, &mut hold) {
            (Ok(()), Some(it)) => open(store, registry, (it, clock.now())).await,
            (outcome, _) => outcome.map(|()| false),
        };
        match outcome {
            Ok(true) => hold = None,
            Ok(false) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "what ended is not looked at; trying again");
            }
        }
        clock.sleep(PAUSE).await;
    }
}

/// Lets users sign in where nothing is to be waited for any more. Tells whether they may.
async fn open(
    store: &Store,
    registry: &Registry,
    (hold, now): (&mut Hold, Instant),
) -> Result<bool, StoreError> {
    if !store.is_sign_in_held().await? {
        return Ok(true);
    }
    // Before what is told is looked at: who came since is seen at the next look.
    let held = registry.telling();
    let merged = store.read(|it| {
        let all = it.recipients()?.into_iter();
        let all = all.map(|region| Ok((it.recalled(region.no)?, region)));
        all.collect::<Result<Vec<_>, StoreError>>()
    });
    let merged = merged.await?;
    let regions = merged.iter().map(|(recalled, it)| {
        let held = held.get(&it.no).copied();
        seen(store, it.no, (held, *recalled))
    });
    let regions: Vec<Seen> = regions.collect();
    let away = hold.look(now, &regions);
    store.ends_told().hear(hold.heard());
    let Some(away) = away else {
        return Ok(false);
    };
    // All that they told, once more, before anybody is let in.
    end_again(store, None).await?;
    let away = merged.iter().filter(|(_, it)| away.contains(&it.no));
    let away: Vec<String> = away.map(|(_, it)| it.name.clone()).collect();
    let without = away.join(", ");
    let why = match away.is_empty() {
        true => "every merged region said who was deleted since the backup".to_owned(),
        false => format!("after a while, without the word of {without}"),
    };
    let by = By::new("this hub", "this hub");
    if store.open_sign_in(by, why).await? {
        let action = "open-sign-in";
        tracing::info!(target: "audit", action, without, "done");
    }
    Ok(true)
}

/// How a merged region stands, whose agent holds the directory so far and can say something, and
/// said last that it did so in that life of its feed.
fn seen(store: &Store, no: RegionNo, (held, recalled): (Option<u64>, Option<FeedId>)) -> Seen {
    let heads = store.directory_heads();
    let extent = heads.borrow().extent(no);
    let overview = store.overview().region(no);
    Seen {
        no,
        held,
        head: extent.map_or(0, |it| it.head),
        has_told: overview.is_some_and(|it| it.organization_told),
        word: match recalled {
            Some(feed) if extent.is_some_and(|it| it.id == feed) => Word::Given,
            Some(_) => Word::Owed,
            None => Word::Unknown,
        },
    }
}

async fn end_again_of(store: &Store, regions: BTreeSet<RegionNo>) -> Result<(), StoreError> {
    for no in regions {
        end_again(store, Some(no)).await?;
    }
    Ok(())
}

/// Ends what these regions prove to have ended: one, or all.
async fn end_again(store: &Store, of: Option<RegionNo>) -> Result<(), StoreError> {
    // What is in something comes after it, and ends before it: whatever takes its own along ends
    // them as it ends itself.
    for revived in store
        .read(move |it| it.revived(of))
        .await?
        .into_iter()
        .rev()
    {
        let by = By::new("this hub, before it was restored", "a region");
        let ended = store.change(move |it| it.end_again(revived, &by)).await?;
        let (kind, id, _) = revived;
        let (action, kind) = ("end-again", kind.name());
        tracing::info!(target: "audit", action, kind, %id, ended, "done");
    }
    Ok(())
}
