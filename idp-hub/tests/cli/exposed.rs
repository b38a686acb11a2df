//! Who is in somebody's power, where these are more than a page.

use idp_hub::directory::Edit;
use idp_hub::store::Store;
use shared::ids::ObjectId;
use shared::model::{
    Actor, Assignment, Department, Group, Link, Membership, Object, Role, Scope, User,
};
use shared::runtime::clock::Clock;

use super::kit::Hub;

/// As many as the command line asks for at once, and one more.
const MANY: u16 = 1001;

const OPS: ObjectId = ObjectId::from_bytes([1; 16]);
const STAFF: ObjectId = ObjectId::from_bytes([2; 16]);
const ADMIN: ObjectId = ObjectId::from_bytes([3; 16]);

fn user(number: u16) -> ObjectId {
    ObjectId::from_random(1000 + u128::from(number))
}

fn named(name: &str) -> Object<ObjectId> {
    Object::User(User {
        department: OPS,
        name: name.to_owned(),
        description: None,
        email: None,
        enabled: true,
        default_project: None,
    })
}

fn role(name: &str) -> Object<ObjectId> {
    Object::Role(Role {
        department: None,
        name: name.to_owned(),
        description: None,
    })
}

/// All users of a department have the role `admin` there, by their group.
fn all() -> Vec<Edit> {
    let ops = Object::Department(Department {
        name: "ops".to_owned(),
        description: None,
        enabled: true,
    });
    let staff = Object::Group(Group {
        department: OPS,
        name: "staff".to_owned(),
        description: None,
    });
    let things = [(OPS, ops), (STAFF, staff), (ADMIN, role("admin"))];
    let users = (0..MANY).map(|it| (user(it), named(&format!("user-{it}"))));
    let things = things.into_iter().chain(users);
    let things = things.map(|(id, object)| Edit::Create { id, object });
    let members = (0..MANY).map(|it| {
        let (group, user) = (STAFF, user(it));
        Edit::Link(Link::Membership(Membership { group, user }))
    });
    let admins = Edit::Entrust(Link::Assignment(Assignment {
        actor: Actor::Group(STAFF),
        scope: Scope::Department(OPS),
        role: ADMIN,
        inherited: false,
    }));
    things.chain(members).chain([admins]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_them_are_listed() {
    let mut hub = Hub::new("");
    hub.init();
    let (store, thread) = Store::open(&hub.path("data/hub.db"), Clock::system()).unwrap();
    let made = store.change(|it| {
        let mut edits = all().into_iter();
        edits.try_for_each(|edit| it.edit(edit, "boss").map(drop))
    });
    made.await.unwrap();
    store.close().await;
    thread.join();
    hub.serve();
    let listed = hub.json(&["org", "exposed"]);
    assert_eq!(listed["count"], MANY);
    assert_eq!(listed["items"].as_array().unwrap().len(), usize::from(MANY));
    let text = hub.told(&["org", "exposed"]);
    assert!(text.lines().count() > usize::from(MANY), "{text}");
}
