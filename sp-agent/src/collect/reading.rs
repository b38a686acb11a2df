//! One reading of a part: the cloud sends pages, the spool takes them, at the slower one's pace.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use tokio::sync::mpsc;

use crate::cloud::{Cloud, CloudError, Mark, Page, Part, Whole};
use crate::spool::{Audit, Spool, SpoolError, Written};

/// Pages between cloud and spool: one that is being put, and one that is ready.
const PAGES_MAX: usize = 2;

/// Why a reading did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The cloud's doing. What came until then is held.
    #[error("cannot read {} from the cloud", part.name())]
    Cloud {
        /// Which part.
        part: Part,
        /// What the cloud says.
        source: CloudError,
    },
    /// Not the cloud's doing, and none of its services' fault.
    #[error("cannot keep {}", part.name())]
    Spool {
        /// Which part.
        part: Part,
        /// What the spool says.
        source: SpoolError,
    },
    /// Nothing came for too long.
    #[error(
        "reading {} from the cloud was given up after {} s without a page; look for a service that \
         takes connections and does not answer",
        part.name(), after.as_secs()
    )]
    Silent {
        /// Which part.
        part: Part,
        /// How long nothing came.
        after: Duration,
    },
}

/// A part was read whole.
#[derive(Debug, Clone)]
pub(super) struct Audited {
    /// As the cloud says.
    pub(super) whole: Whole,
    /// As the spool does.
    pub(super) written: Written,
}

impl Audited {
    /// What could not be read all the same.
    pub(super) fn incomplete(&self) -> Option<String> {
        let incomplete = self.whole.incomplete.as_ref();
        incomplete.map(|it| chain(it).to_string())
    }
}

/// Reads a part whole. Only here records vanish: those that a reading which came to its end did
/// not meet.
pub(super) async fn audit(
    cloud: &dyn Cloud,
    spool: &Spool,
    clock: &Clock,
    part: Part,
) -> Result<Audited, Broken> {
    let audit = spool.begin_audit(part);
    // The spool must know of it before the cloud is asked: what changes bring from now on may be
    // too new for the audit's pages.
    let begun = spool.put_page(&audit, Page::default()).await;
    begun.map_err(|source| Broken::Spool { part, source })?;
    let (pages, arriving) = mpsc::channel(PAGES_MAX);
    // The sender ends with the reading, and by that the pages do.
    let reading = async move { cloud.audit(part, &pages).await };
    let into = Into {
        spool,
        part,
        audit: Some(&audit),
        silence_max: cloud.silence_max(),
    };
    let read = carry(reading, arriving, into, clock).await;
    if let Err(Broken::Cloud {
        source: CloudError::Missing { .. },
        ..
    }) = read
    {
        let put = spool.put_absent(part).await;
        put.map_err(|source| Broken::Spool { part, source })?;
    }
    let whole = read?;
    let finished = spool.finish_audit(audit, whole.mark).await;
    let written = finished.map_err(|source| Broken::Spool { part, source })?;
    Ok(Audited { whole, written })
}

/// Reads what changed in a part since `mark`; `None` if the cloud can't tell.
pub(super) async fn changes(
    cloud: &dyn Cloud,
    spool: &Spool,
    clock: &Clock,
    part: Part,
    since: Mark,
) -> Result<Option<Mark>, Broken> {
    let (pages, arriving) = mpsc::channel(PAGES_MAX);
    let reading = async move { cloud.changes(part, since, &pages).await };
    let into = Into {
        spool,
        part,
        audit: None,
        silence_max: cloud.silence_max(),
    };
    carry(reading, arriving, into, clock).await
}

/// Where pages go.
struct Into<'a> {
    spool: &'a Spool,
    part: Part,
    audit: Option<&'a Audit>,
    silence_max: Duration,
}

impl Into<'_> {
    async fn put(&self, page: Page) -> Result<(), Broken> {
        let put = match self.audit {
            Some(audit) => self.spool.put_page(audit, page).await,
            None => self.spool.put_changes(self.part, page).await,
        };
        let part = self.part;
        put.map(drop)
            .map_err(|source| Broken::Spool { part, source })
    }
}

/// Carries pages until the reading ends and the last one is put.
async fn carry<T>(
    reading: impl Future<Output = Result<T, CloudError>>,
    mut pages: mpsc::Receiver<Page>,
    into: Into<'_>,
    clock: &Clock,
) -> Result<T, Broken> {
    let (part, after) = (into.part, into.silence_max);
    let reading = pin!(reading);
    let putting = pin!(async {
        loop {
            let page = tokio::select! {
                biased;
                page = pages.recv() => page,
                () = clock.sleep(after) => return Err(Broken::Silent { part, after }),
            };
            let Some(page) = page else { return Ok(()) };
            into.put(page).await?;
        }
    });
    let read = match select(reading, putting).await {
        // What came before the cloud failed is true, and kept.
        Either::Left((read, putting)) => {
            putting.await?;
            read
        }
        Either::Right((put, reading)) => {
            put?;
            reading.await
        }
    };
    read.map_err(|source| Broken::Cloud { part, source })
}
