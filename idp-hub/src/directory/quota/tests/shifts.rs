//! What whoever administers a department or a project may shift, and when that is told.

use super::*;

/// `web`, `data` and `far`, whose limits of cores were set here as their region has them.
fn settled() -> Region {
    let mut region = region();
    for (number, cores) in [(1, 20), (2, 30), (3, 10)] {
        let name = ["", "web", "data", "far"][number as usize];
        region.set(edit(number, &[("cores", cores - 1)]));
        region.set(edit(number, &[("cores", cores)]));
        let used = if number == 2 { 30 } else { 8 };
        tells(&mut region, name, Some(cores as u64), used);
    }
    region
}

fn tells(region: &mut Region, project: &str, cores: Option<u64>, used: u64) {
    let of = [("cores", cores, used), ("instances", Some(10), 0)];
    region.quota_of(ServiceKind::Compute, project, &of, NOW + 100);
}

fn grows(region: &Region, edits: &[QuotaEdit]) {
    let refused = region.check(region.shift(), edits).unwrap_err();
    let is_right = matches!(refused, QuotaRefusal::Grows { .. });
    assert!(is_right, "{edits:?}: {refused}");
}

/// Shifts. Returns what is told now, and what waits for whom.
fn shifts(region: &mut Region, limits: &[(u128, i64)]) -> (Vec<Told>, Vec<Waiting>) {
    let edits = limits.iter();
    let edits: Vec<_> = edits.map(|(no, it)| edit(*no, &[("cores", *it)])).collect();
    let decision = region.census.check(&edits, &region.shift(), NOW).unwrap();
    for key in decision.settled.keys() {
        region.census.raises.remove(key);
    }
    let mut waits = Vec::new();
    for raise in decision.raises {
        let it = region.census.waits(raise.clone());
        waits.push((it.name, raise.limit, it.givers));
        region.census.wait(raise);
    }
    let mut told = Vec::new();
    for change in decision.changes {
        let limits = change.limits.resources.iter();
        let mut limits = limits.filter(|it| it.name == "cores");
        told.push((change.name, limits.next().unwrap().limit.unwrap()));
        region.census.want(change.limits);
    }
    (told, waits)
}

type Told = (String, u64);
type Waiting = (String, u64, Vec<String>);

fn told(name: &str, limit: u64) -> Told {
    (name.to_owned(), limit)
}

fn waits(name: &str, limit: u64, givers: &[&str]) -> Waiting {
    let givers = givers.iter().map(|it| (*it).to_owned());
    (name.to_owned(), limit, givers.collect())
}

#[test]
fn a_department_uses_no_more_than_before() {
    let region = settled();
    let lower = [edit(1, &[("cores", 10)])];
    region.check(region.shift(), &lower).unwrap();
    for edits in [
        vec![edit(1, &[("cores", 21)])],
        vec![edit(1, &[("cores", 10)]), edit(2, &[("cores", 41)])],
        // Of another department nothing comes over.
        vec![edit(3, &[("cores", 8)]), edit(1, &[("cores", 22)])],
        vec![edit(1, &[("cores", -1)])],
    ] {
        grows(&region, &edits);
    }
}

#[test]
fn a_project_and_those_nested_in_it_use_no_more_than_before() {
    let mut region = settled();
    region.live("inner", 4, 9);
    tells(&mut region, "inner", Some(0), 0);
    // Who administers `web`, in which `inner` is nested, and `data`.
    let web = Pool::Project(id(1));
    let pools = [(1, web), (4, web), (2, Pool::Project(id(2)))];
    region.pools = pools.map(|(number, pool)| (id(number), pool)).into();
    grows(&region, &[edit(4, &[("cores", 1)])]);
    let between = [edit(2, &[("cores", 30)]), edit(1, &[("cores", 21)])];
    grows(&region, &between);
    let refused = region.check(region.shift(), &between).unwrap_err();
    let (refused, within) = (
        refused.to_string(),
        "the project web with those nested in it",
    );
    assert!(refused.starts_with(within), "{refused}");
    // What was not set at the hub is not given away within a project either.
    tells(&mut region, "inner", Some(9), 0);
    grows(
        &region,
        &[edit(4, &[("cores", 0)]), edit(1, &[("cores", 21)])],
    );
    let (now, later) = shifts(&mut region, &[(1, 8), (4, 12)]);
    assert_eq!(
        (now, later),
        (vec![told("web", 8)], vec![waits("inner", 12, &["web"])])
    );
    // And whoever administers the department gives away no second time what was given within.
    for number in [1, 2, 4] {
        region.pools.insert(id(number), Pool::Department(id(9)));
    }
    grows(
        &region,
        &[edit(1, &[("cores", 8)]), edit(2, &[("cores", 31)])],
    );
    // A project of which nobody says what it is shifted within is nobody's to shift.
    region.pools.clear();
    grows(&region, &[edit(1, &[("cores", 8)])]);
}

/// A restored hub forgets what waits, as somebody may have set another limit since.
#[test]
fn what_waits_no_more_cannot_be_shifted_again_and_an_administrator_can_set_it() {
    let mut region = settled();
    let (_, later) = shifts(&mut region, &[(1, 10), (2, 40)]);
    assert_eq!(later, [waits("data", 40, &["web"])]);
    region.census.raises.clear();
    let again = [edit(1, &[("cores", 10)]), edit(2, &[("cores", 40)])];
    grows(&region, &again);
    grows(&region, &again[1..]);
    region.check(Check::Whole, &again[1..]).unwrap();
}

#[test]
fn what_is_raised_waits_until_the_region_has_lowered_the_rest() {
    let mut region = settled();
    let (now, later) = shifts(&mut region, &[(1, 10), (2, 40)]);
    assert_eq!(now, [told("web", 10)]);
    assert_eq!(later, [waits("data", 40, &["web"])]);
    // What was lowered once is given away once.
    grows(
        &region,
        &[edit(1, &[("cores", 10)]), edit(2, &[("cores", 50)])],
    );
    // The region refuses, as more is used there by now; so web has its own back.
    tells(&mut region, "web", Some(20), 15);
    let (now, later) = shifts(&mut region, &[(1, 20), (2, 30)]);
    assert_eq!((now, later), (vec![told("web", 20)], vec![]));
}

#[test]
fn who_gives_away_what_it_waits_for_has_nobody_raised_before() {
    let mut region = settled();
    region.live("new", 4, 9);
    tells(&mut region, "new", Some(0), 0);
    region.set(edit(4, &[("cores", 1)]));
    region.set(edit(4, &[("cores", 0)]));
    let (_, later) = shifts(&mut region, &[(1, 10), (2, 40)]);
    assert_eq!(later.len(), 1);
    let (now, later) = shifts(&mut region, &[(2, 30), (4, 10)]);
    assert_eq!((now, later), (vec![], vec![waits("new", 10, &["web"])]));
    assert_eq!(region.census.raises.len(), 1);
}

#[test]
fn a_limit_that_a_cloud_gives_by_itself_is_nobodys_to_give() {
    let mut region = settled();
    region.live("fresh", 4, 9);
    tells(&mut region, "fresh", Some(20), 0);
    grows(
        &region,
        &[edit(4, &[("cores", 0)]), edit(1, &[("cores", 40)])],
    );
    // Nor by two steps.
    grows(&region, &[edit(4, &[("cores", 19)])]);
    let edits = [edit(4, &[("cores", 0)]), edit(1, &[("cores", 21)])];
    let refused = region
        .check(region.shift(), &edits)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("no limit was set at the hub for fresh"),
        "{refused}"
    );
    let (now, _) = shifts(&mut region, &[(4, 0)]);
    assert_eq!(now, [told("fresh", 0)]);
    grows(
        &region,
        &[edit(4, &[("cores", 0)]), edit(1, &[("cores", 21)])],
    );
    // It may have what others give.
    let (_, later) = shifts(&mut region, &[(1, 10), (4, 10)]);
    assert_eq!(later, [waits("fresh", 10, &["web"])]);
}

#[test]
fn what_a_region_has_less_of_than_it_should_is_given_once() {
    let mut region = settled();
    tells(&mut region, "web", Some(12), 8);
    grows(
        &region,
        &[edit(1, &[("cores", 10)]), edit(2, &[("cores", 33)])],
    );
    let (now, later) = shifts(&mut region, &[(1, 10), (2, 32)]);
    assert_eq!((now.len(), later), (1, vec![waits("data", 32, &["web"])]));
}

/// `web`, `data`, `far` and `aux` may use 80 of 100 cores; `web` gives 12 to `data`, and `aux` 10,
/// which its region refuses.
fn half_given() -> Region {
    let mut region = settled();
    region.live("aux", 4, 9);
    tells(&mut region, "aux", Some(20), 20);
    for cores in [21, 20] {
        region.set(edit(4, &[("cores", cores)]));
    }
    tells(&mut region, "aux", Some(20), 8);
    let (_, later) = shifts(&mut region, &[(1, 8), (4, 10), (2, 52)]);
    assert_eq!(later, [waits("data", 52, &["web", "aux"])]);
    tells(&mut region, "web", Some(8), 8);
    tells(&mut region, "aux", Some(20), 20);
    region
}

#[test]
fn what_waits_counts_already_in_what_all_may_use() {
    let region = half_given();
    let raises = |cores| region.check(Check::Whole, &[edit(3, &[("cores", cores)])]);
    raises(20).unwrap();
    // Once aux has less, data may use 52.
    let over = raises(21).unwrap_err();
    let QuotaRefusal::OverCapacity { sum, capacity, .. } = over else {
        panic!("{over}");
    };
    assert_eq!((sum, capacity), (101, 100));
}

#[test]
fn what_is_set_for_who_gives_ends_what_waits_for_it() {
    let region = half_given();
    let ends = |check, number, cores| {
        let decision = region
            .census
            .check(&[edit(number, &[("cores", cores)])], &check, NOW);
        let settled = decision.unwrap().settled.into_keys();
        settled.map(|it| it.project).collect::<Vec<_>>()
    };
    for number in [1, 2, 4] {
        assert_eq!(ends(Check::Whole, number, 30), [id(2)], "{number}");
        assert_eq!(ends(FORCED, number, -1), [id(2)], "{number}");
    }
    assert_eq!(ends(Check::Whole, 3, 11), []);
    // Within its pool it gives on what it has itself, and nothing that it gave already.
    assert_eq!(ends(region.shift(), 1, 8), []);
    // What ends by it counts no more.
    let both = [edit(4, &[("cores", 20)]), edit(3, &[("cores", 42)])];
    region.check(Check::Whole, &both).unwrap();
}

#[test]
fn who_has_no_limit_and_keeps_none_is_waited_for_by_nobody() {
    let mut region = settled();
    region.live("open", 4, 9);
    tells(&mut region, "open", None, 0);
    region.set(edit(4, &[("cores", 1)]));
    region.set(edit(4, &[("cores", -1)]));
    let (_, later) = shifts(&mut region, &[(1, 10), (2, 40), (4, -1)]);
    assert_eq!(later, [waits("data", 40, &["web"])]);
}

#[test]
fn a_raise_is_due_when_its_region_says_no_more_than_is_wanted() {
    let limit = |it| Some(Some(it));
    assert!(Giver::is_lower(limit(5), limit(5)) && Giver::is_lower(limit(4), limit(5)));
    for (told, wanted) in [
        (limit(6), limit(5)),
        (Some(None), limit(5)),
        (None, limit(5)),
        (limit(5), None),
        (None, None),
        // Somebody lets it use as much as there is.
        (limit(4), Some(None)),
    ] {
        assert!(!Giver::is_lower(told, wanted), "{told:?} {wanted:?}");
    }
}
