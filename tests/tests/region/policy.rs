//! What a region's operator does not allow does not happen there, whatever the hub says and however
//! often the agent is killed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded, until, until_so};

use super::{has, is_in_place, join, progress};

fn killed(agent: &mut Region) {
    agent.daemon.kill();
    agent.daemon.again();
}

/// A department of the region's own, with two users.
fn furnish(keystone: &SimulatedKeystone, department: &str, users: [&str; 2]) -> String {
    let domain = keystone.made("/domains", &json!({ "domain": { "name": department } }));
    for name in users {
        let body = json!({ "user": { "name": name, "domain_id": domain } });
        keystone.made("/users", &body);
    }
    domain
}

#[test]
fn a_region_that_takes_no_changes_gets_not_one_write_and_all_of_them_later() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    furnish(&north, "research", ["ann", "bob"]);
    furnish(&south, "research", ["cid", "dan"]);
    let lab = Lab::found();
    let _north = lab.join_keystone("north", &north);
    let mut agent = join(&lab, "south", &south, "read_only = true");
    let before = south.organization();
    lab.merge("north");
    lab.merge("south");
    succeeded(lab.ask(&["org", "create", "user", "eve", "--in", "research"]));
    succeeded(lab.ask(&["org", "delete", "user", "bob", "--in", "research", "--yes"]));
    let password = ["org", "password", "research", "eve", "--stdin"];
    succeeded(lab.ask_with(&password, "correct horse battery"));
    until("eve is in the other region", || {
        has(&north, "eve").then_some(())
    });
    until_so("it is told what is missing", || {
        let told = progress(&lab, "south");
        told["read_only"] == true && told["drift"].as_u64() > Some(0)
    });
    for _ in 0..3 {
        killed(&mut agent);
        // It reads all again, and has all the time to write.
        std::thread::sleep(Duration::from_secs(6));
    }
    until_so("it is told again", || {
        progress(&lab, "south")["read_only"] == true
    });
    assert_eq!(south.writes(), 0, "{:?}", south.written(10));
    assert_eq!(south.organization(), before);

    let config = std::fs::read_to_string(agent.config()).unwrap();
    let config = config.replace("read_only = true", "read_only = false");
    std::fs::write(agent.config(), config).unwrap();
    agent.daemon.signal("HUP");
    until_so("all is there", || is_in_place(&lab, "south"));
    assert!(has(&south, "eve") && has(&south, "ann") && !has(&south, "bob"));
    assert!(south.writes() > 0);
}

/// When users went, as seen by looking.
fn when_gone(
    keystone: &SimulatedKeystone,
    names: &[String],
    mut meanwhile: impl FnMut(usize),
) -> Vec<Instant> {
    let mut gone = Vec::new();
    let deadline = Lab::now() + Duration::from_secs(240);
    while gone.len() < names.len() {
        let left = names.iter().filter(|it| has(keystone, it)).count();
        for _ in gone.len()..names.len() - left {
            gone.push(Lab::now());
        }
        assert!(Lab::now() < deadline, "{left} are still there");
        meanwhile(gone.len());
        std::thread::sleep(Duration::from_millis(200));
    }
    gone
}

#[test]
fn no_more_is_removed_in_a_minute_than_is_allowed_however_often_the_agent_is_killed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, _) = SimulatedKeystone::pair(&runtime);
    let lab = Lab::found();
    let mut agent = join(&lab, "north", &north, "removals_max = 2");
    lab.merge("north");
    succeeded(lab.ask(&["org", "create", "department", "research"]));
    let names: Vec<String> = (0..5).map(|it| format!("u{it}")).collect();
    for name in &names {
        succeeded(lab.ask(&["org", "create", "user", name, "--in", "research"]));
    }
    until_so("all are there", || names.iter().all(|it| has(&north, it)));
    until_so("and that is known", || is_in_place(&lab, "north"));
    // They are all to go at once.
    agent.daemon.kill();
    for name in &names {
        succeeded(lab.ask(&["org", "delete", "user", name, "--in", "research", "--yes"]));
    }
    agent.daemon.again();
    let mut looks = 0;
    let gone = when_gone(&north, &names, |_| {
        looks += 1;
        // Every four seconds and a half: it has just time to read what it needs.
        if looks % 22 == 0 {
            killed(&mut agent);
        }
    });
    let after = |of: usize| gone[of].duration_since(gone[0]);
    // A batch is a minute's; one is told late, by what a look takes.
    assert!(after(2) >= Duration::from_secs(57), "{:?}", after(2));
    assert!(after(4) >= Duration::from_secs(117), "{:?}", after(4));
}

/// All that is the region's own: Default, its department, and what hangs on them.
fn own(keystone: &SimulatedKeystone, departments: &[&str], user: &str) -> BTreeSet<String> {
    let all = keystone.organization();
    let is_of = |id: &_| {
        let of = all.departments.get(id);
        of.is_some_and(|it| departments.contains(&it.name.as_str()))
    };
    let mut own = BTreeSet::new();
    let mut keep = |it: &dyn std::fmt::Debug| {
        own.insert(format!("{it:?}"));
    };
    all.departments
        .iter()
        .filter(|it| is_of(it.0))
        .for_each(|it| keep(&it));
    let projects = all.projects.iter();
    projects
        .filter(|it| is_of(&it.1.department))
        .for_each(|it| keep(&it));
    let groups = all.groups.iter();
    groups
        .filter(|it| is_of(&it.1.department))
        .for_each(|it| keep(&it));
    let users = all.users.iter();
    let is_own = |it: &shared::model::User<_>| it.name == user || is_of(&it.department);
    let users: Vec<_> = users.filter(|it| is_own(it.1)).collect();
    users.iter().for_each(|it| keep(it));
    let ids: BTreeSet<_> = users.iter().map(|it| it.0).collect();
    let is_theirs = |link: &shared::model::Link<_>| {
        let mut ends = link.ends();
        ends.any(|(_, id)| ids.contains(id) || is_of(id))
    };
    all.links()
        .filter(|it| is_theirs(it))
        .for_each(|it| keep(&it));
    own
}

#[test]
fn what_is_protected_and_default_are_as_they_were_after_a_merge_and_orders_about_them() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let departments = ["Default", "Operations"];
    furnish(&north, "research", ["ann", "bob"]);
    // The other region's directory has both names too.
    furnish(&north, "Operations", ["eva", "fay"]);
    furnish(&south, "Operations", ["cid", "dan"]);
    furnish(&south, "science", ["backup-operator", "gil"]);
    let before = own(&south, &departments, "backup-operator");
    assert!(before.len() >= 8, "{before:#?}");
    let lab = Lab::found();
    let _north = lab.join_keystone("north", &north);
    let policy = "protected_departments = [\"Operations\"]\n\
                  protected_users = [\"backup-operator\"]\nwithdrawals_max = 500";
    let mut agent = join(&lab, "south", &south, policy);
    lab.merge("north");
    lab.merge("south");
    until("what is not protected is merged", || {
        has(&south, "ann").then_some(())
    });
    let hears = |words: &[&str]| drop(lab.ask(words));
    // Whatever of this the hub takes.
    hears(&[
        "org",
        "set",
        "user",
        "backup-operator",
        "--in",
        "science",
        "--disable",
    ]);
    hears(&[
        "org",
        "delete",
        "user",
        "backup-operator",
        "--in",
        "science",
        "--yes",
    ]);
    hears(&["org", "create", "user", "eve", "--in", "Operations"]);
    hears(&[
        "org",
        "delete",
        "user",
        "cid",
        "--in",
        "Operations",
        "--yes",
    ]);
    hears(&["org", "retire", "department", "Operations", "--yes"]);
    hears(&["org", "retire", "department", "Default", "--yes"]);
    killed(&mut agent);
    succeeded(lab.ask(&["org", "create", "user", "last", "--in", "research"]));
    until("it goes on with the rest", || {
        has(&south, "last").then_some(())
    });
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(own(&south, &departments, "backup-operator"), before);
}
