//! A region that is as it should be, and what is said once one thing of it is not.

use serde_json::json;
use shared::ids::FederationId;
use shared::model::{Department, Group, Link, Marker, Membership, Object, Project, User};

use super::*;

const OURS: FederationId = FederationId::from_bytes([1; 16]);

const RESEARCH: ObjectId = ObjectId::from_bytes([2; 16]);
const WEB: ObjectId = ObjectId::from_bytes([3; 16]);
const ANN: ObjectId = ObjectId::from_bytes([4; 16]);
const STAFF: ObjectId = ObjectId::from_bytes([5; 16]);
const MEMBER: ObjectId = ObjectId::from_bytes([6; 16]);
const OLD: ObjectId = ObjectId::from_bytes([7; 16]);

#[derive(Default)]
struct Stage {
    seen: Seen,
    live: Organization<ObjectId>,
    retired: BTreeSet<ObjectId>,
    ended: BTreeSet<ObjectId>,
    drift: Vec<Value>,
    bound: BTreeMap<(ObjectKind, CloudId), ObjectId>,
    made: BTreeSet<CloudId>,
}

/// What a thing of the directory is called there.
fn here(id: ObjectId) -> CloudId {
    CloudId::new(&format!("there {id}"))
}

fn project(name: &str, enabled: bool) -> Object<ObjectId> {
    Object::Project(Project {
        department: RESEARCH,
        parent: None,
        name: name.to_owned(),
        description: Some(String::new()),
        enabled,
    })
}

fn user(name: &str) -> User<ObjectId> {
    User {
        department: RESEARCH,
        name: name.to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: Some(WEB),
    }
}

fn role(name: &str) -> Object<ObjectId> {
    Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    })
}

impl Stage {
    /// `ann` of `research` is in `staff` and begins in `web`; `old` was retired.
    fn new() -> Self {
        let mut stage = Self::default();
        let research = Object::Department(Department {
            name: "research".to_owned(),
            description: None,
            enabled: true,
        });
        let staff = Object::Group(Group {
            department: RESEARCH,
            name: "staff".to_owned(),
            description: None,
        });
        stage.put(RESEARCH, research);
        stage.put(WEB, project("web", true));
        stage.put(ANN, Object::User(user("ann")));
        stage.put(STAFF, staff);
        stage.put(MEMBER, role("member"));
        // Keystone takes no marker on it.
        stage.seen.markers.remove(&(ObjectKind::Role, here(MEMBER)));
        stage.link();
        stage.put_there(OLD, project("old", false));
        stage.retired.insert(OLD);
        stage
    }

    fn put(&mut self, id: ObjectId, object: Object<ObjectId>) {
        self.live.insert(id, object.clone());
        self.put_there(id, object);
    }

    fn put_there(&mut self, id: ObjectId, object: Object<ObjectId>) {
        let marker = Marker {
            federation: OURS,
            object: id,
        };
        self.seen.markers.insert((object.kind(), here(id)), marker);
        self.put_own(here(id), object);
    }

    fn put_own(&mut self, id: CloudId, object: Object<ObjectId>) {
        let there = object.translated(|_, id| Some(here(*id)));
        self.seen.all.insert(id, there.unwrap());
    }

    fn link(&mut self) {
        let (group, user) = (STAFF, ANN);
        self.live.link(Link::Membership(Membership { group, user }));
        let (group, user) = (here(STAFF), here(ANN));
        let there = Link::Membership(Membership { group, user });
        self.seen.all.link(there);
    }

    fn wrong(&self) -> Vec<String> {
        wrong(&Case {
            seen: &self.seen,
            live: &self.live,
            retired: &self.retired,
            ended: &self.ended,
            drift: &drift_of("north", &self.drift),
            bound: &self.bound,
            made: &self.made,
        })
    }

    /// Just one thing is wrong, and is called that.
    fn says(&self, what: &str) {
        let wrong = self.wrong();
        let [one] = &wrong[..] else {
            panic!("{what:?} is to be wrong alone: {wrong:#?}");
        };
        assert!(one.contains(what), "{what:?} in: {one}");
    }
}

/// `bob` was made there, and is told so.
fn with_bob() -> Stage {
    let mut stage = Stage::new();
    let bob = CloudId::new("bob's");
    stage.put_own(bob.clone(), Object::User(user("bob")));
    let id = Subject::Own(ObjectKind::User, bob.clone()).id().to_string();
    let what = json!([{ "what": "created-here" }]);
    let told = json!({ "region": "north", "id": id, "why": "region", "differences": what });
    stage.drift.push(told);
    stage.made.insert(bob);
    stage
}

#[test]
fn what_is_as_it_should_be_is_not_wrong() {
    assert_eq!(Stage::new().wrong(), [""; 0]);
    assert_eq!(with_bob().wrong(), [""; 0]);
}

#[test]
fn what_is_lacking_is_wrong() {
    let mut stage = Stage::new();
    let sales = Object::Department(Department {
        name: "sales".to_owned(),
        description: None,
        enabled: true,
    });
    stage.live.insert(ObjectId::from_bytes([9; 16]), sales);
    stage.says("there is None");
    let mut stage = Stage::new();
    stage.seen.all.memberships.clear();
    stage.says("the directory's, and not there");
    let mut stage = Stage::new();
    stage
        .live
        .insert(ObjectId::from_bytes([9; 16]), role("reader"));
    stage.says("there is None");
}

#[test]
fn what_is_there_beyond_the_directory_is_wrong_unless_somebody_made_it_and_it_is_told() {
    let mut unmade = with_bob();
    unmade.made.clear();
    unmade.says("nobody made it there");
    let mut untold = with_bob();
    untold.drift.clear();
    untold.says("it is not told");
    let mut elsewhere = with_bob();
    elsewhere.drift[0]["region"] = json!("south");
    elsewhere.says("it is not told");
    let mut stage = Stage::new();
    stage.live.memberships.clear();
    stage.says("there, and not the directory's");
    let mut stage = with_bob();
    stage.seen.all.users.remove(&CloudId::new("bob's"));
    stage.says("is told to differ, and does not");
}

#[test]
fn each_field_that_differs_is_wrong() {
    let change = |change: fn(&mut User<CloudId>)| {
        let mut stage = Stage::new();
        change(stage.seen.all.users.get_mut(&here(ANN)).unwrap());
        stage.says("the directory says Some(User(");
    };
    change(|it| it.name = "Ann".to_owned());
    change(|it| it.description = Some(String::new()));
    change(|it| it.email = Some("ann@example.org".to_owned()));
    change(|it| it.enabled = false);
    change(|it| it.default_project = None);
    change(|it| it.default_project = Some(here(OLD)));
    let mut stage = Stage::new();
    let web = stage.seen.all.projects.get_mut(&here(WEB)).unwrap();
    web.description = None;
    stage.says("the directory says Some(Project(");
}

#[test]
fn one_thing_twice_is_wrong() {
    let mut stage = Stage::new();
    let second = CloudId::new("a second ann");
    let marker = stage.seen.markers[&(ObjectKind::User, here(ANN))];
    stage.put_own(second.clone(), Object::User(user("ann")));
    stage
        .seen
        .markers
        .insert((ObjectKind::User, second), marker);
    let wrong = stage.wrong();
    assert!(wrong[0].contains("twice: User"), "{wrong:#?}");
    let mut stage = Stage::new();
    stage.put_own(CloudId::new("a second member"), role("Member"));
    let wrong = stage.wrong();
    assert!(wrong[0].contains("twice: Role"), "{wrong:#?}");
    let mut stage = Stage::new();
    let marker = stage.seen.markers.values_mut().next().unwrap();
    marker.federation = FederationId::from_bytes([8; 16]);
    stage.says("markers of several federations");
}

#[test]
fn what_ended_is_wrong_unless_it_is_kept_and_off() {
    let mut on = Stage::new();
    on.put_there(OLD, project("old", true));
    on.says("the directory says None");
    let mut deleted = Stage::new();
    deleted.retired.clear();
    deleted.says("the directory says None");
    // Its agent had not come to mark it.
    let mut unmarked = Stage::new();
    let old = (ObjectKind::Project, here(OLD));
    unmarked.seen.markers.remove(&old);
    unmarked.says("nobody made it there");
    unmarked.bound.insert(old, OLD);
    assert_eq!(unmarked.wrong(), [""; 0]);
    // What is live has its marker.
    let mut unmarked = Stage::new();
    let web = (ObjectKind::Project, here(WEB));
    unmarked.seen.markers.remove(&web);
    unmarked.bound.insert(web, WEB);
    assert!(!unmarked.wrong().is_empty());
    // With its department all is kept that was in it; but not whom somebody deleted before.
    let mut stage = Stage::new();
    stage.live = Organization::default();
    stage.live.insert(MEMBER, role("member"));
    stage.retired.insert(RESEARCH);
    stage.seen.all.users.get_mut(&here(ANN)).unwrap().enabled = false;
    stage.seen.all.projects.get_mut(&here(WEB)).unwrap().enabled = false;
    let research = stage.seen.all.departments.get_mut(&here(RESEARCH));
    research.unwrap().enabled = false;
    assert_eq!(stage.wrong(), [""; 0]);
    stage.ended.insert(ANN);
    stage.says(&format!("user {ANN}"));
}

#[test]
fn a_name_for_the_meantime_that_is_left_is_wrong() {
    let mut stage = Stage::new();
    stage.put(WEB, project("web~1", true));
    stage.says("a name for the meantime");
}
