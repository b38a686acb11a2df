//! A total over three regions, from the database: by what they tell, and by what they are told.

mod clock;
mod obstacles;

use std::collections::BTreeSet;

use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::{
    CloudId, Custody, Entry, Feed, Holder, Limit, Limits, Marker, Object, ObjectKind, Project,
    Quota, QuotaResource, Record, Remark, RemarkState, ServiceKind, Subject,
};

use super::site::{OURS, Site, by_ann, create, department_value, entry, organization};
use super::*;
use crate::directory::Edit;
use crate::directory::quota::spread::ShareState;
use crate::store::RegionNo;

const OPS: u128 = 1;
const WEB: u128 = 2;

fn web() -> ObjectId {
    ObjectId::from_random(WEB)
}

fn cores() -> SpreadKey {
    SpreadKey {
        project: web(),
        service: ServiceKind::Compute,
        resource: "cores".to_owned(),
    }
}

fn project<I>(department: I) -> Project<I> {
    Project {
        department,
        parent: None,
        name: "web".to_owned(),
        description: None,
        enabled: true,
    }
}

fn marked<T>(mut entry: Entry<T>, object: u128) -> Entry<T> {
    let (federation, object) = (OURS, ObjectId::from_random(object));
    entry.marker = Some(Marker { federation, object });
    entry
}

/// A region: its cloud, and its agent, which applies what it is told and tells what it reads.
struct Region {
    no: RegionNo,
    mark: &'static str,
    session: u64,
    limit: u64,
    used: u64,
}

struct Fleet {
    site: Site,
    regions: Vec<Region>,
    online: BTreeSet<RegionNo>,
}

impl Fleet {
    /// Three merged regions whose clouds give 20 cores to each project, and the project `web`.
    async fn new() -> Self {
        Self::of(Site::new().await).await
    }

    async fn of(site: Site) -> Self {
        let mut regions = Vec::new();
        for (key, mark) in [(1, "a"), (2, "b"), (3, "c")] {
            let no = site.region(key).await;
            site.tell(no, 1, &organization(mark)).await;
            site.merge(no).await;
            regions.push(Region {
                no,
                mark,
                session: 1,
                limit: 20,
                used: 0,
            });
        }
        site.edit(create(OPS, "web-ops")).await.unwrap();
        let made = Edit::Create {
            id: web(),
            object: Object::Project(project(ObjectId::from_random(OPS))),
        };
        site.edit(made).await.unwrap();
        let online = regions.iter().map(|it| it.no).collect();
        let mut fleet = Self {
            site,
            regions,
            online,
        };
        for at in 0..3 {
            fleet.knows_the_project(at).await;
            fleet.reads(at).await;
        }
        fleet
    }

    async fn knows_the_project(&mut self, at: usize) {
        let region = &mut self.regions[at];
        region.session += 1;
        let mut records = organization(region.mark);
        let home = CloudId::new("web-ops");
        let department = entry("web-ops", Custody::Common, department_value("web-ops"));
        let web = entry(
            &format!("{}-web", region.mark),
            Custody::Common,
            project(home),
        );
        records.push(Record::Department(marked(department, OPS)));
        records.push(Record::Project(marked(web, WEB)));
        self.site.tell(region.no, region.session, &records).await;
    }

    /// What its agent reads in the cloud comes to the hub.
    async fn reads(&mut self, at: usize) {
        let region = &mut self.regions[at];
        region.session += 1;
        let quota = Quota {
            project: CloudId::new(&format!("{}-web", region.mark)),
            project_name: "web".to_owned(),
            service: ServiceKind::Compute,
            resources: vec![QuotaResource {
                name: "cores".to_owned(),
                limit: Some(region.limit),
                used: region.used,
                reserved: 0,
            }],
        };
        let (feed, records) = (Feed::Quota, [Record::Quota(quota)]);
        self.site
            .tell_of(feed, region.no, region.session, &records)
            .await;
        // Behind what was told.
        self.site.store.change(|_| Ok(())).await.unwrap();
    }

    fn limits(&self, at: usize) -> Option<Limits> {
        let no = self.regions[at].no.0;
        let mut rows = self.site.rows().into_iter();
        rows.find_map(|(_, region, _, record)| match record {
            Some(Record::Limits(it)) if region == no => Some(it),
            _ => None,
        })
    }

    /// Its agent sets the limit that it was told last.
    fn applies(&mut self, at: usize) {
        let limits = self.limits(at);
        let cores = limits.and_then(|it| it.resources.into_iter().find(|it| it.name == "cores"));
        if let Some(Limit { limit, .. }) = cores {
            self.regions[at].limit = limit.unwrap();
        }
        let most: u64 = self.regions.iter().map(|it| it.limit.max(it.used)).sum();
        assert!(most <= 100, "{most} may be used");
    }

    async fn uses(&mut self, at: usize, used: u64) {
        self.regions[at].used = used.min(self.regions[at].limit);
        self.reads(at).await;
    }

    /// The hub looks. Returns the regions that are told another share.
    async fn looks(&self) -> Vec<&'static str> {
        self.looks_at(cores()).await
    }

    async fn looks_at(&self, key: SpreadKey) -> Vec<&'static str> {
        let online = self.online.clone();
        let wanted = self
            .site
            .store
            .read(|it| it.spread_projects())
            .await
            .unwrap();
        let places = self
            .site
            .store
            .read(move |it| it.places(&wanted))
            .await
            .unwrap();
        let told = self
            .site
            .store
            .change(move |it| it.respread(&key, &places, &online));
        let told = told.await.unwrap();
        let name = |it: &Region| {
            told.iter()
                .any(|(name, _)| *name == format!("region-{}", it.no.0))
        };
        let told = self.regions.iter().filter(|it| name(it));
        told.map(|it| it.mark).collect()
    }

    /// Everything is told, applied and read, until nothing more is told.
    async fn settles(&mut self) {
        for _ in 0..10 {
            for at in 0..3 {
                if self.online.contains(&self.regions[at].no) {
                    self.applies(at);
                    self.reads(at).await;
                }
            }
            if self.looks().await.is_empty() {
                return;
            }
        }
        panic!("it never settles");
    }

    async fn states(&self) -> Vec<(ShareState, u64)> {
        let (key, online) = (cores(), self.online.clone());
        let shares = self.site.store.read(move |it| {
            let places = it.places(&it.spread_projects()?)?;
            it.shares(&key, &places, &online, shared::model::UnixMillis(0))
        });
        let mut shares: Vec<_> = shares.await.unwrap().into_values().collect();
        shares.sort_by_key(|it| it.no);
        let shares = shares.iter().map(|it| &it.standing);
        shares.map(|it| (it.state(), it.held())).collect()
    }

    async fn total(&self, total: u64) -> Result<bool, StoreError> {
        let set =
            move |it: &mut crate::store::Changing<'_>| it.set_spread(&cores(), total, &by_ann());
        self.site.store.change(set).await
    }
}

#[tokio::test]
async fn shares_go_where_use_grows_and_never_over_the_total_while_a_region_is_away() {
    use ShareState::{Away, Confirmed, Waiting};
    let mut fleet = Fleet::new().await;
    assert!(fleet.total(100).await.unwrap());
    assert!(!fleet.total(100).await.unwrap(), "it is so already");
    assert_eq!(fleet.looks().await, ["a", "b", "c"]);
    let states = fleet.states().await;
    assert_eq!(states, [(Waiting, 34), (Waiting, 33), (Waiting, 33)]);
    fleet.settles().await;

    let c = fleet.regions[2].no;
    fleet.online.remove(&c);
    fleet.uses(0, 30).await;
    assert_eq!(
        fleet.looks().await,
        ["b"],
        "what a is to have is to come back first"
    );
    assert_eq!(fleet.looks().await, [""; 0]);
    fleet.applies(1);
    fleet.reads(1).await;
    fleet.site = fleet.site.reopened().await;
    assert_eq!(fleet.looks().await, ["a"]);
    fleet.settles().await;
    let states = fleet.states().await;
    assert_eq!((states[0].0, states[2]), (Confirmed, (Away, 33)));
    assert!(fleet.regions[0].limit > 45, "{}", fleet.regions[0].limit);
    assert_eq!(fleet.regions[2].limit, 33, "nobody took it away");

    fleet.uses(0, 100).await;
    fleet.settles().await;
    let before = fleet.regions[0].limit;
    fleet.online.insert(c);
    fleet.uses(0, 100).await;
    fleet.settles().await;
    assert!(fleet.regions[0].limit > before && fleet.regions[2].limit < 33);
    let sum: u64 = fleet.regions.iter().map(|it| it.limit).sum();
    assert!(sum <= 100, "{sum}");
    fleet.site.is_sound().await;
}

#[tokio::test]
async fn what_was_not_read_holds_up_every_raise_and_a_limit_set_by_hand_is_put_right() {
    let mut fleet = Fleet::new().await;
    let c = fleet.regions[2].no;
    fleet.regions[2].session += 1;
    let session = fleet.regions[2].session;
    fleet.site.tell_of(Feed::Quota, c, session, &[]).await;
    fleet.total(100).await.unwrap();
    assert_eq!(fleet.looks().await, ["a", "b"]);
    let given = |at: usize| fleet.limits(at).unwrap().resources[0].limit;
    assert_eq!([given(0), given(1)], [Some(20), Some(20)]);
    fleet.reads(2).await;
    assert_eq!(fleet.looks().await, ["a", "b", "c"]);
    fleet.settles().await;
    let share = fleet.regions[0].limit;
    assert!(share > 20);

    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    fleet.regions[0].limit = 1000;
    fleet.reads(0).await;
    assert_eq!(fleet.looks().await, ["a"]);
    assert_eq!(fleet.looks().await, [""; 0], "once for what was read");
    let cores = fleet.limits(0).unwrap().resources[0].limit;
    assert_eq!(cores, Some(share));
    fleet.settles().await;
    assert_eq!(fleet.regions[0].limit, share);
}

#[tokio::test]
async fn other_limits_of_the_project_stay_and_one_on_its_way_counts() {
    let fleet = Fleet::new().await;
    let no = fleet.regions[0].no;
    let limit = |name: &str, limit| Limit {
        name: name.to_owned(),
        limit: Some(limit),
        version: u64::MAX - 9,
        force: true,
    };
    let set = Record::Limits(Limits {
        holder: Holder::Project(web()),
        service: ServiceKind::Compute,
        resources: vec![limit("cores", 90), limit("instances", 7)],
    });
    let set = fleet
        .site
        .store
        .change(move |it| it.tell_one(no, &set, &[], "ann"));
    set.await.unwrap();
    fleet.total(100).await.unwrap();
    assert_eq!(fleet.looks().await, ["a", "b", "c"]);
    let given = fleet.limits(1).unwrap().resources[0].limit;
    assert_eq!(given, Some(20), "no more, as a may have 90 by now");
    let told = fleet.limits(0).unwrap().resources;
    assert_eq!(told[1], limit("instances", 7));
    assert!(told[0].limit < Some(90) && told[0].version == u64::MAX - 8 && !told[0].force);
}

#[tokio::test]
async fn a_total_is_checked_told_to_the_trail_and_ends_with_its_project() {
    let fleet = Fleet::new().await;
    let over = fleet.total(1 << 31).await.unwrap_err().to_string();
    assert!(over.contains("give 2147483647 at most"), "{over}");
    let mut key = cores();
    key.project = ObjectId::from_random(99);
    let none = fleet
        .site
        .store
        .change(move |it| it.set_spread(&key, 1, &by_ann()));
    assert!(matches!(
        none.await,
        Err(StoreError::Missing {
            what: "project",
            ..
        })
    ));

    fleet.total(100).await.unwrap();
    fleet.looks().await;
    fleet.total(50).await.unwrap();
    let listed = fleet
        .site
        .store
        .read(|it| it.spreads(Some(web()), None, 10));
    let listed = listed.await.unwrap();
    assert_eq!((listed.len(), listed[0].total), (1, 50));
    assert_eq!(listed[0].stamp.author, "ann");
    let after = listed[0].key.clone();
    let rest = fleet
        .site
        .store
        .read(move |it| it.spreads(None, Some(&after), 10));
    assert_eq!(rest.await.unwrap(), []);

    let end = Edit::End {
        kind: ObjectKind::Project,
        id: web(),
    };
    fleet.site.edit(end).await.unwrap();
    assert_eq!(fleet.looks().await, [""; 0]);
    let left = fleet.site.store.read(|it| it.spreads(None, None, 10));
    assert_eq!(left.await.unwrap(), []);
    let wanted = Wanted {
        action: Some("spread-quota".to_owned()),
        ..Wanted::default()
    };
    let entries = fleet
        .site
        .store
        .read(move |it| it.audit_entries(None, 100, &wanted));
    let entries = entries.await.unwrap();
    let changes: Vec<_> = (entries.items.iter())
        .map(|it| &it.entry.as_ref().unwrap().act)
        .map(|it| (&*it.before, &*it.after))
        .collect();
    assert_eq!(
        changes.last().unwrap(),
        &("compute cores: none", "compute cores: 100")
    );
    assert_eq!(changes[0], ("compute cores: 50", "compute cores: none"));
    assert_eq!(changes.len(), 6, "{changes:?}");
    fleet.site.is_sound().await;
}

#[tokio::test]
async fn a_region_that_is_removed_has_no_share_any_more() {
    let mut fleet = Fleet::new().await;
    fleet.total(100).await.unwrap();
    fleet.settles().await;
    let c = fleet.regions[2].no;
    let removed = fleet.site.store.change(move |it| it.remove_region(c));
    removed.await.unwrap();
    fleet.regions.pop();
    let (key, online) = (cores(), fleet.online.clone());
    let places = fleet
        .site
        .store
        .read(|it| it.places(&BTreeSet::from([web()])));
    let places = places.await.unwrap();
    let told = fleet
        .site
        .store
        .change(move |it| it.respread(&key, &places, &online));
    let told: Vec<u64> = told.await.unwrap().into_iter().map(|it| it.1).collect();
    assert_eq!(told, [50, 50]);
}

#[tokio::test]
async fn who_can_not_have_the_project_is_given_no_room() {
    let mut fleet = Fleet::new().await;
    let region = &mut fleet.regions[2];
    (region.session, region.limit) = (region.session + 1, 0);
    let (no, session) = (region.no, region.session);
    let mut records = organization(region.mark);
    // Its agent can't make it: the name is taken there.
    records.push(Record::Remark(Remark {
        subject: Subject::Object(ObjectKind::Project, web()),
        name: "web".to_owned(),
        state: RemarkState::Blocked {
            reason: "the name is taken".to_owned(),
        },
    }));
    fleet.site.tell(no, session, &records).await;
    fleet.total(100).await.unwrap();
    assert_eq!(fleet.looks().await, ["a", "b"]);
    fleet.settles().await;
    let sum: u64 = fleet.regions[..2].iter().map(|it| it.limit).sum();
    assert_eq!(sum, 100, "all of it is where it can be used");
    // It can.
    fleet.knows_the_project(2).await;
    fleet.settles().await;
    assert!(fleet.regions[2].limit > 0);
}
