//! What a session says to its agent.

use std::time::Duration;

use shared::link::hub::{Effect, Input};
use shared::pki::PublicSealingKey;
use shared::runtime::errors::chain;
use shared::transport::WriteError;
use shared::wire::Text;
use shared::wire::frame::{Cloud, Control, Refusal, Renewed};

use super::end::End;
use super::{Driver, Registered, WRITE_MAX, tell_fleet};
use crate::authority::Certificate;
use crate::fleet;
use crate::store::Mail;

/// A region that may have no more tries again after so long, a batch at most each time: it may have
/// become smaller.
const FULL_PAUSE: Duration = Duration::from_secs(10);

/// An agent's key is the one in its file, as long as it runs: each one more costs an entry of the
/// audit trail, and all passwords that are sealed to it.
#[derive(Debug, thiserror::Error)]
#[error("another key to seal secrets to in the same session")]
struct AnotherKey;

/// The same of one session after the other.
const KEY_TOO_SOON: &str = "its key to seal secrets to was another one a minute ago; the next is \
                            taken a minute after it";

impl Driver<'_> {
    /// Something is due.
    pub(super) async fn tick(&mut self) {
        let now = self.downlink.clock.now();
        if let Some((_, cursors)) = self.full.take_if(|(at, _)| *at <= now) {
            for cursor in cursors {
                self.encode(&Control::Cursor(cursor));
            }
            self.flush().await;
        }
        let effects = self.decide(Input::Tick);
        self.perform(effects).await;
    }

    pub(super) async fn mail(&mut self, mail: &Mail) {
        for cursor in &mail.cursors {
            self.encode(&Control::Cursor(*cursor));
        }
        for ack in &mail.acks {
            self.encode(&Control::Ack(*ack));
        }
        self.flush().await;
        if !mail.full.is_empty() {
            self.note_full();
            let at = self.downlink.clock.now() + FULL_PAUSE;
            let (_, feeds) = self.full.get_or_insert((at, Vec::new()));
            feeds.extend(&mail.full);
        }
        if mail.thinned && std::mem::replace(&mut self.thinned, true) {
            self.note_thinned();
        }
        if mail.give_up {
            let reason = "the feeds can't be brought to agree; a new session begins afresh";
            let effects = self.decide(Input::End(Refusal::Protocol, reason));
            self.perform(effects).await;
        }
    }

    pub(super) async fn renew(&mut self, csr: &str) {
        let Some(Registered { no, .. }) = &self.registered else {
            return;
        };
        let fingerprint = self.connection.identity().fingerprint();
        match self.downlink.authority.renew(*no, &fingerprint, csr).await {
            Ok(Certificate { pem, not_after, .. }) => {
                self.expiry = self.downlink.expiry(not_after);
                let certificate = Text::cut_owned(pem);
                self.send(&Control::Renewed(Renewed { certificate })).await;
            }
            // Only what no agent asks for is a breach. For the rest it asks again.
            Err(error) if error.refusal() == Refusal::Protocol => self.fault(&error),
            Err(error) => self.note_unrenewed(&error),
        }
    }

    pub(super) async fn describe(&mut self, cloud: &Cloud<'_>) {
        let Some(Registered { no, .. }) = self.registered else {
            return;
        };
        let cloud = cloud.description();
        let kept = self
            .downlink
            .store
            .change(move |it| it.described(no, &cloud));
        match kept.await {
            Ok(()) => self.downlink.authority.introduced(no),
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(error, "cannot store what a region's cloud is");
            }
        }
    }

    /// Most agents say in each session what they said in the one before.
    pub(super) async fn seals(&mut self, key: [u8; 32]) -> Vec<Effect<'static>> {
        let key = PublicSealingKey::from_bytes(key);
        let Some(Registered {
            no,
            sealing,
            has_told_key,
            ..
        }) = &mut self.registered
        else {
            return Vec::new();
        };
        let is_again = std::mem::replace(has_told_key, true);
        if *sealing == Some(key) {
            return Vec::new();
        }
        if is_again {
            self.fault(&AnotherKey);
            return Vec::new();
        }
        let no = *no;
        let kept = self.downlink.store.change(move |it| {
            let may = it.may_seal_anew(no)?;
            if may {
                it.seals(no, key)?;
            }
            Ok(may)
        });
        match kept.await {
            Ok(true) => *sealing = Some(key),
            // Until then what is sealed is sealed to one that it says it has no more.
            Ok(false) => return self.decide(Input::End(Refusal::Busy, KEY_TOO_SOON)),
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::error!(
                    error,
                    "cannot store to which key a region's secrets are sealed"
                );
            }
        }
        Vec::new()
    }

    pub(super) async fn keeping(&mut self, fault: Option<String>) {
        if let Some(it) = &self.registered {
            it.orders.keeps(fault.is_none());
            let (no, session) = (it.no, it.place.number);
            let told = fleet::Input::Keeping { no, session, fault };
            tell_fleet(self.downlink, told).await;
        }
    }

    pub(super) async fn send(&mut self, frame: &Control<'_>) {
        self.encode(frame);
        self.flush().await;
    }

    pub(super) fn encode(&mut self, frame: &Control<'_>) {
        if let Err(error) = frame.encode(&mut self.bytes) {
            tracing::error!(%error, "a control frame was not sent");
        }
    }

    pub(super) async fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        match tokio::time::timeout(WRITE_MAX, self.writer.write(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(WriteError::Lost(loss))) => self.end = Some(End::Lost(loss)),
            Ok(Err(_)) | Err(_) => {
                self.end = Some(End::Mute("the agent takes no acknowledgements"));
            }
        }
    }
}
