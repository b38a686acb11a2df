//! How a session begins: who the agent is, and how far its feeds have come.

use std::sync::Arc;

use shared::link::hub::{Effect, Input};
use shared::pki::PublicSealingKey;
use shared::runtime::errors::chain;
use shared::transport::LinkConnection;
use shared::wire::frame::{Cursor, Hello, Refusal, Standing};

use super::{Driver, tell_fleet};
use crate::authority::NotAdmitted;
use crate::downlink::Downlink;
use crate::downlink::registry::{Orders, Place};
use crate::fleet;
use crate::store::regions::Introduction;
use crate::store::{RegionNo, StoreError};

/// What is known after the agent's `Hello`.
pub(super) struct Registered {
    pub(super) no: RegionNo,
    pub(super) place: Place,
    pub(super) orders: Arc<Orders>,
    /// To which key its secrets are sealed, as the store has it.
    pub(super) sealing: Option<PublicSealingKey>,
    /// It told a key in this session.
    pub(super) has_told_key: bool,
}

/// A session that has begun, for its agent.
struct Begun {
    registered: Registered,
    standing: Standing,
    cursors: Vec<Cursor>,
    name: String,
    /// The agent says of itself what was not known.
    is_news: bool,
    /// When its certificate ends, where the store knew only of an earlier one: it was restored.
    not_after: Option<u64>,
}

impl Driver<'_> {
    /// Settles who the agent is by its certificate, and where its feeds are.
    pub(super) async fn register(&mut self, hello: &Hello<'_>) -> Vec<Effect<'static>> {
        let begun = begin(self.downlink, self.connection, hello).await;
        let now = self.downlink.clock.now();
        match begun {
            Ok(Ok(begun)) => {
                let Begun {
                    registered,
                    standing,
                    cursors,
                    name,
                    is_news,
                    not_after,
                } = begun;
                let (no, session) = (registered.no, registered.place.number);
                self.registered = Some(registered);
                if is_news {
                    self.downlink.authority.introduced(no);
                }
                if let Some(not_after) = not_after {
                    tell_fleet(self.downlink, fleet::Input::Certified { no, not_after }).await;
                }
                tell_fleet(self.downlink, fleet::Input::SessionBegan { no, session }).await;
                let registered = Input::Registered {
                    standing,
                    cursors,
                    name,
                };
                self.session.handle(now, registered)
            }
            Ok(Err(refused)) => self.not_admitted(now, &refused),
            Err(error) => {
                let peer = self.connection.identity().peer();
                let error = chain(&error).to_string();
                tracing::error!(%peer, error, "cannot begin a session");
                let reason = "the hub's store fails; the hub's log says why";
                self.session.handle(now, Input::End(Refusal::Busy, reason))
            }
        }
    }
}

/// All in one transaction: a fleet that comes back at once asks the store once for each agent.
async fn begin(
    downlink: &Downlink,
    connection: &LinkConnection,
    hello: &Hello<'_>,
) -> Result<Result<Begun, NotAdmitted>, StoreError> {
    let cloud = hello.cloud.description();
    let introduction = Introduction::said(&cloud, hello.software.as_str(), hello.host.as_str());
    let (identity, connection) = (connection.identity().clone(), connection.clone());
    let (authority, registry) = (downlink.authority.clone(), downlink.registry.clone());
    let begin = downlink.store.change(move |it| {
        let row = match authority.admit_in(&it.reading(), &identity) {
            Ok(row) => row,
            Err(NotAdmitted::Store(error)) => return Err(error),
            Err(refused) => return Ok(Err(refused)),
        };
        let (no, standing) = (row.no, row.facts.standing);
        let is_news = introduction.is_news(&row.facts);
        // Listed before it is committed: a removal that comes after finds it.
        let (place, orders) = registry.enter(no, &row.facts.name, connection);
        let cursors = it.begin_session(no, place.number, &introduction)?;
        let not_after = identity.not_after();
        let not_after = (not_after > row.facts.not_after).then_some(not_after);
        if let Some(not_after) = not_after {
            it.certified(no, not_after)?;
        }
        let sealing = it.reading().sealing_key(no)?;
        let registered = Registered {
            no,
            place,
            orders,
            sealing,
            has_told_key: false,
        };
        Ok(Ok(Begun {
            registered,
            standing,
            cursors,
            name: row.facts.name,
            is_news,
            not_after,
        }))
    });
    begin.await
}
