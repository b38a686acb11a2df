//! What is left over in a region is told with its share, what it holds, and the cure; and the cure
//! is followed. First of all the region's own administrator's old project, at a real cloud.

use serde_json::{Value, json};
use tests::lab::Lab;
use tests::openstack::Admin;

use super::quota::{allocation, ask, figures_in, sum_in, sums_are_true};
use super::spread::{is_full, servers};

/// What the hub says of a project among a region's leftovers, if it does.
pub(super) fn leftover(lab: &Lab, region: &str, name: &str) -> Option<Value> {
    let told = allocation(lab, region);
    let mut all = told["leftovers"].as_array().unwrap().iter();
    all.find(|it| it["name"] == name).cloned()
}

/// Of what it may use of a resource.
pub(super) fn share(leftover: &Value, name: &str) -> Value {
    let mut all = leftover["shares"].as_array().unwrap().iter();
    all.find(|it| it["name"] == name).unwrap().clone()
}

/// A share is told as the part that it is of all that the cloud's projects may use.
pub(super) fn is_the_part(share: &Value, (limit, used): (i64, i64), all: i64) {
    assert_eq!(
        (&share["limit"], &share["used"]),
        (&json!(limit), &json!(used)),
        "{share}"
    );
    let permille = (limit * 1000 + all / 2) / all;
    assert_eq!(share["permille"], permille, "of {all}: {share}");
}

/// Does what the hub says is next.
pub(super) fn follow(lab: &Lab, step: &Value) {
    let step = step.as_str().unwrap().strip_prefix("idp-hub ").unwrap();
    ask(lab, &format!("{step} --yes"));
}

/// The region's own `admin` project has servers, and may use more. It is left what it uses and
/// nothing more; its servers run on, and all sums are the cloud's own.
pub(super) fn of_the_administrator_is_left_what_it_uses(lab: &Lab, north: &Admin) {
    let ran = servers(north);
    let states: Vec<_> = ran.iter().map(|it| (&it["name"], &it["status"])).collect();
    assert!(
        states.contains(&(&json!("three"), &json!("ACTIVE"))),
        "{states:?}"
    );
    let told = leftover(lab, "north", "admin").expect("the old admin project is left over");
    let id = told["own"].as_str().unwrap();
    assert_eq!(told["why"], "administrator", "{told}");
    let holds = json!({"servers": 2, "volumes": 1, "networks": 1, "floating_ips": 0});
    assert_eq!(told["holds"], holds);
    is_the_part(&share(&told, "cores"), (33, 3), sum_in(north, "cores"));
    let stays = "leave it there: the region's agent signs in by it, and it is never purged";
    let zero = format!("idp-hub org quota zero north {id}");
    assert_eq!(told["cure"], json!([zero, stays]));

    follow(lab, &told["cure"][0]);
    let resources = ["cores", "ram", "instances", "gigabytes", "network"];
    let used = [3, 1536, 2, 1, 1].map(|it| (it, it));
    lab.until_shown(&used, || resources.map(|it| figures_in(north, id, it)));
    lab.until_shown(&json!([stays]), || {
        leftover(lab, "north", "admin").unwrap()["cure"].clone()
    });
    sums_are_true(lab, "north", north);
    is_full(north);
    assert_eq!(servers(north), ran, "they run on as they did");
}
