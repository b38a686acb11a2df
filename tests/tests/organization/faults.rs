//! A Keystone that fails while the directory is applied to it, and an agent that is killed: the end
//! is the same, nothing is there twice, and once all is in place nothing is written any more.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::keystone::{Fault, Faults, SimulatedKeystone};
use tests::lab::{Lab, until_so};

use super::keystone::Keystone;

/// The agent reads the organization every 10 s: two rounds of it.
const TWO_ROUNDS: Duration = Duration::from_secs(21);

fn furnish(keystone: &mut Keystone) {
    keystone.play("d POST /domains {\"domain\": {\"name\": \"research\"}}");
    for number in 0..10 {
        let parent = match number % 3 {
            0 => "$d".to_owned(),
            _ => format!("$p{}", number - 1),
        };
        keystone.play(&format!(
            "p{number} POST /projects {{\"project\": {{\"name\": \"p{number}\", \
             \"domain_id\": \"$d\", \"parent_id\": \"{parent}\"}}}}\n\
             g{number} POST /groups {{\"group\": {{\"name\": \"g{number}\", \
             \"domain_id\": \"$d\"}}}}\n\
             - PUT /projects/$p{number}/groups/$g{number}/roles/$member"
        ));
        for user in 0..4 {
            keystone.play(&format!(
                "u{number}_{user} POST /users {{\"user\": {{\"name\": \"u{number}_{user}\", \
                 \"domain_id\": \"$d\"}}}}\n\
                 - PUT /groups/$g{number}/users/$u{number}_{user}\n\
                 - PUT /projects/$p{number}/users/$u{number}_{user}/roles/$reader"
            ));
        }
    }
}

/// How often each name is there, whatever the kind.
fn twice(keystone: &SimulatedKeystone) -> Vec<(String, usize)> {
    let organization = keystone.organization();
    let users = organization.users.values().map(|it| it.name.clone());
    let projects = organization.projects.values().map(|it| it.name.clone());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    users
        .filter(|it| it.starts_with('u'))
        .chain(projects.filter(|it| it.starts_with('p')))
        .for_each(|it| *counts.entry(it).or_default() += 1);
    counts.into_iter().filter(|(_, count)| *count > 1).collect()
}

#[test]
fn a_keystone_that_fails_and_an_agent_that_is_killed_end_as_they_should() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (north, south) = SimulatedKeystone::pair(&runtime);
    let mut source = Keystone::new(north.admin());
    let target = Keystone::new(south.admin());
    furnish(&mut source);
    let (status, _) = south.ask("POST", "/domains", &json!({"domain": {"name": "own"}}));
    assert_eq!(status, 201);
    let lab = Lab::found();
    let _north = lab.join_keystone("north", &north);
    let mut agent = lab.join_keystone("south", &south);
    lab.merge("north");
    south.fail(Faults::of(0x5eed, 160, &Fault::ALL).of_writes());
    lab.merge("south");
    for writes in [20, 60] {
        until_so("the agent writes", || south.writes() > writes);
        agent.daemon.kill();
        agent.daemon.again();
    }
    until_so("the Keystones are equal", || source.told() == target.told());
    assert_eq!(twice(&south), []);
    assert_eq!(source.told().users.len(), 40);
    let own = target.told().departments;
    assert!(own.contains(&("own".to_owned(), true)), "{own:?}");

    south.fail(Faults::none());
    std::thread::sleep(TWO_ROUNDS);
    let (before_south, before_north) = (south.writes(), north.writes());
    agent.daemon.kill();
    agent.daemon.again();
    std::thread::sleep(TWO_ROUNDS);
    assert_eq!(
        south.writes(),
        before_south,
        "all is in place: {:?}",
        south.counts()
    );
    assert_eq!(north.writes(), before_north);
    let (status, _) = south.ask("GET", "/domains/none", &Value::Null);
    assert_eq!(status, 404);
}
