//! Looks at what changed, subject by subject, and keeps how each stands.

use std::time::Instant;

use super::Reconciler;
use super::subject::{Standing, Subject, Wait};
use super::verdict::Verdict;

impl Reconciler {
    /// Looks at all that changed. Ends, because what is noted on the way is noted once.
    pub(super) fn settle(&mut self, now: Instant) {
        let failed = &mut self.failures.alarms;
        for alarms in [failed, &mut self.rests.alarms, &mut self.lates.alarms] {
            self.dirty.extend(alarms.due(now));
        }
        while let Some(subject) = self.dirty.pop_first() {
            // It is looked at when it is done.
            if self.standings.get(&subject) != Some(&Standing::Running) {
                let mut verdict = self.judge_now(&subject);
                if self.takes_back(&subject, &verdict) {
                    verdict = self.judge(&subject);
                }
                self.look_whether_it_is_missed(now, &subject, &verdict);
                self.take(now, subject.clone(), verdict);
                self.look_whether_it_is_left(&subject);
                self.look_whether_it_is_awaited(&subject);
                self.look_whether_it_stays_on(&subject);
            }
        }
    }

    pub(super) fn judge(&self, subject: &Subject) -> Verdict {
        match subject {
            Subject::Object(kind, id) => self.judge_object(*kind, *id),
            Subject::Link(link) => self.judge_link(link),
            Subject::Password(user) => self.judge_password(*user),
            Subject::Own(kind, here) => self.judge_own(*kind, here),
            Subject::Quota(holder, service) => self.judge_quota(holder, *service),
            // Told beside what waits for it, and decided about by nobody.
            Subject::Reading(_) => Verdict::Nothing(None),
        }
    }

    fn take(&mut self, now: Instant, subject: Subject, verdict: Verdict) {
        let due = match &verdict {
            Verdict::Due(due) => Some(&**due),
            _ => None,
        };
        if !matches!(verdict, Verdict::Waiting(Wait::Agreed)) {
            self.empty.remove(&subject);
        }
        if let Some(kind) = self.in_doubt(&subject, due) {
            self.stand(subject, Some(Standing::Waiting(Wait::Reading(kind))));
            return;
        }
        if self.rests(now, &subject, &verdict) {
            self.stand(subject, Some(Standing::Waiting(Wait::Rested)));
            return;
        }
        self.look_whether_it_arrives(now, &subject);
        if self.is_given_for_now(now, &verdict) {
            self.stand(subject, Some(Standing::Waiting(Wait::Arrived)));
            return;
        }
        let (standing, note) = match verdict {
            Verdict::Nothing(note) => (None, note),
            Verdict::InPlace(note) => (Some(Standing::InPlace), note),
            Verdict::Due(due) => {
                let failed = self.failures.get(&subject).is_some();
                let standing = match self.may_be_made(&subject) {
                    Some(kind) if !failed => Standing::Waiting(Wait::Reading(kind)),
                    Some(_) => Standing::Failed,
                    None if self.failures.holds(&subject, now) => Standing::Failed,
                    None => Standing::Due(due.level),
                };
                self.stand(subject, Some(standing));
                return;
            }
            Verdict::Waiting(wait) => {
                self.stand(subject, Some(Standing::Waiting(wait)));
                return;
            }
            Verdict::Drift(drift) => (Some(Standing::Drift(drift)), None),
            Verdict::Blocked(reason) => (Some(Standing::Blocked(reason)), None),
        };
        self.failures.forget(&subject);
        // Where it was no use it must not lie in wait until it is.
        self.put_back.remove(&subject);
        if standing.is_none() {
            self.is_nothing(&subject);
        }
        self.stand(subject.clone(), standing);
        if let Some(note) = note {
            self.look_whether_it_was_made(&subject, &note);
            self.note(note);
            // It was switched off, which is kept, and goes on from there.
            if self.is_purge(&subject) {
                self.dirty.insert(subject);
            }
        }
    }

    fn is_nothing(&mut self, subject: &Subject) {
        if let Subject::Link(link) = subject
            && !self.has_link(link)
        {
            for (kind, id) in link.ends() {
                self.refers_no_more((kind, *id), subject);
            }
        }
    }

    pub(super) fn stand(&mut self, subject: Subject, standing: Option<Standing>) {
        let is_tried = matches!(standing, Some(Standing::Due(_) | Standing::Running));
        let is_retried = is_tried && self.failures.get(&subject).is_some();
        self.tally.retries(&subject, is_retried);
        let before = match &standing {
            Some(it) => self.standings.insert(subject.clone(), it.clone()),
            None => self.standings.remove(&subject),
        };
        if let Some(Standing::Due(level)) = before
            && let Some(ready) = self.ready.get_mut(&level)
        {
            ready.remove(&subject);
        }
        self.refused.remove(&subject);
        // Also where it was due before: it may be wanted otherwise, and was not refused so.
        if let Some(Standing::Due(level)) = standing {
            match self.failures.refused(&subject) {
                Some(tries) => self.refused.insert(level, tries, subject.clone()),
                None => drop(self.ready.entry(level).or_default().insert(subject.clone())),
            }
        }
        if before == standing {
            return;
        }
        self.tally
            .change(&subject, before.as_ref(), standing.as_ref());
    }
}
