//! Does about drift what each region's policy says.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::shutdown::Shutdown;

use crate::directory::DriftPolicy;
use crate::store::directory::{CURE_AGAIN, DriftDue, Remarked, Seen};
use crate::store::regions::RegionRow;
use crate::store::{RegionNo, Store, StoreError};

/// Remarks are looked at so often: somebody who changed something in a region and looks at it
/// should not wonder, and a hub without such a policy does nothing for it.
const EVERY: Duration = Duration::from_secs(5);

/// What is cured in one look: what goes wrong in a region is not spread over all others before
/// somebody can say `ask`.
const CURES_MAX: usize = 20;

/// Cures drift until the hub stops.
pub(super) async fn run(store: Store, clock: Clock, shutdown: Shutdown) {
    let mut rounds = Rounds::default();
    while shutdown.until_draining(clock.sleep(EVERY)).await.is_some() {
        match cure(&store, &clock, &mut rounds).await {
            Ok(()) | Err(StoreError::Closed) => {}
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(error, "drift is not looked at; trying again");
            }
        }
    }
}

/// Which drift was tried: the region, what was seen, and since when it is there. What went and came
/// back is another one.
type Tried = (RegionNo, [u8; 16], UnixMillis);

/// What is known from one look to the next. As much as is cured within [`CURE_AGAIN`], and a place
/// in each region's remarks.
#[derive(Debug, Default)]
struct Rounds {
    /// What was tried, and when, whatever became of it: its remark stays until the region's agent
    /// takes it away, and must not take another's place until then. What was refused may be right
    /// later, as a name is free by then.
    tried: BTreeMap<Tried, Instant>,
    /// From where on each region's remarks are looked at.
    after: BTreeMap<RegionNo, Vec<u8>>,
}

impl Rounds {
    fn forget_old(&mut self, now: Instant, policies: &[(RegionRow, DriftPolicy)]) {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < CURE_AGAIN;
        self.tried.retain(|_, at| is_recent(at));
        let has_policy = |no: &RegionNo| policies.iter().any(|(row, _)| row.no == *no);
        self.after.retain(|no, _| has_policy(no));
    }

    /// What of a region is due and was not tried. Where nothing is left, the next look goes on
    /// behind it, so that no remarks stay for ever behind others.
    fn left(&mut self, no: RegionNo, found: DriftDue) -> Vec<Remarked> {
        let is_new = |it: &Remarked| !self.tried.contains_key(&tried(it));
        let left: Vec<_> = found.due.into_iter().filter(is_new).collect();
        if left.is_empty() {
            match found.next {
                Some(next) => self.after.insert(no, next),
                None => self.after.remove(&no),
            };
        }
        left
    }
}

fn tried(it: &Remarked) -> Tried {
    (it.no, it.seen.to_bytes(), it.changed)
}

async fn cure(store: &Store, clock: &Clock, rounds: &mut Rounds) -> Result<(), StoreError> {
    let now = clock.now();
    let policies = store.read(|it| it.drift_policies()).await?;
    rounds.forget_old(now, &policies);
    let mut due = Vec::new();
    for (row, policy) in policies {
        let (no, name, wall) = (row.no, row.facts.name.clone(), clock.unix_millis());
        let after = rounds.after.get(&no).cloned().unwrap_or_default();
        let found = store.read(move |it| it.drift_due(&row, policy, &after, wall));
        match found.await {
            Ok(found) => {
                let left = rounds.left(no, found).into_iter();
                due.push(left.map(|it| (it, policy)).collect());
            }
            Err(StoreError::Closed) => return Err(StoreError::Closed),
            Err(error) => {
                let error = chain(&error).to_string();
                tracing::warn!(
                    region = name,
                    error,
                    "its drift is not looked at; trying again"
                );
            }
        }
    }
    for (it, policy) in by_turns(due, CURES_MAX) {
        rounds.tried.insert(tried(&it), now);
        match one(store, &it, policy).await {
            Ok(()) => {}
            Err(StoreError::Closed) => return Err(StoreError::Closed),
            Err(error) => {
                let (region, subject) = (&it.region, it.remark.subject.to_string());
                let error = chain(&error).to_string();
                tracing::warn!(
                    region,
                    subject,
                    error,
                    "drift is not cured as the policy says"
                );
            }
        }
    }
    Ok(())
}

/// The first of each, then the second of each, and so on: `max` at most.
fn by_turns<T>(of_each: Vec<Vec<T>>, max: usize) -> Vec<T> {
    let mut of_each: Vec<_> = of_each.into_iter().map(Vec::into_iter).collect();
    let mut taken = Vec::new();
    while taken.len() < max {
        let turn: Vec<_> = of_each.iter_mut().filter_map(Iterator::next).collect();
        if turn.is_empty() {
            break;
        }
        taken.extend(turn);
    }
    taken.truncate(max);
    taken
}

async fn one(store: &Store, it: &Remarked, policy: DriftPolicy) -> Result<(), StoreError> {
    let (no, subject) = (it.no, it.remark.subject.to_string());
    let seen = Seen {
        id: it.remark.subject.id(),
        digest: it.seen,
    };
    let changed = store.change(move |it| it.cure_drift(no, &seen, policy));
    let (changed, region, policy) = (changed.await?, &it.region, policy.name());
    let action = "drift-policy";
    tracing::info!(target: "audit", action, region, subject, policy, changed, "done");
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::model::{CloudId, ObjectKind, Remark, RemarkState, Subject};
    use shared::wire::Digest;

    use super::*;

    fn remarked(no: u32, name: &str, changed: u64) -> Remarked {
        let id = CloudId::new(name);
        Remarked {
            no: RegionNo(no),
            region: format!("region-{no}"),
            remark: Remark {
                subject: Subject::Own(ObjectKind::User, id),
                name: name.to_owned(),
                state: RemarkState::Blocked {
                    reason: String::new(),
                },
            },
            changed: UnixMillis(changed),
            seen: Digest::of(1, name.as_bytes(), &[]),
        }
    }

    #[test]
    fn regions_take_turns_for_the_places_of_a_look() {
        let of_each = || {
            vec![
                vec!["a1", "a2", "a3", "a4"],
                vec![],
                vec!["c1"],
                vec!["d1", "d2"],
            ]
        };
        let all = by_turns(of_each(), 20);
        assert_eq!(all, ["a1", "c1", "d1", "a2", "d2", "a3", "a4"]);
        for max in 0..8 {
            assert_eq!(by_turns(of_each(), max), all[..max.min(all.len())], "{max}");
        }
    }

    #[test]
    fn what_was_tried_takes_no_place_again_and_others_behind_it_have_theirs() {
        let mut rounds = Rounds::default();
        let (no, now) = (RegionNo(1), shared::runtime::clock::Clock::system().now());
        let all = || vec![remarked(1, "a", 5), remarked(1, "b", 5)];
        let found = |next: Option<&[u8]>| DriftDue {
            due: all(),
            next: next.map(<[u8]>::to_vec),
        };
        assert_eq!(rounds.left(no, found(Some(b"b"))), all());
        assert_eq!(rounds.after.get(&no), None, "these first");

        rounds.tried.insert(tried(&all()[0]), now);
        assert_eq!(rounds.left(no, found(Some(b"b"))), all()[1..]);
        rounds.tried.insert(tried(&all()[1]), now);
        assert_eq!(rounds.left(no, found(Some(b"b"))), []);
        assert_eq!(rounds.after.get(&no), Some(&b"b".to_vec()), "then the next");
        assert_eq!(rounds.left(no, found(None)), []);
        assert_eq!(rounds.after.get(&no), None, "and from the beginning");

        // The same of another region, or come back, was not tried.
        for other in [remarked(2, "a", 5), remarked(1, "a", 6)] {
            assert!(!rounds.tried.contains_key(&tried(&other)));
        }
        rounds.forget_old(now + CURE_AGAIN / 2, &[]);
        assert_eq!(rounds.tried.len(), 2);
        rounds.forget_old(now + CURE_AGAIN, &[]);
        assert!(rounds.tried.is_empty(), "tried again by then");
    }
}
