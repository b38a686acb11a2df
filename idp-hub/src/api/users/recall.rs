//! A hub that is started anew learns from the audit trail where users signed in lately.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use shared::audit::{DONE, Entry, Wanted};
use shared::ids::ObjectId;
use shared::model::UnixMillis;

use super::places::{LATELY, Place};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::store::StoreError;

/// Entries of one reading: some megabytes.
const PAGE_MAX: usize = 4096;

/// Readings at most, each of some 20 ms: far more than the newest sign-ins of all users whose
/// places are remembered, among all else that happens in that time.
const PAGES_MAX: usize = 16;

impl ApiState {
    /// Learns it, before anybody signs in. Who was not told of, as he signed in over and over, or
    /// did so through the hub's own machine, is as new.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn recall(&self) -> Result<(), StoreError> {
        let (now, wall) = (self.clock.now(), self.clock.unix_millis());
        let ago = u64::try_from(LATELY.as_millis()).unwrap_or(u64::MAX);
        let wanted = Wanted {
            action: Some("sign-in".to_owned()),
            subject: Some("user".to_owned()),
            since: Some(UnixMillis(wall.0.saturating_sub(ago))),
            ..Wanted::default()
        };
        let (mut before, mut seen) = (None, Vec::new());
        for _ in 0..PAGES_MAX {
            let wanted = wanted.clone();
            let page = self
                .store
                .read(move |it| it.audit_entries(before, PAGE_MAX, &wanted));
            let page = page.await?;
            let entries = page.items.iter().filter_map(|it| it.entry.as_ref());
            seen.extend(entries.filter_map(|it| sign_in(it, now, wall)));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        // They come from the newest on, for which the oldest make room.
        self.lockout(|it| {
            for (at, user, place) in seen.into_iter().rev() {
                it.signed_in(at, user, place);
            }
        });
        Ok(())
    }
}

/// When somebody signed in, who, and where; `None` where nobody did.
fn sign_in(entry: &Entry, now: Instant, wall: UnixMillis) -> Option<(Instant, ObjectId, Place)> {
    let act = &entry.act;
    if !act.outcome.starts_with(DONE) {
        return None;
    }
    let user = act.subject.id.parse().ok()?;
    let source: IpAddr = act.by.source.parse().ok()?;
    let ago = Duration::from_millis(wall.0.saturating_sub(entry.at.0));
    let at = now.checked_sub(ago)?;
    Some((at, user, Source(Some(source)).into()))
}

#[cfg(test)]
mod tests {
    use shared::audit::{Act, By};
    use shared::runtime::clock::Clock;

    use super::*;

    #[test]
    fn only_a_user_who_was_let_in_from_an_address_is_known_there() {
        let (now, wall) = (Clock::system().now(), UnixMillis(1_795_284_000_000));
        let user = ObjectId::from_random(3);
        let seen = |source: &str, id: String, outcome: &str| {
            let act = Act::new(By::new("ops/ann", source), "sign-in").on("user", id, "ops/ann");
            let entry = Entry {
                at: UnixMillis(wall.0 - 5000),
                epoch: 1,
                act: act.with_outcome(outcome),
            };
            sign_in(&entry, now, wall)
        };
        let source: IpAddr = "192.0.2.1".parse().unwrap();
        let home = Place::from(Source(Some(source)));
        let at = now - Duration::from_secs(5);
        let known = Some((at, user, home));
        assert_eq!(seen("192.0.2.1", user.to_string(), DONE), known);
        let told = "done, and 3 times before this he came or went without an entry";
        assert_eq!(seen("192.0.2.1", user.to_string(), told), known);
        for (source, id, outcome) in [
            ("192.0.2.1", user.to_string(), "refused: wrong-password"),
            ("192.0.2.1", String::new(), DONE),
            ("local socket", user.to_string(), DONE),
        ] {
            assert_eq!(seen(source, id, outcome), None);
        }
    }
}
