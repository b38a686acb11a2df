//! A user of the hub's, and a region that joins once she has her password: it lacks it until she
//! signs in at the hub the next time.

use tests::lab::{Lab, succeeded, until_so};

use super::Site;
use super::sign_in::Web;

/// That of the region that came first keeps its name.
const DEPARTMENT: &str = "Research";
pub(crate) const NAME: &str = "dora";
const SECRET: &str = "battery horse correct";

fn lets_in(site: &Site) -> bool {
    site.keystone.lets_in_of(DEPARTMENT, NAME, SECRET)
}

/// Makes her, with a password that these regions have.
pub(crate) fn is_made<'a>(lab: &Lab, sites: impl Iterator<Item = &'a Site>) {
    succeeded(lab.ask(&["org", "create", "user", NAME, "--in", DEPARTMENT]));
    let password = ["org", "password", DEPARTMENT, NAME, "--stdin"];
    succeeded(lab.ask_with(&password, SECRET));
    for site in sites {
        until_so("who is there has it", || lets_in(site));
    }
}

fn is_there(site: &Site) -> bool {
    let users = site.keystone.told().users;
    users.contains(&(format!("{DEPARTMENT}/{NAME}"), true))
}

/// `sites[0]` came last.
pub(crate) fn gets_her_password(lab: &Lab, sites: &[Site; 3]) {
    assert!(sites.iter().all(is_there));
    assert_eq!(sites.each_ref().map(lets_in), [false, true, true]);
    let web = Web::new(lab);
    let enters = |password| web.enter(Some(DEPARTMENT), NAME, password).0;
    assert_eq!(enters("not this one"), 401);
    assert!(!lets_in(&sites[0]), "nothing follows from a refusal");
    assert_eq!(enters(SECRET), 201);
    until_so("who came late has it", || lets_in(&sites[0]));
}

pub(crate) fn is_deleted(lab: &Lab, sites: &[Site; 3]) {
    let user = ["org", "delete", "user", NAME, "--in", DEPARTMENT, "--yes"];
    succeeded(lab.ask(&user));
    until_so("she is nowhere", || !sites.iter().any(is_there));
}
