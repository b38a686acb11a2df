//! Whose turn it is, of all that may be done now.

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

    /// What was not tried yet, or was refused for what it is.
    fn take_first(&self, turns: &mut Turns) {
        for (level, subjects) in &self.ready {
            let asks = self.breaker.is_doubtful_at(*level);
            for subject in subjects {
                if !turns.has(Rank::First, *level) {
                    break;
                }
                let is_full =
                    level.is_elsewhere() && turns.room.is_full(Rank::First, service_of(subject));
                if is_full || self.failures.is_again(subject) {
                    continue;
                }
                let turn = self.turn(Rank::First, *level, subject);
                let is_doubtful = asks && self.breaker.is_doubtful(turn.kin);
                if !is_doubtful && !turns.take(subject, turn) {
                    break;
                }
            }
        }
    }

    /// What was not tried yet, of kinds and departments that fail: of each one at a time.
    fn take_doubtful(&self, turns: &mut Turns) {
        let levels = self.ready.iter();
        for (level, subjects) in levels.filter(|(level, _)| self.breaker.is_doubtful_at(**level)) {
            for subject in subjects {
                if !turns.has(Rank::Doubtful, *level) {
                    return;
                }
                let turn = self.turn(Rank::Doubtful, *level, subject);
                let is_it = self.breaker.is_doubtful(turn.kin) && turns.room.admits(turn);
                if is_it && !self.failures.is_again(subject) && !turns.take(subject, turn) {
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
            Some(Standing::Due(level)) => Some((tries, *level, subject)),
            _ => None,
        });
        let mut due: Vec<((u32, u32), Level, &Subject)> = due.collect();
        due.sort_unstable();
        for (_, level, subject) in due {
            if turns.has(Rank::Again, level) {
                let turn = self.turn(Rank::Again, level, subject);
                if turns.room.admits(turn) {
                    turns.take(subject, turn);
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

    /// Takes it, if the policy allows one more of these.
    fn take(&mut self, subject: &Subject, turn: Turn) -> bool {
        let is_allowed = self.bounds.admits(turn.kin.level);
        if is_allowed {
            self.room.take(turn);
            self.all.push((subject.clone(), turn));
        }
        is_allowed
    }
}
