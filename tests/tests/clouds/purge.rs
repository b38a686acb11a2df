//! A project of the directory with things in two real clouds: retired at the hub, it is switched off
//! with all that is in it, which is counted; and it is purged once each cloud says that nothing is
//! in it, and not before.

use serde_json::{Value, json};
use tests::lab::{Lab, until};
use tests::openstack::Admin;

use super::leftover::{follow, is_the_part, leftover, share};
use super::quota::{
    DORA, ask, id_in, is_used_by_dora, limit_in, quotas_are_told, resource, sum_in,
};

const PROJECT: &str = "shop";

/// Something in a cloud: the type of the service that has it, and where.
type Thing = (&'static str, String);

/// What somebody has in a cloud.
#[derive(Default)]
struct Things {
    /// What a region's agent tells the hub of, what stands on something else before that.
    counted: Vec<Thing>,
    /// What it finds when it is to purge.
    others: Vec<Thing>,
}

/// A cloud, and what it calls the project.
struct Site<'a> {
    region: &'static str,
    admin: &'a Admin,
    id: String,
    things: Things,
}

impl Site<'_> {
    /// Whether it is switched on, if it is there, by the cloud's own Keystone.
    fn is_on(&self) -> Option<bool> {
        let path = format!("/projects/{}", self.id);
        match self.admin.ask("GET", &path, &Value::Null) {
            (404, _) => None,
            (_, answer) => Some(answer["project"]["enabled"].as_bool().unwrap()),
        }
    }

    fn has(&self, (service, path): &Thing) -> bool {
        let asked = self.admin.ask_service(service, ("GET", path), &Value::Null);
        match asked.0 {
            200 => true,
            404 => false,
            status => panic!("{path}: {status} {}", asked.1),
        }
    }

    /// The cloud's own administrator takes these out, one after another.
    fn loses(&self, things: &[Thing]) {
        for thing in things {
            let (service, path) = thing;
            let (status, answer) = self
                .admin
                .ask_service(service, ("DELETE", path), &Value::Null);
            assert!((200..300).contains(&status), "{path}: {status} {answer}");
            until(path, || (!self.has(thing)).then_some(()));
        }
    }

    fn limits(&self, resources: [&str; 4]) -> [i64; 4] {
        resources.map(|it| limit_in(self.admin, &self.id, it))
    }
}

/// Makes something, and returns where it is.
fn made(who: &Admin, (service, path): (&'static str, &str), body: &Value) -> Thing {
    let (status, answer) = who.ask_service(service, ("POST", path), body);
    assert!((200..300).contains(&status), "{path}: {status} {answer}");
    let made = match answer["id"].is_string() {
        true => &answer,
        false => answer.as_object().unwrap().values().next().unwrap(),
    };
    (service, format!("{path}/{}", made["id"].as_str().unwrap()))
}

/// The id of what was made.
fn id((_, path): &Thing) -> &str {
    path.rsplit('/').next().unwrap()
}

/// The id of what is called so in a list.
fn named(who: &Admin, (service, path, list): (&str, &str, &str), name: &str) -> String {
    let (_, answer) = who.ask_service(service, ("GET", path), &Value::Null);
    let mut all = answer[list].as_array().unwrap().iter();
    let found = all.find(|it| it["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {answer}"));
    found["id"].as_str().unwrap().to_owned()
}

fn becomes(who: &Admin, (service, path): &Thing, member: &str, state: &str) {
    until(&format!("{path} is {state}"), || {
        let (_, answer) = who.ask_service(service, ("GET", path), &Value::Null);
        (answer[member]["status"] == state).then_some(())
    });
}

/// A server on a network of her own, a volume with a snapshot, and what no region tells of: the
/// last that a service makes is that which [`uses`] looks at.
fn made_in_north(dora: &Admin) -> Things {
    let near = json!({"server_group": {"name": "near", "policies": ["affinity"]}});
    let doors = json!({"security_group": {"name": "doors"}});
    let disk = json!({"name": "disk", "disk_format": "raw", "container_format": "bare"});
    let others = vec![
        made(dora, ("compute", "/os-server-groups"), &near),
        made(dora, ("network", "/v2.0/security-groups"), &doors),
        made(dora, ("image", "/v2/images"), &disk),
    ];
    let volume = json!({"volume": {"size": 1, "name": "goods"}});
    let volume = made(dora, ("block-storage", "/volumes"), &volume);
    let network = json!({"network": {"name": "inner"}});
    let network = made(dora, ("network", "/v2.0/networks"), &network);
    let subnet = json!({"subnet": {
        "network_id": id(&network), "ip_version": 4, "cidr": "10.9.0.0/24"}});
    made(dora, ("network", "/v2.0/subnets"), &subnet);
    let server = json!({"server": {
        "name": "till", "networks": [{"uuid": id(&network)}],
        "flavorRef": named(dora, ("compute", "/flavors", "flavors"), "small"),
        "imageRef": named(dora, ("image", "/v2/images", "images"), "cirros")}});
    let server = made(dora, ("compute", "/servers"), &server);
    becomes(dora, &volume, "volume", "available");
    let snapshot = json!({"snapshot": {"volume_id": id(&volume), "name": "kept"}});
    let snapshot = made(dora, ("block-storage", "/snapshots"), &snapshot);
    becomes(dora, &snapshot, "snapshot", "available");
    becomes(dora, &server, "server", "ACTIVE");
    Things {
        counted: vec![server, snapshot, volume, network],
        others,
    }
}

/// A floating IP of the cloud's own outer network, and a router.
fn made_in_south(admin: &Admin, dora: &Admin) -> Things {
    let outside = json!({"network": {"name": "outside", "router:external": true}});
    let outside = made(admin, ("network", "/v2.0/networks"), &outside);
    let subnet = json!({"subnet": {
        "network_id": id(&outside), "ip_version": 4, "cidr": "192.0.2.0/24"}});
    made(admin, ("network", "/v2.0/subnets"), &subnet);
    let address = json!({"floatingip": {"floating_network_id": id(&outside)}});
    let way = json!({"router": {"name": "way"}});
    Things {
        counted: vec![made(dora, ("network", "/v2.0/floatingips"), &address)],
        others: vec![made(dora, ("network", "/v2.0/routers"), &way)],
    }
}

/// The project, made at the hub and full of what somebody of the directory has made there.
fn furnished<'a>(lab: &Lab, [north, south]: [&'a Admin; 2]) -> [Site<'a>; 2] {
    ask(lab, "org create project shop --in research");
    let [here, there] = is_used_by_dora(lab, PROJECT, [north, south]);
    let site = |region, admin: &'a Admin, things| Site {
        region,
        admin,
        id: id_in(admin, PROJECT).unwrap(),
        things,
    };
    quotas_are_told(lab, "north", PROJECT);
    let north = site("north", north, Things::default());
    limits_are_set_and_set_no_more(lab, &north);
    let things = made_in_north(&here);
    let south = site("south", south, made_in_south(south, &there));
    [Site { things, ..north }, south]
}

/// What is set no more at the hub is the region's own to change, and stays when another is set.
fn limits_are_set_and_set_no_more(lab: &Lab, north: &Site<'_>) {
    let resources = ["cores", "ram", "gigabytes", "network"];
    ask(
        lab,
        "org quota set north shop cores=5 ram=1024 gigabytes=9 network=2",
    );
    lab.until_shown(&[5, 1024, 9, 2], || north.limits(resources));
    ask(lab, "org quota unset north shop ram");
    let path = format!("/os-quota-sets/{}", north.id);
    let own = json!({"quota_set": {"ram": 1536}});
    let (status, answer) = north
        .admin
        .ask_service("compute", ("PUT", path.as_str()), &own);
    assert_eq!(status, 200, "{answer}");
    ask(lab, "org quota set north shop cores=4");
    lab.until_shown(&[4, 1536, 9, 2], || north.limits(resources));
    refused(
        lab,
        "org quota unset north shop ram",
        &["compute:cores", "volume:gigabytes", "network:network"],
    );
}

fn refused(lab: &Lab, words: &str, why: &[&str]) {
    let words: Vec<&str> = words.split(' ').collect();
    let output = lab.ask(&words);
    let said = String::from_utf8_lossy(&output.stderr);
    let is_told = why.iter().all(|it| said.contains(it));
    assert!(!output.status.success() && is_told, "{said}");
}

/// What the hub says of it among what was retired, if it does.
fn retired(lab: &Lab) -> Option<Value> {
    let mut all = lab.items("/directory/retired").into_iter();
    all.find(|it| it["name"] == PROJECT)
}

/// What is left of it in a region.
fn left(lab: &Lab, region: &str) -> Value {
    let told = retired(lab).expect("it is retired");
    let mut all = told["regions"].as_array().unwrap().iter();
    all.find(|it| it["region"] == region).unwrap().clone()
}

fn uses(leftover: &Value) -> [u64; 3] {
    ["cores", "gigabytes", "port"].map(|it| share(leftover, it)["used"].as_u64().unwrap())
}

/// Whether it uses nothing but what Neutron makes in every project: its default security group.
fn is_unused(leftover: &Value) -> bool {
    let mut all = leftover["shares"].as_array().unwrap().iter();
    let is_default = |it: &Value| it.as_str().unwrap().starts_with("security_group");
    all.all(|it| it["used"] == 0 || is_default(&it["name"]))
        && share(leftover, "security_group")["used"] == 1
}

/// Switched off in both, with all that is in it, which the hub counts.
fn is_kept_and_counted(lab: &Lab, sites: &[Site<'_>; 2]) {
    ask(lab, "org retire project shop --yes");
    for site in sites {
        until("it is switched off", || {
            (site.is_on() == Some(false)).then_some(())
        });
        assert!(site.admin.member(DORA, PROJECT).is_none(), "nobody may in");
    }
    let counts = |region| {
        let left = left(lab, region);
        ["servers", "volumes", "networks", "floating_ips"].map(|it| left[it].as_u64().unwrap())
    };
    lab.until_shown(&[[1, 1, 1, 0], [0, 0, 0, 1]], || {
        ["north", "south"].map(counts)
    });
    for site in sites {
        let things = site.things.counted.iter().chain(&site.things.others);
        things.for_each(|it| assert!(site.has(it), "{it:?}"));
        assert_eq!(left(lab, site.region)["is_on"], false);
    }
}

/// A leftover's share and resources are told, and it is left what it uses, and nothing more.
fn is_zeroed(lab: &Lab, north: &Site<'_>) {
    let told = until("the hub knows what it uses", || {
        leftover(lab, "north", PROJECT).filter(|it| uses(it) == [1, 2, 1])
    });
    assert_eq!(told["why"], "retired", "{told}");
    let holds = json!({"servers": 1, "volumes": 1, "networks": 1, "floating_ips": 0});
    assert_eq!(told["holds"], holds);
    is_the_part(&share(&told, "cores"), (4, 1), sum_in(north.admin, "cores"));
    let limit = &resource(lab, "north", "cores")["leftovers"]["limit"];
    assert!(limit.as_i64().unwrap() >= 4, "{limit}");

    let zero = format!("idp-hub org quota zero north {}", north.id);
    let empty = "empty it in the region, or move what is in it";
    assert_eq!(told["cure"], json!([zero, empty]));
    follow(lab, &told["cure"][0]);
    let used = ["cores", "ram", "gigabytes", "network"];
    lab.until_shown(&[1, 512, 2, 1], || north.limits(used));
    lab.until_shown(&json!([empty]), || {
        leftover(lab, "north", PROJECT).unwrap()["cure"].clone()
    });
}

/// What the hub does not count is found by each agent, which then deletes nothing; and the word is
/// taken back.
fn is_kept_by_the_agents(lab: &Lab, sites: &[Site<'_>; 2]) {
    for site in sites {
        site.loses(&site.things.counted);
    }
    until("nothing is in it as far as the hub knows", || {
        retired(lab).unwrap()["why_not"].is_null().then_some(())
    });
    ask(lab, "org purge project shop --yes");
    for (site, found) in sites.iter().zip([
        &["1 server group", "1 security group", "1 image"][..],
        &["1 router"],
    ]) {
        let is_told = |why: &str| found.iter().all(|it| why.contains(it));
        until("its agent tells what is in it", || {
            let left = left(lab, site.region);
            let is_told = left["why"].as_str().is_some_and(is_told);
            (is_told && left["purge"] == "refused").then_some(())
        });
    }
    ask(lab, "org purge project shop --cancel");
    until("nobody is told to any more", || {
        let is_told = |it: &Site<'_>| left(lab, it.region)["purge"].is_string();
        (!sites.iter().any(is_told)).then_some(())
    });
    for site in sites {
        assert_eq!(site.is_on(), Some(false));
        assert!(site.things.others.iter().all(|it| site.has(it)));
        site.loses(&site.things.others);
    }
}

/// Nothing is left of it: in the clouds, at the hub, and of what it was allowed.
fn is_gone(lab: &Lab, sites: &[Site<'_>; 2]) {
    until("nothing is left of it", || {
        retired(lab).is_none().then_some(())
    });
    for site in sites {
        assert_eq!((site.is_on(), id_in(site.admin, PROJECT)), (None, None));
        let region = site.region;
        lab.until_shown(&(Vec::new(), None), || {
            let mut quotas = lab.items(&format!("/regions/{region}/quotas"));
            quotas.retain(|it| it["project"] == *site.id);
            (quotas, leftover(lab, region, PROJECT))
        });
        lab.until_shown(&sum_in(site.admin, "cores"), || {
            let told = &resource(lab, region, "cores")["allocated"]["limit"];
            told.as_i64().unwrap()
        });
    }
}

/// Both are merged, and their agents purge at once.
pub(super) fn is_on_command_and_when_empty(lab: &Lab, clouds: [&Admin; 2]) {
    let sites = furnished(lab, clouds);
    is_kept_and_counted(lab, &sites);
    let [north, _] = &sites;
    is_zeroed(lab, north);
    refused(
        lab,
        "org purge project shop --yes",
        &[
            "north has 1 server, 1 volume, 1 network",
            "south has 1 floating IP",
        ],
    );
    is_kept_by_the_agents(lab, &sites);

    // What it does not use any more is nothing that it may use.
    let told = until("the hub knows that it uses nothing", || {
        leftover(lab, "north", PROJECT).filter(is_unused)
    });
    follow(lab, &told["cure"][0]);
    let resources = ["cores", "ram", "gigabytes", "network"];
    lab.until_shown(&[0; 4], || north.limits(resources));
    let told = until("all that is left to do is to purge it", || {
        let told = leftover(lab, "north", PROJECT).unwrap();
        (told["cure"].as_array().unwrap().len() == 1).then_some(told)
    });
    follow(lab, &told["cure"][0]);
    is_gone(lab, &sites);
    ask(lab, "org create project shop --in research");
    for site in &sites {
        let id = until("its name is free", || id_in(site.admin, PROJECT));
        assert_ne!(id, site.id);
        assert_ne!(limit_in(site.admin, &id, "cores"), 0, "it begins anew");
    }
}
