//! What a hub decides about a region's thing while that goes on: scripted, step by step.

use idp_hub::directory::{Edit, Reason};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use shared::ids::ObjectId;
use shared::model::{CloudId, DriftKind, Object, ObjectKind, Project, RemarkState, Role, Subject};

use super::agent::Agent;
use super::check::{differing, disowns};
use super::hub::Hub;
use super::local::{Kept, give_way};
use super::site::Site;
use super::there::{delete, find, left_out};

const SHOP: ObjectId = ObjectId::from_bytes([9; 16]);

const STORE: ObjectId = ObjectId::from_bytes([10; 16]);

/// A merged region with the department `research`, of which all is in place.
async fn merged() -> (Hub, Agent, ChaCha8Rng) {
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let mut hub = Hub::found().await;
    let site = Site::start(1, false).await;
    let research = json!({ "domain": { "name": "research" } });
    site.keystone.made("/domains", &research);
    let mut agent = Agent::start(hub.region(0).await, site, 3).await;
    agent.tell(&mut hub).await;
    hub.merge(0).await;
    rest(&mut agent, &mut hub, &mut chance).await;
    (hub, agent, chance)
}

/// The agent tells that what the hub took for it is another one, and merging again sorts it out.
async fn disowned_and_merged_again(agent: &mut Agent, hub: &mut Hub, chance: &mut ChaCha8Rng) {
    rest(agent, hub, chance).await;
    assert!(disowns(agent), "it tells that this is another one");
    hub.merge(0).await;
    rest(agent, hub, chance).await;
    assert!(!disowns(agent));
    assert_eq!(differing(agent, &hub.expected), [].into());
}

/// Hears, does and tells all.
async fn rest(agent: &mut Agent, hub: &mut Hub, chance: &mut ChaCha8Rng) {
    agent.hear(hub, None).await;
    agent.read();
    agent.run(chance).await;
    agent.tell(hub).await;
}

fn department(hub: &Hub) -> ObjectId {
    let departments = &hub.expected.live().departments;
    let mut all = departments.iter().filter(|(_, it)| it.name == "research");
    *all.next().unwrap().0
}

/// Projects of this name in the region.
fn named(agent: &Agent, name: &str) -> Vec<CloudId> {
    let projects = agent.site.keystone.organization().projects;
    let named = projects.into_iter().filter(|(_, it)| it.name == name);
    named.map(|(id, _)| id).collect()
}

async fn make(hub: &mut Hub, id: ObjectId, name: &str) {
    make_in(hub, None, id, name).await;
}

async fn make_in(hub: &mut Hub, parent: Option<ObjectId>, id: ObjectId, name: &str) {
    let object = Object::Project(Project {
        department: department(hub),
        parent,
        name: name.to_owned(),
        // As Keystone keeps none.
        description: Some(String::new()),
        enabled: true,
    });
    assert!(hub.edit(Edit::Create { id, object }).await);
}

async fn make_role(hub: &mut Hub, id: ObjectId, name: &str) {
    let object = Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    });
    assert!(hub.edit(Edit::Create { id, object }).await);
}

/// In what the project `shop` differs, and what the hub says to both answers, where it refuses.
async fn refused(hub: &mut Hub) -> (Vec<DriftKind>, Vec<String>) {
    let drift = hub.drift(None).await;
    let [it] = &drift[..] else {
        panic!("{drift:#?}");
    };
    assert_eq!(
        it.remark.subject,
        Subject::Object(ObjectKind::Project, SHOP)
    );
    let RemarkState::Drift { what, .. } = &it.remark.state else {
        panic!("{it:?}");
    };
    let mut refusals = Vec::new();
    for adopts in [false, true] {
        refusals.extend(hub.cure(it, adopts).await.err());
    }
    (what.iter().map(|it| it.what).collect(), refusals)
}

/// Both answers are refused, and say what to do there.
async fn is_told_to_delete(hub: &mut Hub, expected: DriftKind) {
    let (what, refusals) = refused(hub).await;
    assert_eq!(what, [expected]);
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    let is_told = |it: &String| it.contains("delete it there");
    assert!(refusals.iter().all(is_told), "{refusals:?}");
}

/// A namesake that the region made itself.
fn make_there(agent: &Agent) -> CloudId {
    let keystone = &agent.site.keystone;
    let departments = keystone.organization().departments;
    let mut research = departments.iter().filter(|(_, it)| it.name == "research");
    let research = research.next().unwrap().0.to_string();
    let body = json!({ "project": { "name": "shop", "domain_id": research } });
    keystone.made("/projects", &body);
    named(agent, "shop").remove(0)
}

#[tokio::test]
async fn what_was_decided_of_a_namesake_that_is_none_any_more_is_decided_anew() {
    let (mut hub, mut agent, mut chance) = merged().await;
    let there = make_there(&agent);
    make(&mut hub, SHOP, "shop").await;
    rest(&mut agent, &mut hub, &mut chance).await;
    // The name is taken, and the hub takes the region's for its own.
    hub.merge(0).await;
    // Its tenant gives it another name before the agent hears of that, which makes one then.
    give_way(&agent.site.keystone, ObjectKind::Project, &there, "store");
    agent.read();
    agent.run(&mut chance).await;
    let made = named(&agent, "shop");
    assert_eq!(made.len(), 1);
    disowned_and_merged_again(&mut agent, &mut hub, &mut chance).await;
    let known = agent.known();
    assert_eq!(known[&(ObjectKind::Project, made[0].clone())], SHOP);
    assert_eq!(hub.expected.live().projects.len(), 3, "and the founded one");
    assert_eq!(named(&agent, "store"), [there]);
}

#[tokio::test]
async fn a_hub_of_an_older_backup_knows_a_thing_by_its_marker_whatever_its_name_is() {
    let (mut hub, mut agent, mut chance) = merged().await;
    hub.back_up();
    make(&mut hub, SHOP, "shop").await;
    rest(&mut agent, &mut hub, &mut chance).await;
    let here = named(&agent, "shop").remove(0);
    hub.set_back().await;
    // Another one, which has the name there by then.
    make(&mut hub, STORE, "store").await;
    give_way(&agent.site.keystone, ObjectKind::Project, &here, "store");
    rest(&mut agent, &mut hub, &mut chance).await;
    hub.merge(0).await;
    rest(&mut agent, &mut hub, &mut chance).await;
    let known = agent.known();
    assert_eq!(known[&(ObjectKind::Project, here.clone())], SHOP);
    // Its operator does what he is told to.
    give_way(&agent.site.keystone, ObjectKind::Project, &here, "shop");
    rest(&mut agent, &mut hub, &mut chance).await;
    hub.merge(0).await;
    rest(&mut agent, &mut hub, &mut chance).await;
    assert_eq!(differing(&agent, &hub.expected), [].into());
    assert_eq!(named(&agent, "shop"), [here]);
    assert_eq!(hub.expected.live().projects[&SHOP].name, "shop");
    assert_eq!(named(&agent, "store").len(), 1);
}

#[tokio::test]
async fn a_project_that_was_recognized_in_another_place_is_made_anew_in_its_own_once_deleted() {
    let (mut hub, mut agent, mut chance) = merged().await;
    let there = make_there(&agent);
    make(&mut hub, STORE, "store").await;
    make_in(&mut hub, Some(STORE), SHOP, "shop").await;
    rest(&mut agent, &mut hub, &mut chance).await;
    hub.merge(0).await;
    rest(&mut agent, &mut hub, &mut chance).await;
    assert_eq!(find(&agent, ObjectKind::Project, SHOP), Some(there.clone()));
    is_told_to_delete(&mut hub, DriftKind::Moved).await;
    // Its operator does what he is told to.
    let mut kept = Kept::default();
    delete(&agent, &mut kept, ObjectKind::Project, &there);
    rest(&mut agent, &mut hub, &mut chance).await;
    let made = find(&agent, ObjectKind::Project, SHOP).unwrap();
    let outer = find(&agent, ObjectKind::Project, STORE);
    assert_eq!(
        agent.site.keystone.organization().projects[&made].parent,
        outer
    );
    assert_eq!(hub.drift(None).await, []);
    assert_eq!(differing(&agent, &hub.expected), [].into());
}

#[tokio::test]
async fn what_a_hub_of_an_older_backup_retired_with_its_department_goes_by_hand_alone() {
    let (mut hub, mut agent, mut chance) = merged().await;
    hub.back_up();
    make(&mut hub, SHOP, "shop").await;
    rest(&mut agent, &mut hub, &mut chance).await;
    hub.set_back().await;
    let (kind, id) = (ObjectKind::Department, department(&hub));
    assert!(hub.edit(Edit::End { kind, id }).await);
    rest(&mut agent, &mut hub, &mut chance).await;
    hub.merge(0).await;
    rest(&mut agent, &mut hub, &mut chance).await;
    is_told_to_delete(&mut hub, DriftKind::NotInDirectory).await;
    let here = named(&agent, "shop").remove(0);
    let why = left_out(&hub, 0, ObjectKind::Project, &here).await;
    assert_eq!(why, Some(Reason::AboveIsOut));
    // Its operator does what he is told to.
    let mut kept = Kept::default();
    delete(&agent, &mut kept, ObjectKind::Project, &here);
    rest(&mut agent, &mut hub, &mut chance).await;
    assert_eq!(hub.drift(None).await, []);
    assert_eq!(differing(&agent, &hub.expected), [].into());
}

#[tokio::test]
async fn a_role_that_was_taken_for_its_namesake_is_told_from_it_once_it_is_known_again() {
    const AUDITOR: ObjectId = ObjectId::from_bytes([11; 16]);
    const NAMESAKE: ObjectId = ObjectId::from_bytes([12; 16]);
    let (mut hub, mut agent, mut chance) = merged().await;
    hub.back_up();
    make_role(&mut hub, AUDITOR, "auditor").await;
    rest(&mut agent, &mut hub, &mut chance).await;
    let role = find(&agent, ObjectKind::Role, AUDITOR).unwrap();
    hub.set_back().await;
    make_role(&mut hub, NAMESAKE, "auditor").await;
    agent.tell(&mut hub).await;
    // It is what its name says, as far as the hub knows by then.
    hub.merge(0).await;
    // And comes back before the agent hears, as by the merge of another region.
    make_role(&mut hub, AUDITOR, "inspector").await;
    disowned_and_merged_again(&mut agent, &mut hub, &mut chance).await;
    assert_eq!(find(&agent, ObjectKind::Role, AUDITOR), Some(role));
}
