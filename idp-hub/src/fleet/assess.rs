//! From what was heard of a region to its state and reason, and when to look again.

use std::time::{Duration, Instant};

use shared::model::{Service, ServiceState};
use shared::wire::frame::Standing;

use super::presence::Presence;
use super::region::Region;
use super::{Condition, Moment, Reason, State};

/// An agent takes a health sample at least each minute, so that no batch at all in ten means that
/// its collectors hang, whatever its heartbeats say.
const STALLED_AFTER: Duration = Duration::from_secs(10 * 60);

/// A sync of 100,000 records takes a minute on a good line and a slow cloud.
const SYNC_MAX: Duration = Duration::from_secs(10 * 60);

/// Certificates count 24 h and are renewed at half of it. With a quarter left, renewal has failed
/// for hours.
const EXPIRING_SECS: u64 = 6 * 3600;

/// The most bytes of a detail: a few services with the reasons that agents give.
const DETAIL_BYTES_MAX: usize = 2048;

type Verdict = (State, Reason, String, Option<Instant>);

/// A region's condition now, and when it may change by time alone.
pub(super) fn assess(region: &Region, now: Moment) -> (Condition, Option<Instant>) {
    let (state, reason, detail, deadline) = match &region.presence {
        Presence::Removed { until } => plain(State::Removed, Reason::Removed, Some(*until)),
        Presence::Awaited { reason, until } => awaited(*reason, *until, now),
        Presence::Online { .. } => online(region, now),
        Presence::Away { gone, until } => {
            let passing = gone.passing && now.mono < *until;
            match (passing, region.unstable_until()) {
                // A loop of restarts shows one steady state, not two in turns.
                (true, Some(end)) if now.mono < end => unstable(region, (*until).min(end)),
                (true, _) => (
                    State::Connecting,
                    gone.reason,
                    gone.detail.clone(),
                    Some(*until),
                ),
                (false, _) => (State::Unreachable, gone.reason, gone.detail.clone(), None),
            }
        }
    };
    let detail = with_note(region, detail);
    let condition = Condition {
        state,
        reason,
        detail,
        since: now.wall,
    };
    (condition, deadline)
}

/// Who is not there may have been installed anew; or somebody pretends to be it.
fn with_note(region: &Region, detail: String) -> String {
    let away = matches!(
        region.presence,
        Presence::Awaited { .. } | Presence::Away { .. }
    );
    let Some(key) = region.other_key.filter(|_| away) else {
        return detail;
    };
    let between = if detail.is_empty() { "" } else { "; " };
    format!(
        "{detail}{between}an agent with another key, {key}, was turned away: if it was installed \
         anew on purpose, remove the region and invite it again; if not, find out who has it"
    )
}

fn plain(state: State, reason: Reason, deadline: Option<Instant>) -> Verdict {
    (state, reason, String::new(), deadline)
}

fn awaited(reason: Reason, until: Instant, now: Moment) -> Verdict {
    if now.mono < until {
        return plain(State::Connecting, reason, Some(until));
    }
    let reason = match reason {
        Reason::Joining => Reason::NeverConnected,
        _ => Reason::NotBack,
    };
    plain(State::Unreachable, reason, None)
}

/// The worst first. What ends soonest by itself decides when to look again.
fn online(region: &Region, now: Moment) -> Verdict {
    if let Some(end) = region.unstable_until()
        && now.mono < end
    {
        return unstable(region, end);
    }
    if region.facts.standing == Standing::Pending {
        return plain(State::Connecting, Reason::AwaitingAcceptance, None);
    }
    if let Some(fault) = &region.unkept {
        return (State::Degraded, Reason::SpoolFailing, fault.clone(), None);
    }
    if let Some(full) = &region.full {
        return (State::Degraded, Reason::RegionFull, full.clone(), None);
    }
    if let Some((reason, detail)) = of_cloud(&region.troubles) {
        return (State::Degraded, reason, detail, None);
    }
    let stalls = region.heard + STALLED_AFTER;
    if stalls <= now.mono {
        return plain(State::Degraded, Reason::FeedStalled, None);
    }
    if !region.live {
        let slow = region.syncing_since + SYNC_MAX;
        if slow <= now.mono {
            return plain(State::Degraded, Reason::SyncSlow, Some(stalls));
        }
        if !region.was_live {
            return plain(State::Connecting, Reason::FirstSync, Some(stalls.min(slow)));
        }
        // A later sync replaces what is here without a gap, so nobody need be told.
        return settled(region, now, stalls.min(slow));
    }
    settled(region, now, stalls)
}

/// What the cloud's services say. A refused credential comes first: it is one thing, which all of
/// them say in the same words, and nothing else can be known meanwhile.
fn of_cloud(troubles: &[Service]) -> Option<(Reason, String)> {
    let is_refused = |it: &&Service| matches!(it.state, ServiceState::CredentialRefused { .. });
    if let Some(service) = troubles.iter().find(is_refused) {
        let reason = service.state.reason().unwrap_or_default();
        return Some((Reason::CredentialRefused, reason.to_owned()));
    }
    let failing = named(troubles, |it| matches!(it, ServiceState::Failing { .. }));
    if !failing.is_empty() {
        return Some((Reason::ServiceFailing, failing));
    }
    let lacking = |it: &ServiceState| matches!(it, ServiceState::RightsMissing { .. });
    let lacking = named(troubles, lacking);
    (!lacking.is_empty()).then_some((Reason::RightsMissing, lacking))
}

/// A region that reports: its certificate, and what its cloud lacks.
fn settled(region: &Region, now: Moment, stalls: Instant) -> Verdict {
    let left = region.facts.not_after.saturating_sub(now.wall.as_secs());
    // The wall clock may jump; the next batch, a minute from now, looks at it anew.
    let in_secs = |secs| now.mono.checked_add(Duration::from_secs(secs));
    let sooner = |at: Option<Instant>| Some(at.map_or(stalls, |at| at.min(stalls)));
    if left == 0 {
        return plain(State::Degraded, Reason::CertificateExpired, Some(stalls));
    }
    if left <= EXPIRING_SECS {
        let deadline = sooner(in_secs(left));
        return plain(State::Degraded, Reason::CertificateExpiring, deadline);
    }
    let deadline = sooner(in_secs(left - EXPIRING_SECS));
    let missing = named(&region.troubles, |it| *it == ServiceState::Missing);
    if !missing.is_empty() {
        return (State::Degraded, Reason::ServiceMissing, missing, deadline);
    }
    plain(State::Healthy, Reason::Ok, deadline)
}

fn unstable(region: &Region, deadline: Instant) -> Verdict {
    let detail = format!("{} sessions ended within minutes", region.ends.len());
    (State::Degraded, Reason::Unstable, detail, Some(deadline))
}

/// The services in a state, with what their agent says of them.
fn named(troubles: &[Service], wanted: impl Fn(&ServiceState) -> bool) -> String {
    let mut text = String::new();
    for service in troubles.iter().filter(|it| wanted(&it.state)) {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(service.kind.name());
        if let Some(reason) = service.state.reason().filter(|it| !it.is_empty()) {
            text.push_str(": ");
            text.push_str(reason);
        }
    }
    text.truncate(text.floor_char_boundary(DETAIL_BYTES_MAX));
    text
}
