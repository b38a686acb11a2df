//! Whose turn it is, of all that may be done now.

use std::collections::BTreeSet;
use std::time::Instant;

use shared::ids::ObjectId;
use shared::model::{Holder, ObjectKind, ServiceKind};

use super::Reconciler;
use super::bounds;
use super::breaker::{Kin, Rank, Room, Turn};
use super::subject::{Level, Standing, Subject};

impl Reconciler {
    /// What is given next, where so many places are free.
    pub(super) fn turns(&mut self, now: Instant, free: usize) -> Vec<(Subject, Turn)> {
        let mut turns = Turns {
            free,
            room: self.breaker.room(now, free),
            bounds: self.room(now),
            all: Vec::new(),
        };
        if turns.room.is_one {
            self.take_first(&mut turns);
            self.take_doubtful(&mut turns);
            self.take_again(&mut turns);
        } else {
            // They have their share also where the rest goes on for hours.
            self.take_again(&mut turns);
            self.take_doubtful(&mut turns);
            self.take_first(&mut turns);
        }
        turns.all
    }

    /// What was not tried yet, beside it some of what was refused for what it is, and then the rest
    /// of that.
    fn take_first(&self, turns: &mut Turns) {
        let under_way = self.breaker.quick();
        let under_way = under_way.filter(|it| self.failures.refused(it).is_some());
        let mut share = match turns.room.is_one {
            // A cloud that refuses is not known to do anything.
            true => 0,
            false => turns.room.share.saturating_sub(under_way.count()),
        };
        for level in self.levels() {
            let few = if level.is_urgent() { usize::MAX } else { share };
            let taken = self.take_refused(turns, level, few);
            share = share.saturating_sub(taken);
            self.take_untried(turns, level);
        }
        for level in self.refused.levels() {
            self.take_refused(turns, level, usize::MAX);
        }
    }

    /// All at which something is due, in their order.
    fn levels(&self) -> BTreeSet<Level> {
        let ready = self.ready.keys().copied();
        ready.chain(self.refused.levels()).collect()
    }

    fn take_untried(&self, turns: &mut Turns, level: Level) {
        for subject in self.ready.get(&level).into_iter().flatten() {
            if !turns.has(Rank::First, level) {
                break;
            }
            let is_again = self.failures.is_again(subject);
            if let Some(turn) = self.first_turn(level, subject, is_again)
                && turns.room.admits(turn)
                && !turns.take(subject, turn, false)
            {
                break;
            }
        }
    }

    /// At most so many of what was refused. How many it took.
    fn take_refused(&self, turns: &mut Turns, level: Level, most: usize) -> usize {
        let before = turns.all.len();
        for subject in self.refused.at(level) {
            let is_enough = turns.all.len().saturating_sub(before) >= most;
            if is_enough || !turns.has(Rank::First, level) {
                break;
            }
            if let Some(turn) = self.first_turn(level, subject, false)
                && turns.room.admits(turn)
                && !turns.has_taken(subject)
                && !turns.take(subject, turn, true)
            {
                break;
            }
        }
        turns.all.len().saturating_sub(before)
    }

    /// The turn of what does not wait for what fails, if it does not.
    fn first_turn(&self, level: Level, subject: &Subject, is_again: bool) -> Option<Turn> {
        if is_again && !level.is_urgent() {
            return None;
        }
        let turn = self.turn(Rank::First, level, subject);
        let rank = match is_again || self.breaker.is_doubtful(turn.kin) {
            true if level.is_urgent() => Rank::Urgent,
            true => return None,
            false => Rank::First,
        };
        Some(Turn { rank, ..turn })
    }

    /// What was not tried yet, of kinds and departments that fail: of each one at a time.
    fn take_doubtful(&self, turns: &mut Turns) {
        let levels = self.levels().into_iter();
        let levels = levels.filter(|it| !it.is_urgent() && self.breaker.is_doubtful_at(*it));
        for level in levels {
            let ready = self.ready.get(&level).into_iter().flatten();
            let refused = self.refused.at(level).map(|it| (it, true));
            for (subject, is_refused) in ready.map(|it| (it, false)).chain(refused) {
                if !turns.has(Rank::Doubtful, level) {
                    return;
                }
                let turn = self.turn(Rank::Doubtful, level, subject);
                let is_it = self.breaker.is_doubtful(turn.kin) && turns.room.admits(turn);
                let is_it = is_it && !self.failures.is_again(subject);
                if is_it && !turns.take(subject, turn, is_refused) {
                    break;
                }
            }
        }
    }

    /// What failed last by what may have been the cloud's failure. What was answered comes first,
    /// as it keeps its place for a moment, and then what was tried least: it may have had bad luck.
    fn take_again(&self, turns: &mut Turns) {
        let failed = self.failures.again();
        let due = failed.filter_map(|(tries, subject)| match self.standings.get(subject) {
            Some(Standing::Due(level)) if !level.is_urgent() => Some((tries, *level, subject)),
            _ => None,
        });
        let mut due: Vec<((u32, u32), Level, &Subject)> = due.collect();
        due.sort_unstable();
        for (_, level, subject) in due {
            if turns.has(Rank::Again, level) {
                let turn = self.turn(Rank::Again, level, subject);
                if turns.room.admits(turn) {
                    turns.take(subject, turn, false);
                }
            }
        }
    }

    fn turn(&self, rank: Rank, level: Level, subject: &Subject) -> Turn {
        let department = self.department_of(subject);
        let kin = Kin { level, department };
        let service = service_of(subject);
        Turn { rank, kin, service }
    }

    /// The department of the directory that a subject is in, or the first end of a link that is in
    /// one.
    fn department_of(&self, subject: &Subject) -> Option<ObjectId> {
        let of = |kind, id: &ObjectId| match kind {
            ObjectKind::Department => Some(*id),
            _ => {
                let found = self.replica.directory.object(kind, id)?;
                found.department().copied()
            }
        };
        match subject {
            Subject::Object(kind, id) => of(*kind, id),
            Subject::Link(link) => link.ends().find_map(|(kind, id)| of(kind, id)),
            Subject::Password(user) => of(ObjectKind::User, user),
            Subject::Quota(Holder::Project(id), _) => of(ObjectKind::Project, id),
            Subject::Quota(..) | Subject::Own(..) | Subject::Reading(_) => None,
        }
    }
}

/// The one other service than Keystone that a subject is of.
const fn service_of(subject: &Subject) -> Option<ServiceKind> {
    match subject {
        Subject::Quota(_, service) => Some(*service),
        _ => None,
    }
}

struct Turns {
    free: usize,
    room: Room,
    bounds: bounds::Room,
    all: Vec<(Subject, Turn)>,
}

impl Turns {
    fn has(&self, rank: Rank, level: Level) -> bool {
        self.all.len() < self.free && self.room.has(rank, level.is_elsewhere())
    }

    fn has_taken(&self, subject: &Subject) -> bool {
        self.all.iter().any(|(it, _)| it == subject)
    }

    /// Takes it, if the policy allows one more of these.
    fn take(&mut self, subject: &Subject, turn: Turn, is_refused: bool) -> bool {
        let is_allowed = self.bounds.admits(turn.kin.level, is_refused);
        if is_allowed {
            self.room.take(turn);
            self.all.push((subject.clone(), turn));
        }
        is_allowed
    }
}
