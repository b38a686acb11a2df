//! What a session tells the hub's log: once for each offender and kind of thing.

use std::time::Instant;

use shared::link::hub::{Effect, Input};
use shared::runtime::errors::chain;
use shared::transport::LinkConnection;

use super::super::{Downlink, Offence, measure};
use super::Driver;
use crate::authority::{NotAdmitted, Refused};

impl Driver<'_> {
    pub(super) fn not_admitted(
        &mut self,
        now: Instant,
        error: &NotAdmitted,
    ) -> Vec<Effect<'static>> {
        self.noted = true;
        measure::not_admitted(error);
        let (remote, peer) = (self.connection.remote(), self.connection.identity().peer());
        let offence = Offence::NotAdmitted(peer, std::mem::discriminant(error));
        if let Some(silenced) = self.downlink.offences.admit(now, offence) {
            let error = chain(error).to_string();
            tracing::warn!(%remote, %peer, error, silenced, "an agent was not admitted");
        }
        self.session
            .handle(now, Input::End(error.refusal(), error.reason()))
    }

    pub(super) fn note_full(&self) {
        let peer = self.connection.identity().peer();
        let what = "a region has more to report than it may have here; its feed stands still";
        self.note_excess(Offence::Full(peer), what);
    }

    pub(super) fn note_thinned(&self) {
        let peer = self.connection.identity().peer();
        let what = "a region sends more or larger health samples than any agent does, or its clock \
                    was set back; what is beyond its part is passed over";
        self.note_excess(Offence::Thinned(peer), what);
    }

    pub(super) fn note_unrenewed(&self, error: &Refused) {
        let (remote, peer) = (self.connection.remote(), self.connection.identity().peer());
        let offence = Offence::Renewal(peer, std::mem::discriminant(error));
        let now = self.downlink.clock.now();
        if let Some(silenced) = self.downlink.offences.admit(now, offence) {
            let error = chain(error).to_string();
            tracing::warn!(%remote, %peer, error, silenced, "a certificate was not renewed");
        }
    }

    fn note_excess(&self, offence: Offence, what: &str) {
        let (remote, peer) = (self.connection.remote(), self.connection.identity().peer());
        let now = self.downlink.clock.now();
        if let Some(silenced) = self.downlink.offences.admit(now, offence) {
            tracing::warn!(%remote, %peer, silenced, "{what}");
        }
    }
}

pub(super) fn never_began(downlink: &Downlink, connection: &LinkConnection, error: &str) {
    let (remote, peer) = (connection.remote(), connection.identity().peer());
    let offence = Offence::Session(peer, "never began");
    match downlink.offences.admit(downlink.clock.now(), offence) {
        Some(silenced) => {
            tracing::warn!(%remote, %peer, error, silenced, "a connection never became a session");
        }
        None => tracing::debug!(%remote, error, "a connection never became a session"),
    }
}
