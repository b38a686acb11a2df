//! Quotas as an operator sees them, and what holds for any region.

mod leftovers;
mod overcommit;
mod properties;
mod shifts;
mod types;
mod unsets;
mod whereabouts;

use shared::ids::{FederationId, ObjectId};
use shared::model::*;

use super::*;

pub(super) const OURS: FederationId = FederationId::from_bytes([7; 16]);
/// The hub's time in these tests, unix milliseconds.
const NOW: u64 = 1_000_000;

pub(super) fn id(number: u128) -> ObjectId {
    ObjectId::from_random(number)
}

/// A region whose quotas are put project by project.
pub(super) struct Region {
    pub(super) census: Census,
    /// Each of the directory's by its department.
    pub(super) pools: Pools,
}

impl Region {
    /// With 100 cores and 1000 GiB.
    pub(super) fn new() -> Self {
        let mut census = Census::new("north".to_owned(), Whereabouts::new(OURS));
        let (used, vcpus) = (0, 100);
        let capacity = |total| Capacity { used, total };
        census.node(&Node {
            id: CloudId::new("n"),
            name: "n".to_owned(),
            state: NodeState::Up,
            vcpus: capacity(vcpus),
            memory_mib: capacity(1 << 20),
            disk_gib: capacity(1),
        });
        census.pool(&StoragePool {
            id: CloudId::new("pool"),
            space_gib: Some(capacity(1000)),
        });
        let pools = Pools::new();
        Self { census, pools }
    }

    /// A project of the region; one of the directory's where it has a number.
    pub(super) fn project(&mut self, name: &str, object: Option<u128>, custody: Custody) {
        let marker = object.map(|it| Marker {
            federation: OURS,
            object: id(it),
        });
        self.census.project(Entry {
            id: CloudId::new(name),
            custody,
            marker,
            what: Project {
                department: CloudId::new("d"),
                parent: None,
                name: name.to_owned(),
                description: None,
                enabled: true,
            },
        });
    }

    /// The same, live in the department of this number.
    fn live(&mut self, name: &str, number: u128, department: u128) {
        self.project(name, Some(number), Custody::Common);
        let name = name.to_owned();
        self.census.know(id(number), InDirectory::Live { name });
        let pool = Pool::Department(id(department));
        self.pools.insert(id(number), pool);
    }

    pub(super) fn quota(&mut self, project: &str, of: &[(&str, Option<u64>, u64)]) {
        self.quota_of(ServiceKind::Compute, project, of, NOW - 1);
    }

    fn quota_of(
        &mut self,
        service: ServiceKind,
        project: &str,
        of: &[(&str, Option<u64>, u64)],
        changed: u64,
    ) {
        let resources = of.iter().map(|(name, limit, used)| QuotaResource {
            name: (*name).to_owned(),
            limit: *limit,
            used: *used,
            reserved: 0,
        });
        let quota = Quota {
            project: CloudId::new(project),
            project_name: project.to_owned(),
            service,
            resources: resources.collect(),
        };
        self.census.quota(quota, UnixMillis(changed));
    }

    fn check(&self, check: Check, edits: &[QuotaEdit]) -> Result<Vec<LimitsChange>, QuotaRefusal> {
        self.census.check(edits, &check, NOW).map(|it| it.changes)
    }

    /// As whoever administers each of the departments.
    fn shift(&self) -> Check {
        Check::Shift(self.pools.clone())
    }

    /// Sets them, whatever comes of it.
    fn set(&mut self, edit: QuotaEdit) {
        for change in self.check(FORCED, &[edit]).unwrap() {
            self.census.want(change.limits);
        }
    }
}

const FORCED: Check = Check::Forced(Force {
    below_use: true,
    over_capacity: true,
});

/// `web` and `data` of the department 9, `far` of 8; 60 cores are given.
fn region() -> Region {
    let mut region = Region::new();
    region.live("web", 1, 9);
    region.live("data", 2, 9);
    region.live("far", 3, 8);
    region.quota("web", &[("cores", Some(20), 8), ("instances", Some(10), 2)]);
    region.quota("data", &[("cores", Some(30), 30)]);
    region.quota("far", &[("cores", Some(10), 0)]);
    region
}

fn edit(number: u128, limits: &[(&str, i64)]) -> QuotaEdit {
    of(Holder::Project(id(number)), limits)
}

fn of(holder: Holder, limits: &[(&str, i64)]) -> QuotaEdit {
    let limits = limits
        .iter()
        .map(|(name, limit)| ((*name).to_owned(), *limit));
    QuotaEdit {
        holder,
        limits: limits.collect(),
    }
}

fn own(name: &str) -> Holder {
    Holder::Own(CloudId::new(name))
}

#[test]
fn what_is_right_is_told_with_what_was_set_before() {
    let mut region = region();
    let told = region
        .check(Check::Whole, &[edit(1, &[("cores", 25)])])
        .unwrap();
    let [
        LimitsChange {
            limits,
            name,
            before,
            after,
        },
    ] = told.as_slice()
    else {
        panic!("{told:?}");
    };
    assert_eq!(
        (name.as_str(), before.as_str(), after.as_str()),
        ("web", "cores=20", "cores=25")
    );
    assert_eq!(limits.holder, Holder::Project(id(1)));
    assert_eq!(
        (limits.service, limits.version()),
        (ServiceKind::Compute, NOW)
    );
    region.census.want(limits.clone());
    let told = region
        .check(Check::Whole, &[edit(1, &[("compute:instances", -1)])])
        .unwrap();
    let limits = &told[0].limits;
    let names: Vec<_> = limits
        .resources
        .iter()
        .map(|it| (it.name.as_str(), it.limit))
        .collect();
    assert_eq!(
        names,
        [("cores", Some(25)), ("instances", None)],
        "both are wanted"
    );
    assert_eq!(limits.version(), NOW + 1, "and the second is later");
}

#[test]
fn what_is_so_is_not_told_again_and_what_was_changed_there_is() {
    let mut region = region();
    let same = [edit(1, &[("cores", 20)])];
    assert_eq!(region.check(Check::Whole, &same).unwrap(), []);
    region.set(edit(1, &[("cores", 25)]));
    let again = [edit(1, &[("cores", 25)])];
    assert_eq!(
        region.check(Check::Whole, &again).unwrap(),
        [],
        "it is on its way"
    );
    region.quota_of(
        ServiceKind::Compute,
        "web",
        &[("cores", Some(7), 1)],
        NOW + 9,
    );
    assert_eq!(region.check(Check::Whole, &again).unwrap().len(), 1);
}

#[test]
fn a_limit_below_what_is_used_is_refused_with_the_numbers_unless_it_is_forced() {
    let region = region();
    let below = [edit(1, &[("cores", 7)])];
    let refusal = region.check(Check::Whole, &below).unwrap_err();
    assert!(
        matches!(
            refusal,
            QuotaRefusal::BelowUse {
                limit: 7,
                used: 8,
                ..
            }
        ),
        "{refusal}"
    );
    let told = region.check(FORCED, &below).unwrap();
    assert!(told[0].limits.resources[0].force);
    region
        .check(Check::Whole, &[edit(1, &[("cores", 8)])])
        .unwrap();
}

#[test]
fn what_a_project_uses_that_was_not_read_is_not_taken_for_nothing() {
    let mut region = region();
    region.live("new", 4, 9);
    let there = region.check(Check::Whole, &[edit(4, &[("cores", 1)])]);
    assert!(
        matches!(there, Err(QuotaRefusal::NotRead { .. })),
        "{there:?}"
    );
    region.quota("new", &[("cores", Some(1), 0)]);
    let name = "later".to_owned();
    region.census.know(id(5), InDirectory::Live { name });
    // One that the region has not uses nothing there.
    region
        .check(Check::Whole, &[edit(5, &[("cores", 1)])])
        .unwrap();
}

#[test]
fn nothing_is_raised_beyond_what_the_region_has() {
    let mut region = region();
    region
        .check(Check::Whole, &[edit(1, &[("cores", 60)])])
        .unwrap();
    let over = region
        .check(Check::Whole, &[edit(1, &[("cores", 61)])])
        .unwrap_err();
    let QuotaRefusal::OverCapacity { sum, capacity, .. } = over else {
        panic!("{over}");
    };
    assert_eq!((sum, capacity), (101, 100));
    let unlimited = region.check(Check::Whole, &[edit(1, &[("cores", -1)])]);
    assert!(matches!(unlimited, Err(QuotaRefusal::OverCapacity { .. })));
    region
        .check(Check::Whole, &[edit(1, &[("instances", 9999)])])
        .unwrap();
    // What was beyond it may be lowered.
    region.quota("far", &[("cores", Some(500), 0)]);
    region
        .check(Check::Whole, &[edit(3, &[("cores", 400)])])
        .unwrap();
    let raised = region.check(Check::Whole, &[edit(1, &[("cores", 21)])]);
    assert!(matches!(raised, Err(QuotaRefusal::OverCapacity { .. })));
}

#[test]
fn what_is_used_without_a_limit_is_no_room_for_others() {
    let mut region = region();
    region.quota("far", &[("cores", None, 25)]);
    region
        .check(Check::Whole, &[edit(1, &[("cores", 45)])])
        .unwrap();
    let over = region.check(Check::Whole, &[edit(1, &[("cores", 46)])]);
    let Err(QuotaRefusal::OverCapacity { sum, unlimited, .. }) = over else {
        panic!("{over:?}");
    };
    assert_eq!((sum, unlimited), (101, 1));
    let left = region.census.left_for(id(1), ServiceKind::Compute, "cores");
    assert_eq!(left, Some(45));
}

#[test]
fn a_limit_that_is_lowered_counts_until_the_region_says_that_it_is() {
    let mut region = region();
    region.quota("web", &[("cores", Some(60), 8)]);
    region.set(edit(1, &[("cores", 10)]));
    let raise = [edit(3, &[("cores", 60)])];
    let early = region.check(Check::Whole, &raise);
    assert!(
        matches!(early, Err(QuotaRefusal::OverCapacity { .. })),
        "{early:?}"
    );
    region.quota_of(
        ServiceKind::Compute,
        "web",
        &[("cores", Some(10), 8)],
        NOW + 5,
    );
    region.check(Check::Whole, &raise).unwrap();
}

#[test]
fn words_that_no_region_knows_are_refused_with_those_that_it_does() {
    let mut region = region();
    for (word, value) in [
        ("core", 1),
        ("cores", -2),
        ("cores", 1 << 31),
        ("volume:cores", 1),
    ] {
        let refusal = region
            .check(FORCED, &[edit(1, &[(word, value)])])
            .unwrap_err();
        let text = refusal.to_string();
        let is_right = text.contains("compute:cores") || text.contains("0 to 2147483647");
        assert!(is_right, "{text}");
    }
    region.quota_of(ServiceKind::Network, "web", &[("cores", Some(1), 0)], NOW);
    let several = region
        .check(Check::Whole, &[edit(1, &[("cores", 1)])])
        .unwrap_err();
    assert!(
        several
            .to_string()
            .contains("compute:cores or network:cores"),
        "{several}"
    );
    let twice = [
        edit(1, &[("compute:cores", 9)]),
        edit(1, &[("compute:cores", 8)]),
    ];
    assert!(matches!(
        region.check(Check::Whole, &twice),
        Err(QuotaRefusal::Wrong { .. })
    ));
    for edits in [
        vec![],
        vec![edit(1, &[])],
        vec![edit(1, &[("instances", 9)]); 101],
    ] {
        assert!(region.check(Check::Whole, &edits).is_err());
    }
    let nobody = region.check(Check::Whole, &[edit(99, &[("instances", 1)])]);
    assert!(
        matches!(nobody, Err(QuotaRefusal::NoProject { .. })),
        "{nobody:?}"
    );
    let nobody = region.check(Check::Whole, &[of(own("none"), &[("instances", 1)])]);
    assert!(
        matches!(nobody, Err(QuotaRefusal::NoProject { .. })),
        "{nobody:?}"
    );
}

#[test]
fn lines_tell_what_is_wanted_where_it_differs_and_why() {
    let mut region = region();
    region.set(edit(1, &[("cores", 25)]));
    let line = |region: &Region, name: &str| {
        let lines = region.census.lines().into_iter();
        let mut lines = lines.filter(|it| it.name == name);
        let resources = lines.next().unwrap().resources;
        resources.into_iter().find(|it| it.name == "cores").unwrap()
    };
    let cores = line(&region, "web");
    assert_eq!(
        cores.told.as_ref().map(|it| (it.limit, it.used)),
        Some((Some(20), 8))
    );
    assert_eq!(cores.wanted.map(|it| it.limit), Some(Some(25)));
    assert_eq!(cores.differs, Some(Differs::OnItsWay));
    assert_eq!(line(&region, "data").differs, None);
    region.quota_of(
        ServiceKind::Compute,
        "web",
        &[("cores", Some(30), 8)],
        NOW + 1,
    );
    assert_eq!(line(&region, "web").differs, Some(Differs::Otherwise));
    region.quota_of(
        ServiceKind::Compute,
        "web",
        &[("cores", Some(25), 8)],
        NOW + 2,
    );
    assert_eq!(line(&region, "web").differs, None);
}
