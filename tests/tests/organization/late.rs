//! A user of the hub's, and a region that joins once she has her password: it lacks it until she
//! signs in at the hub the next time.

use tests::lab::{Lab, succeeded, until_so};

use super::Site;
use super::sign_in::Web;

pub(crate) const NAME: &str = "dora";
const SECRET: &str = "battery horse correct";

/// Her department is the first region's, which keeps its name.
pub(crate) struct Late {
    department: &'static str,
    /// Which site is the last one.
    last: usize,
}

impl Late {
    pub(crate) fn new([first, _, last]: [usize; 3]) -> Self {
        let department = ["research", "research", "Research"][first];
        Self { department, last }
    }

    fn lets_in(&self, site: &Site) -> bool {
        let keystone = &site.keystone;
        keystone.lets_in_of(self.department, NAME, SECRET)
    }

    fn is_at(&self, site: &Site) -> bool {
        let users = site.keystone.told().users;
        users.contains(&(format!("{}/{NAME}", self.department), true))
    }

    /// Makes her, with a password that these regions have.
    pub(crate) fn is_made<'a>(&self, lab: &Lab, sites: impl Iterator<Item = &'a Site>) {
        succeeded(lab.ask(&["org", "create", "user", NAME, "--in", self.department]));
        let password = ["org", "password", self.department, NAME, "--stdin"];
        succeeded(lab.ask_with(&password, SECRET));
        for site in sites {
            until_so("who is there has it", || self.lets_in(site));
        }
    }

    pub(crate) fn gets_her_password(&self, lab: &Lab, sites: &[Site; 3]) {
        assert!(sites.iter().all(|it| self.is_at(it)));
        for (at, site) in sites.iter().enumerate() {
            assert_eq!(self.lets_in(site), at != self.last, "{}", site.region.name);
        }
        let (web, last) = (Web::new(lab), &sites[self.last]);
        let enters = |password| web.enter(Some(self.department), NAME, password).0;
        assert_eq!(enters("not this one"), 401);
        assert!(!self.lets_in(last), "nothing follows from a refusal");
        assert_eq!(enters(SECRET), 201);
        until_so("who came late has it", || self.lets_in(last));
    }

    pub(crate) fn is_deleted(&self, lab: &Lab, sites: &[Site; 3]) {
        let user = [
            "org",
            "delete",
            "user",
            NAME,
            "--in",
            self.department,
            "--yes",
        ];
        succeeded(lab.ask(&user));
        until_so("she is nowhere", || !sites.iter().any(|it| self.is_at(it)));
    }
}
