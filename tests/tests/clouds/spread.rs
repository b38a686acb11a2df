//! A total spread over two real clouds, of which one is away: each enforces its share by itself, and
//! once both are there shares go by what is used.

use serde_json::{Value, json};
use tests::lab::{Lab, Region, until_so};
use tests::openstack::Admin;

use super::quota::{PROJECT, ask, figures_in, id_in, is_used_by_dora, limit_in};

const TOTAL: i64 = 12;

/// A cloud, what it calls the project, and who uses that.
struct Site<'a> {
    region: &'static str,
    admin: &'a Admin,
    id: String,
    dora: Admin,
}

impl Site<'_> {
    /// Limit and use of servers, by the cloud's own word of one moment.
    fn figures(&self) -> (i64, i64) {
        figures_in(self.admin, &self.id, "instances")
    }

    /// Starts so many servers, which its Nova lets her, and then not one more.
    fn starts_and_is_full(&self, count: u64) {
        let (status, answer) = starts(&self.dora, count);
        assert_eq!(status, 202, "{answer}");
        until_so("they run", || {
            let all = servers(&self.dora);
            all.iter().all(|it| it["status"] == "ACTIVE")
        });
        let (limit, used) = self.figures();
        assert_eq!(limit, used, "in {}", self.region);
        is_full(&self.dora);
    }

    /// Ends one of her servers.
    fn ends_one(&self) {
        let before = servers(&self.dora).len();
        let path = format!(
            "/servers/{}",
            servers(&self.dora)[0]["id"].as_str().unwrap()
        );
        let (status, answer) = self
            .dora
            .ask_service("compute", ("DELETE", &path), &Value::Null);
        assert_eq!(status, 204, "{answer}");
        until_so("it is gone", || servers(&self.dora).len() < before);
    }
}

/// Asks a cloud's Nova for so many servers at once, all or none.
fn starts(who: &Admin, count: u64) -> (u16, Value) {
    let named = |path, list, name| {
        let (_, answer) = who.ask_service(path, ("GET", list), &Value::Null);
        let all = answer
            .as_object()
            .unwrap()
            .values()
            .find_map(Value::as_array);
        let found = all.unwrap().iter().find(|it| it["name"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {answer}"))["id"].clone()
    };
    let server = json!({"server": {
        "name": "page", "min_count": count, "max_count": count,
        "flavorRef": named("compute", "/flavors", "small"),
        "imageRef": named("image", "/v2/images", "cirros")}});
    who.ask_service("compute", ("POST", "/servers"), &server)
}

/// A project may have no server, nor a port for one, more than it has, by its cloud's own Nova.
pub(super) fn is_full(who: &Admin) {
    let (status, answer) = starts(who, 1);
    let said = answer["forbidden"]["message"].as_str().unwrap_or_default();
    assert!(
        status == 403 && said.contains("exceeded"),
        "{status} {answer}"
    );
}

/// The servers of whoever asks, by the cloud's own Nova.
pub(super) fn servers(who: &Admin) -> Vec<Value> {
    let (status, told) = who.ask_service("compute", ("GET", "/servers/detail"), &Value::Null);
    assert_eq!(status, 200, "{told}");
    told["servers"].as_array().unwrap().clone()
}

/// What the clouds say: whenever it is looked at, nowhere is a limit below what is used, and all
/// together are not above the total. He who has more later is looked at first, so that no limit is
/// counted twice on its way.
fn figures(sites: &[Site<'_>; 2]) -> [(i64, i64); 2] {
    let all = [0, 1].map(|it| sites[it].figures());
    assert!(all.iter().all(|(limit, used)| used <= limit), "{all:?}");
    assert!(all.iter().map(|it| it.0).sum::<i64>() <= TOTAL, "{all:?}");
    all
}

/// What the hub says of it: what is given, and each region's state, share and use.
fn told(lab: &Lab) -> (i64, [(String, i64, i64); 2]) {
    let all = lab.items("/directory/spreads");
    let is_it = |it: &&Value| it["project"]["name"] == PROJECT && it["resource"] == "instances";
    let it = all.iter().find(is_it).expect("its total");
    let part = |at: usize| {
        let it = &it["regions"][at];
        let figure = |name| it[name].as_i64().unwrap_or(-1);
        let state = it["state"].as_str().unwrap().to_owned();
        (state, figure("share"), figure("used"))
    };
    (it["given"].as_i64().unwrap_or(-1), [part(0), part(1)])
}

fn so(given: i64, parts: [(&str, i64, i64); 2]) -> (i64, [(String, i64, i64); 2]) {
    let part = |(state, share, used): (&str, _, _)| (state.to_owned(), share, used);
    (given, parts.map(part))
}

/// The shares that a region was told, by the audit trail.
fn shares_told(lab: &Lab, region: &str) -> Vec<String> {
    let start = format!("in region {region:?}, compute instances: ");
    let all = lab.items("/audit").into_iter().rev();
    let all = all.filter(|it| it["action"] == "spread-quota");
    let all = all.filter_map(|it| Some(it["after"].as_str()?.strip_prefix(&start)?.to_owned()));
    all.collect()
}

/// One is away, and has its share; what it does not have goes to the other one, which fills it, and
/// so does the one that is away. Nobody gets more before somebody has less.
pub(super) fn goes_by_use(lab: &Lab, [north, south]: [&Admin; 2], away: &mut Region) {
    let doras = is_used_by_dora(lab, PROJECT, [north, south]);
    let mut doras = doras.into_iter();
    let sites = [("north", north), ("south", south)].map(|(region, admin)| Site {
        region,
        admin,
        id: id_in(admin, PROJECT).unwrap(),
        dora: doras.next().unwrap(),
    });
    let limits = || [0, 1].map(|it| sites[it].figures().0);

    ask(lab, "org quota spread web instances=8");
    lab.until_shown(&[4, 4], limits);
    let both = [("confirmed", 4, 0), ("confirmed", 4, 0)];
    lab.until_shown(&so(8, both), || told(lab));
    away.daemon.kill();
    lab.until("south", "unreachable");
    ask(lab, "org quota spread web instances=6");
    lab.until_shown(&[2, 4], limits);
    ask(lab, "org quota spread web instances=12");
    lab.until_shown(&[8, 4], limits);

    sites[0].starts_and_is_full(8);
    sites[1].starts_and_is_full(4);
    lab.until_shown(&so(TOTAL, [("confirmed", 8, 8), ("away", 4, 0)]), || {
        told(lab)
    });
    away.daemon.again();
    lab.until("south", "healthy");
    let both = [("confirmed", 8, 8), ("confirmed", 4, 4)];
    lab.until_shown(&so(TOTAL, both), || {
        assert_eq!(figures(&sites), [(8, 8), (4, 4)]);
        told(lab)
    });

    sites[1].ends_one();
    until_so("who is full has what is free", || {
        figures(&sites) == [(9, 8), (3, 3)]
    });
    sites[0].starts_and_is_full(1);
    is_full(&sites[1].dora);
    let both = [("confirmed", 9, 9), ("confirmed", 3, 3)];
    lab.until_shown(&so(TOTAL, both), || told(lab));
    assert_eq!(figures(&sites), [(9, 9), (3, 3)]);
    assert_eq!(shares_told(lab, "north"), ["4", "2", "8", "9"]);
    so_do_networks(lab, &sites);
}

/// A total of what another service counts goes by use too: hers who is full in one cloud are made
/// there, as long as the other one has some that are free.
fn so_do_networks(lab: &Lab, sites: &[Site<'_>; 2]) {
    const TOTAL: i64 = 4;
    let limits = || [0, 1].map(|it| limit_in(sites[it].admin, &sites[it].id, "network"));
    let makes = |number: usize| {
        let network = json!({"network": {"name": format!("page-{number}")}});
        let dora = &sites[0].dora;
        dora.ask_service("network", ("POST", "/v2.0/networks"), &network)
    };
    ask(lab, "org quota unset north web network");
    ask(lab, "org quota spread web network=4");
    lab.until_shown(&[2, 2], limits);
    let made = [1, 2, 3].map(|it| makes(it).0);
    assert_eq!(made, [201, 201, 409], "two are her share");
    until_so("who is full has what is free", || {
        let all = limits();
        assert!(all.iter().sum::<i64>() <= TOTAL, "{all:?}");
        all[0] > 2
    });
    let (status, answer) = makes(3);
    assert_eq!(status, 201, "{answer}");
    // For what comes after, she has none.
    for number in [1, 2, 3] {
        let name = format!("page-{number}");
        let path = format!("/v2.0/networks?name={name}");
        let dora = &sites[0].dora;
        let (_, told) = dora.ask_service("network", ("GET", &path), &Value::Null);
        let id = told["networks"][0]["id"].as_str().unwrap();
        let path = format!("/v2.0/networks/{id}");
        let (status, answer) = dora.ask_service("network", ("DELETE", &path), &Value::Null);
        assert_eq!(status, 204, "{answer}");
    }
}
