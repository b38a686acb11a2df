//! Limits in a real database: told to their region by its own feed, checked, and gone with their
//! project.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{
    CloudId, Custody, Feed, Holder, Limits, Marker, Object, ObjectKind, Project, Quota,
    QuotaResource, Record, ServiceKind, UnixMillis,
};
use shared::runtime::clock::Clock;

use super::super::limits::OneLimit;
use super::site::{OURS, Site, by_ann, department_value, entry, organization};
use crate::directory::Edit;
use crate::directory::quota::{Check, Pool, QuotaEdit, QuotaRefusal};
use crate::store::{RegionNo, StoreError};

fn project(id: &str, department: &str, object: Option<ObjectId>) -> Record {
    let what = Project {
        department: CloudId::new(department),
        parent: None,
        name: id.to_owned(),
        description: None,
        enabled: true,
    };
    let mut entry = entry(id, Custody::Common, what);
    let federation = OURS;
    entry.marker = object.map(|object| Marker { federation, object });
    Record::Project(entry)
}

pub(super) fn quota(project: &str, limit: u64, used: u64) -> Record {
    Record::Quota(Quota {
        project: CloudId::new(project),
        project_name: project.to_owned(),
        service: ServiceKind::Compute,
        resources: vec![QuotaResource {
            name: "cores".to_owned(),
            limit: Some(limit),
            used,
            reserved: 0,
        }],
    })
}

pub(super) fn edit(holder: Holder, cores: i64) -> QuotaEdit {
    let limits = BTreeMap::from([("cores".to_owned(), cores)]);
    QuotaEdit { holder, limits }
}

/// Two merged regions; the first has `web` of the directory, with 10 cores of which 4 are used, and
/// `later`, which was made there after the merge.
pub(super) async fn with_web() -> (Site, [RegionNo; 2], ObjectId) {
    with_web_by(Clock::system()).await
}

pub(super) async fn with_web_by(clock: Clock) -> (Site, [RegionNo; 2], ObjectId) {
    let site = Site::by(clock).await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    let mut records = organization("h");
    records.push(project("web", "h-ops", None));
    site.tell(home, 1, &records).await;
    site.merge(home).await;
    site.tell(north, 1, &organization("n")).await;
    site.merge(north).await;
    records.push(project("later", "h-ops", None));
    site.tell(home, 2, &records).await;
    let quotas = [quota("web", 10, 4), quota("later", 5, 1)];
    site.tell_of(Feed::Quota, home, 3, &quotas).await;
    let listed = site
        .store
        .read(|it| it.objects(ObjectKind::Project, None, &[], 10));
    let web = listed.await.unwrap().items[0].what.0;
    (site, [home, north], web)
}

impl Site {
    pub(super) async fn limit(
        &self,
        no: RegionNo,
        edits: Vec<QuotaEdit>,
    ) -> Result<usize, StoreError> {
        let set = self.store.change(move |it| {
            let region = it.region_numbered(no)?.unwrap();
            it.set_limits(&region, &edits, Check::Whole, &by_ann())
        });
        set.await.map(|it| it.changes.len())
    }

    /// What regions are told: region, whose, cores.
    pub(super) fn told_limits(&self) -> Vec<(u32, Holder, Option<u64>)> {
        let rows = self.rows().into_iter();
        let limits = rows.filter_map(|(_, region, _, record)| match record {
            Some(Record::Limits(Limits {
                holder, resources, ..
            })) => Some((region, holder, resources[0].limit)),
            _ => None,
        });
        limits.collect()
    }
}

#[tokio::test]
async fn a_region_is_told_its_limits_alone_and_once() {
    let (site, [home, north], web) = with_web().await;
    let heads = site.store.directory_heads();
    let before = (heads.borrow().extent(home), heads.borrow().extent(north));
    let holder = Holder::Project(web);
    assert_eq!(
        site.limit(home, vec![edit(holder.clone(), 20)])
            .await
            .unwrap(),
        1
    );
    assert_eq!(site.told_limits(), [(home.0, holder.clone(), Some(20))]);
    let after = (heads.borrow().extent(home), heads.borrow().extent(north));
    assert!(after.0.unwrap().head > before.0.unwrap().head);
    assert_eq!(after.1, before.1);
    site.is_sound().await;
    assert_eq!(
        site.limit(home, vec![edit(holder.clone(), 20)])
            .await
            .unwrap(),
        0
    );
    let site = site.reopened().await;
    assert_eq!(site.told_limits(), [(home.0, holder, Some(20))]);
    let limits = site.store.read(move |it| it.limits(home)).await.unwrap();
    assert_eq!(limits.len(), 1);
}

#[tokio::test]
async fn all_of_an_edit_is_set_or_nothing() {
    let (site, [home, _], web) = with_web().await;
    let own = Holder::Own(CloudId::new("later"));
    let edits = vec![edit(Holder::Project(web), 20), edit(own.clone(), 0)];
    let refused = site.limit(home, edits).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Quota(QuotaRefusal::BelowUse { .. })),
        "{refused}"
    );
    assert_eq!(site.told_limits(), []);
    // By the cloud's id it is the directory's all the same.
    let by_id = Holder::Own(CloudId::new("web"));
    let edits = vec![edit(by_id, 20), edit(own.clone(), 3)];
    assert_eq!(site.limit(home, edits).await.unwrap(), 2);
    let mut told = site.told_limits();
    told.sort();
    let expected = [
        (home.0, Holder::Project(web), Some(20)),
        (home.0, own, Some(3)),
    ];
    assert_eq!(told, expected);
    site.is_sound().await;
}

#[tokio::test]
async fn a_region_that_is_not_merged_is_told_none() {
    let (site, _, web) = with_web().await;
    let south = site.region(3).await;
    let refused = site
        .limit(south, vec![edit(Holder::Project(web), 20)])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("not merged"), "{refused}");
}

#[tokio::test]
async fn a_project_that_ends_has_no_limits_any_more_and_is_left_over() {
    let (site, [home, _], web) = with_web().await;
    site.limit(home, vec![edit(Holder::Project(web), 20)])
        .await
        .unwrap();
    let (kind, id) = (ObjectKind::Project, web);
    site.edit(Edit::End { kind, id }).await.unwrap();
    assert_eq!(site.told_limits(), []);
    site.is_sound().await;
    let zeroed = site.store.change(move |it| {
        let region = it.region_numbered(home)?.unwrap();
        it.zero_quota(&region, &Holder::Project(web), false, &by_ann())
    });
    zeroed.await.unwrap();
    let own = Holder::Own(CloudId::new("web"));
    assert_eq!(site.told_limits(), [(home.0, own, Some(4))]);
    site.is_sound().await;
}

#[tokio::test]
async fn what_the_region_has_no_more_is_told_no_more_with_the_next_edit() {
    let (site, [home, _], web) = with_web().await;
    let own = Holder::Own(CloudId::new("later"));
    site.limit(home, vec![edit(own, 3)]).await.unwrap();
    let mut records = organization("h");
    records.push(project("web", "h-ops", None));
    site.tell(home, 9, &records).await;
    let holder = Holder::Project(web);
    site.limit(home, vec![edit(holder.clone(), 20)])
        .await
        .unwrap();
    assert_eq!(site.told_limits(), [(home.0, holder, Some(20))]);
    site.is_sound().await;
}

#[tokio::test]
async fn a_project_that_the_directory_made_is_found_by_its_marker() {
    let (site, [home, north], web) = with_web().await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let (federation, object) = (OURS, directory.live().projects[&web].department);
    let mut ops = entry("n-h-ops", Custody::Common, department_value("ops"));
    ops.marker = Some(Marker { federation, object });
    let mut records = organization("n");
    records.push(Record::Department(ops));
    records.push(project("n-web", "n-h-ops", Some(web)));
    site.tell(north, 5, &records).await;
    let refused = site
        .limit(north, vec![edit(Holder::Project(web), 1)])
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::Quota(QuotaRefusal::NoResource { .. })),
        "it has told no quota: {refused}"
    );
    site.tell_of(Feed::Quota, north, 6, &[quota("n-web", 10, 2)])
        .await;
    let refused = site
        .limit(north, vec![edit(Holder::Project(web), 1)])
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Quota(QuotaRefusal::BelowUse { used: 2, .. })
        ),
        "{refused}"
    );
    site.limit(north, vec![edit(Holder::Project(web), 2)])
        .await
        .unwrap();
    assert_eq!(
        site.told_limits(),
        [(north.0, Holder::Project(web), Some(2))]
    );
    let object = site
        .store
        .read(move |it| it.object(ObjectKind::Project, web));
    assert!(matches!(object.await.unwrap(), Some(Object::Project(_))));
    let lines = site.store.read(move |it| {
        let region = it.region_numbered(home)?.unwrap();
        Ok(it.census(&region, &[])?.lines())
    });
    assert_eq!(lines.await.unwrap().len(), 2);
}

/// Sets limits of cores, as `check` says. Returns how many wait.
pub(super) async fn sets(
    site: &Site,
    no: RegionNo,
    check: Check,
    limits: &[(ObjectId, i64)],
) -> usize {
    let edits = limits.iter();
    let edits: Vec<_> = edits
        .map(|(id, cores)| edit(Holder::Project(*id), *cores))
        .collect();
    let set = site.store.change(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        it.set_limits(&region, &edits, check, &by_ann())
    });
    set.await.unwrap().waits.len()
}

impl Site {
    /// Tells what waited long enough.
    pub(super) async fn raises(&self) -> usize {
        let due = self.store.read(|it| it.raises_due()).await.unwrap();
        let mut told = 0;
        for (no, key) in due {
            let done = self.store.change(move |it| it.tell_raise(no, &key));
            told += usize::from(done.await.unwrap().is_some());
        }
        told
    }
}

/// Makes `data` beside `web`, and their region has both.
pub(super) async fn with_data(site: &Site, home: RegionNo, web: ObjectId) -> (ObjectId, Check) {
    let data = ObjectId::from_random(77);
    let object = site
        .store
        .read(move |it| it.object(ObjectKind::Project, web));
    let Some(Object::Project(mut made)) = object.await.unwrap() else {
        panic!("no web");
    };
    made.name = "data".to_owned();
    let pool = Pool::Department(made.department);
    let object = Object::Project(made);
    site.edit(Edit::Create { id: data, object }).await.unwrap();
    let mut records = organization("h");
    records.push(project("web", "h-ops", None));
    records.push(project("data", "h-ops", Some(data)));
    site.tell(home, 4, &records).await;
    (data, Check::Shift([web, data].map(|it| (it, pool)).into()))
}

#[tokio::test]
async fn a_shift_raises_only_what_its_region_has_lowered_elsewhere() {
    let (site, [home, _], web) = with_web().await;
    let (data, of_ops) = with_data(&site, home, web).await;
    let of_ops = || of_ops.clone();
    let tells = async |session, web, data| {
        let quotas = [quota("web", web, 4), quota("data", data, 0)];
        site.tell_of(Feed::Quota, home, session, &quotas).await;
        // Behind what was told.
        site.store.change(|_| Ok(())).await.unwrap();
    };
    tells(5, 11, 9).await;
    sets(&site, home, Check::Whole, &[(web, 10), (data, 10)]).await;
    tells(6, 10, 10).await;
    let limit = |of: ObjectId| {
        let told = site.told_limits().into_iter();
        let mut told = told.filter(|it| it.1 == Holder::Project(of));
        told.next().unwrap().2
    };
    let shift = [(web, 5), (data, 15)];
    assert_eq!(sets(&site, home, of_ops(), &shift).await, 1);
    assert_eq!((limit(web), limit(data)), (Some(5), Some(10)));
    // Somebody uses more there by now, and its cloud refuses.
    tells(7, 10, 10).await;
    assert_eq!(site.raises().await, 0);
    let site = site.reopened().await;
    let tells = async |session, web, data| {
        let quotas = [quota("web", web, 4), quota("data", data, 0)];
        site.tell_of(Feed::Quota, home, session, &quotas).await;
        // Behind what was told.
        site.store.change(|_| Ok(())).await.unwrap();
    };
    tells(8, 5, 10).await;
    assert_eq!((site.raises().await, site.raises().await), (1, 0));
    let told: Vec<_> = site.told_limits().into_iter().map(|it| it.2).collect();
    assert!(told.contains(&Some(15)), "{told:?}");
    // What waits is settled by whatever is set later, and ends with its project.
    tells(9, 5, 15).await;
    assert_eq!(
        sets(&site, home, of_ops(), &[(data, 10), (web, 10)]).await,
        1
    );
    sets(&site, home, Check::Whole, &[(web, 7)]).await;
    tells(10, 7, 10).await;
    assert_eq!(site.raises().await, 0);
    assert_eq!(
        sets(&site, home, of_ops(), &[(data, 5), (web, 12)]).await,
        1
    );
    let (kind, id) = (ObjectKind::Project, web);
    site.edit(Edit::End { kind, id }).await.unwrap();
    tells(11, 7, 5).await;
    assert_eq!(site.raises().await, 0);
    site.is_sound().await;
}

#[tokio::test]
async fn what_is_set_no_more_is_told_no_more() {
    let (site, [home, _], web) = with_web().await;
    site.limit(home, vec![edit(Holder::Project(web), 20)])
        .await
        .unwrap();
    let unsets = async |word: &str| {
        let words = [word.to_owned()];
        let unset = site.store.change(move |it| {
            let region = it.region_numbered(home)?.unwrap();
            it.unset_limits(&region, &Holder::Project(web), &words, &by_ann())
        });
        unset.await.map(|it| it.changes.len())
    };
    let refused = unsets("ram").await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Quota(QuotaRefusal::NotSet { .. })),
        "{refused}"
    );
    assert_eq!(unsets("cores").await.unwrap(), 1);
    assert_eq!(site.told_limits(), []);
    site.is_sound().await;
    let site = site.reopened().await;
    assert_eq!(site.told_limits(), []);
}

/// Its agent goes by the versions that it was given, and forgets none.
#[tokio::test]
async fn what_is_set_again_is_later_than_what_was_unset_also_by_a_clock_that_was_set_back() {
    let (clock, hand) = Clock::manual(UnixMillis(9_000_000));
    let (site, [home, _], web) = with_web_by(clock).await;
    let sets = async |cores| {
        let holder = Holder::Project(web);
        site.limit(home, vec![edit(holder, cores)]).await.unwrap();
        let limits = site.store.read(move |it| it.limits(home)).await.unwrap();
        limits[0].version()
    };
    let unsets = async || {
        let unset = site.store.change(move |it| {
            let region = it.region_numbered(home)?.unwrap();
            it.unset_limits(&region, &Holder::Project(web), &["cores".into()], &by_ann())
        });
        unset.await.unwrap();
    };
    let first = sets(20).await;
    hand.set_wall(UnixMillis(1_000_000));
    unsets().await;
    let again = sets(30).await;
    assert!(again > first, "{again} {first}");
    unsets().await;
    // A share of a total likewise.
    let one = OneLimit {
        project: web,
        name: "web",
        service: ServiceKind::Compute,
        resource: "cores",
        limit: 40,
    };
    let told = site.store.change(move |it| {
        it.tell_limit((home, "region-1"), &one, "ann")?;
        it.reading().limits(home)
    });
    let share = told.await.unwrap()[0].version();
    assert!(share > again, "{share} {again}");
    site.is_sound().await;
}

#[tokio::test]
async fn a_leftovers_zero_is_forgotten_when_it_is_the_directorys_and_has_limits_set() {
    let (site, [home, _], _) = with_web().await;
    let own = Holder::Own(CloudId::new("later"));
    site.limit(home, vec![edit(own.clone(), 1)]).await.unwrap();
    assert_eq!(site.told_limits(), [(home.0, own.clone(), Some(1))]);
    site.merge(home).await;
    site.limit(home, vec![edit(own, 9)]).await.unwrap();
    let told = site.told_limits();
    let [(_, Holder::Project(_), Some(9))] = told.as_slice() else {
        panic!("{told:?}");
    };
    site.is_sound().await;
}
