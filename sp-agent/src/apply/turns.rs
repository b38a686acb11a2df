//! Whose turn it is, of all that may be done now.

use std::time::Instant;

use super::Reconciler;
use super::bounds;
use super::breaker::{Lane, Room};
use super::subject::{Level, Standing, Subject};

impl Reconciler {
    /// What is given next, where so many places are free.
    pub(super) fn turns(&mut self, now: Instant, free: usize) -> Vec<(Subject, Lane)> {
        let mut turns = Turns {
            free,
            room: self.breaker.room(now, free),
            bounds: self.room(now),
            all: Vec::new(),
        };
        if turns.room.is_one {
            self.first(&mut turns);
            self.again(&mut turns);
        } else {
            // It has its share also where the rest goes on for hours.
            self.again(&mut turns);
            self.first(&mut turns);
        }
        turns.all
    }

    /// What was not tried yet, or was refused for what it is.
    fn first(&self, turns: &mut Turns) {
        for (level, subjects) in &self.ready {
            let lane = level.lane(false);
            for subject in subjects {
                if !turns.has(lane) {
                    break;
                }
                if self.failures.is_again(subject) {
                    continue;
                }
                if !turns.take(subject, *level, lane) {
                    break;
                }
            }
        }
    }

    /// What failed by what may have been the cloud's failure. What was tried least comes first: it
    /// may have met just that, and others hang each time.
    fn again(&self, turns: &mut Turns) {
        let failed = self.failures.again();
        let due = failed.filter_map(|(tries, subject)| match self.standings.get(subject) {
            Some(Standing::Due(level)) => Some((tries, *level, subject)),
            _ => None,
        });
        let mut due: Vec<(u32, Level, &Subject)> = due.collect();
        due.sort_unstable();
        for (_, level, subject) in due {
            let lane = level.lane(true);
            if turns.has(lane) {
                turns.take(subject, level, lane);
            }
        }
    }
}

impl Level {
    const fn lane(self, is_again: bool) -> Lane {
        Lane {
            is_again,
            is_elsewhere: self.is_elsewhere(),
        }
    }
}

struct Turns {
    free: usize,
    room: Room,
    bounds: bounds::Room,
    all: Vec<(Subject, Lane)>,
}

impl Turns {
    fn has(&self, lane: Lane) -> bool {
        self.all.len() < self.free && self.room.has(lane)
    }

    /// Takes it, if the policy allows one more of these.
    fn take(&mut self, subject: &Subject, level: Level, lane: Lane) -> bool {
        let is_allowed = self.bounds.admits(level);
        if is_allowed {
            self.room.take(lane);
            self.all.push((subject.clone(), lane));
        }
        is_allowed
    }
}
