//! How all comes to rest, and what must hold then.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::ids::ObjectId;
use shared::model::ObjectKind;

use super::Run;
use super::verdict::{Case, drift_of, wrong};
use crate::lab::{Lab, succeeded};

/// How long a second sync is waited for: an agent reads its cloud every 10 s.
const SECOND_SYNC: Duration = Duration::from_secs(12);

impl Run {
    /// Until each Keystone is what the directory says, no more and no less, and no drift is left
    /// to answer.
    pub(super) fn settle(&mut self) {
        self.revive();
        self.faults(0, 0);
        for site in &self.sites {
            succeeded(self.lab.ask(&["org", "policy", site.name, "ask"]));
        }
        self.until_settled();
        let ended = self.rest.ended();
        self.holds(self.wrong(&ended));
        self.holds(self.gone(&ended));
    }

    fn until_settled(&mut self) {
        let deadline = Lab::now() + self.soak.patience;
        loop {
            let left = self.left();
            if left.is_empty() {
                return;
            }
            if Lab::now() >= deadline {
                self.holds(left);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Fails with what does not hold.
    fn holds(&self, wrong: Vec<String>) {
        let seed = self.soak.seed;
        assert!(
            wrong.is_empty(),
            "seed {seed}: {wrong:#?}\n{}",
            self.around()
        );
    }

    /// What the hub tells of the regions: for whoever looks for the reason.
    fn around(&self) -> String {
        let mut text = String::new();
        for path in ["/directory/drift", "/directory/failures"] {
            for it in self.rest.items(path) {
                text.push_str(&format!("{path} {it}\n"));
            }
        }
        text
    }

    /// What is not yet as it should be.
    fn left(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        for it in self.rest.drift() {
            self.rest.cure(&it);
            left.push(it.to_string());
        }
        left.extend(self.help());
        left.extend(self.waiting());
        // Reading all that a real one has is slow, and useless before.
        if left.is_empty() {
            left = self.wrong(&BTreeSet::new());
        }
        left
    }

    /// In what the regions are not as they should be. `ended` is what somebody ended, where that
    /// was asked for.
    fn wrong(&self, ended: &BTreeSet<ObjectId>) -> Vec<String> {
        let (live, retired) = (self.rest.directory(), self.rest.retired());
        let drift = self.rest.items("/directory/drift");
        let mut all = Vec::new();
        for site in &self.sites {
            let case = Case {
                seen: &site.place().seen(),
                live: &live,
                retired: &retired,
                ended,
                drift: &drift_of(site.name, &drift),
                bound: &site.bound,
                made: &site.kept.made,
            };
            let wrong = wrong(&case).into_iter();
            all.extend(wrong.map(|it| format!("{}: {it}", site.name)));
        }
        all
    }

    /// What is gone, and neither somebody there nor the federation's administrators have deleted.
    fn gone(&self, ended: &BTreeSet<ObjectId>) -> Vec<String> {
        let live = self.rest.directory();
        let mut all = Vec::new();
        for site in &self.sites {
            let mut gone = site.kept.gone(&site.place().organization());
            gone.retain(|thing| {
                let was = site.was(thing);
                let is_kept = matches!(thing.0, ObjectKind::Department | ObjectKind::Project);
                let is_ended = |id: &ObjectId| ended.contains(id) && !live.has(thing.0, id);
                is_kept || !was.is_some_and(is_ended)
            });
            let told = gone.iter().map(|it| {
                let was = site.was(it);
                format!(
                    "{}: what tenants made is gone: {it:?}, which was {was:?}",
                    site.name
                )
            });
            all.extend(told);
        }
        all
    }

    /// What agents have yet to do, as the hub tells of them: also what is to go, which the others
    /// don't show.
    fn waiting(&self) -> Vec<String> {
        let all = self.rest.items("/directory/progress");
        let waiting = all.into_iter().filter(|it| {
            let none = |count| it["progress"][count] == 0;
            let is_done = ["under_way", "waiting", "removals_held", "failed"];
            it["untold"] != 0 || !is_done.into_iter().all(none)
        });
        waiting.map(|it| it.to_string()).collect()
    }

    /// Neither another sync nor another start asks for any write.
    pub(super) fn writes_nothing_more(&mut self) {
        let before: Vec<_> = self.sites.iter().map(|it| it.writes()).collect();
        for site in &mut self.sites {
            site.agent.daemon.kill();
            site.agent.daemon.again();
        }
        std::thread::sleep(SECOND_SYNC);
        // Until the agents have read all and say so.
        self.until_settled();
        let all = self.sites.iter().zip(before);
        let written = all.flat_map(|(site, before)| site.written_since(before));
        self.holds(written.collect());
    }
}
