//! What was retired is counted, purged on command and to its end; what ended is not revived.

mod copied;
mod ended;
mod steps;

use shared::model::{
    Custody, Entry, Feed, FloatingIp, Marker, Network, ObjectKind, Project, Purge, Remark,
    RemarkState, Server, ServerState, Subject, UnixMillis, Volume, VolumeState,
};

use super::site::{OURS, Site, by_ann, entry, organization};
use super::*;
use crate::directory::{Action, Contents, Next, Purging, Retired};
use crate::store::RegionNo;

const LATER: UnixMillis = UnixMillis(u64::MAX / 4);

fn project(id: &str, department: &str, name: &str, enabled: bool) -> Entry<Project<CloudId>> {
    let project = Project {
        department: CloudId::new(department),
        parent: None,
        name: name.to_owned(),
        description: None,
        enabled,
    };
    entry(id, Custody::Common, project)
}

fn marked(mut entry: Entry<Project<CloudId>>, object: ObjectId) -> Record {
    let federation = OURS;
    entry.marker = Some(Marker { federation, object });
    Record::Project(entry)
}

/// Two merged regions, and the project `web` of home, which north has by its marker.
struct Stage {
    site: Site,
    home: RegionNo,
    north: RegionNo,
    web: ObjectId,
    session: u64,
}

impl Stage {
    async fn new() -> Self {
        Self::of(Site::new().await).await
    }

    async fn of(site: Site) -> Self {
        let (home, north) = (site.region(1).await, site.region(2).await);
        let mut records = organization("h");
        records.push(Record::Project(project("h-web", "h-ops", "web", true)));
        site.tell(home, 1, &records).await;
        site.merge(home).await;
        site.tell(north, 1, &organization("n")).await;
        site.merge(north).await;
        let directory = site.store.read(|it| it.directory()).await.unwrap();
        let projects = &directory.live().projects;
        let (web, _) = projects.iter().find(|(_, it)| it.name == "web").unwrap();
        let web = *web;
        let mut stage = Self {
            site,
            home,
            north,
            web,
            session: 1,
        };
        let kind = ObjectKind::Project;
        stage.site.edit(Edit::End { kind, id: web }).await.unwrap();
        stage.inventory(home, &[]).await;
        stage.inventory(north, &[]).await;
        stage.told([false, false], &[], &[]).await;
        stage
    }

    /// Both regions tell: whether they have the project, and these remarks.
    async fn told(&mut self, gone: [bool; 2], of_home: &[Remark], of_north: &[Remark]) {
        self.session += 1;
        let mut all = organization("h");
        if !gone[0] {
            all.push(Record::Project(project("h-web", "h-ops", "web", false)));
        }
        all.extend(of_home.iter().cloned().map(Record::Remark));
        self.site.tell(self.home, self.session, &all).await;
        let mut all = organization("n");
        if !gone[1] {
            all.push(marked(
                project("n-web", "h-ops-there", "web", false),
                self.web,
            ));
        }
        all.extend(of_north.iter().cloned().map(Record::Remark));
        self.site.tell(self.north, self.session, &all).await;
        self.site.store.change(|_| Ok(())).await.unwrap();
    }

    async fn inventory(&mut self, no: RegionNo, records: &[Record]) {
        self.session += 1;
        self.site
            .tell_of(Feed::Inventory, no, self.session, records)
            .await;
        self.site.store.change(|_| Ok(())).await.unwrap();
    }

    fn heard(&self, at: UnixMillis) -> Heard {
        Heard::from([(self.home, at), (self.north, at)])
    }

    async fn seen(&self) -> Retired {
        let (id, heard) = (self.web, self.heard(LATER));
        let found = self
            .site
            .store
            .read(move |it| it.retired_one(id, &heard, &Counts::default()));
        found.await.unwrap().unwrap()
    }

    async fn purge(&self, seen: Retired) -> Result<(), StoreError> {
        let told = self.site.store.change(move |it| it.purge(&seen, &by_ann()));
        told.await
    }

    /// What each region is told to purge.
    fn purges(&self) -> Vec<(u32, Purge)> {
        let rows = self.site.rows().into_iter();
        let told = rows.filter_map(|(_, region, _, it)| match it {
            Some(Record::Purge(it)) => Some((region, it)),
            _ => None,
        });
        told.collect()
    }

    fn done(&self) -> Remark {
        let told = self.purges()[0].1.at;
        remark(self.web, RemarkState::Purged { told })
    }

    async fn ends(&self) -> bool {
        self.brought((ObjectKind::Project, self.web), Next::End)
            .await
    }

    /// Whether that was next, and is done.
    async fn brought(&self, what: (ObjectKind, ObjectId), next: Next) -> bool {
        let done = self
            .site
            .store
            .change(move |it| it.bring_on((what, next), &by_ann()));
        done.await.unwrap()
    }

    async fn going_on(&self, now: UnixMillis) -> Vec<Going> {
        let going = self.site.store.read(move |it| it.purges_going_on(now));
        going.await.unwrap()
    }
}

fn remark(id: ObjectId, state: RemarkState) -> Remark {
    Remark {
        subject: Subject::Object(ObjectKind::Project, id),
        name: "web".to_owned(),
        state,
    }
}

fn contents(project: &str) -> Vec<Record> {
    let project = CloudId::new(project);
    let server = |id: &str, project: &CloudId| {
        Record::Server(Server {
            id: CloudId::new(id),
            name: id.to_owned(),
            project: project.clone(),
            state: ServerState::Running,
            vcpus: 1,
            memory_mib: 512,
            disk_gib: 1,
            node: None,
            addresses: Vec::new(),
            created: UnixMillis(0),
            fault: None,
        })
    };
    vec![
        server("s1", &project),
        server("s2", &project),
        server("s3", &CloudId::new("another")),
        Record::Volume(Volume {
            id: CloudId::new("v1"),
            name: String::new(),
            project: project.clone(),
            state: VolumeState::Available,
            size_gib: 1,
            attached_to: Vec::new(),
            created: UnixMillis(0),
        }),
        Record::Network(Network {
            id: CloudId::new("w1"),
            name: String::new(),
            project: project.clone(),
            external: false,
            shared: false,
            active: true,
            addresses: None,
        }),
        Record::FloatingIp(FloatingIp {
            id: CloudId::new("f1"),
            address: "192.0.2.1".parse().unwrap(),
            project,
            port: None,
        }),
    ]
}

#[tokio::test]
async fn what_is_left_is_counted_by_region_and_keeps_it() {
    let mut stage = Stage::new().await;
    let seen = stage.seen().await;
    assert_eq!(seen.left.len(), 2, "{seen:?}");
    assert!(
        seen.left
            .iter()
            .all(|it| it.here == Some(Default::default())),
        "{seen:?}"
    );
    assert_eq!(seen.may_be_purged(), Ok(()));
    let (home, north) = (stage.home, stage.north);
    stage.inventory(home, &contents("h-web")).await;
    stage.inventory(north, &contents("n-web")[..1]).await;
    let seen = stage.seen().await;
    let found = |no: usize| seen.left[no].here.unwrap().contents;
    let all = Contents {
        servers: 2,
        volumes: 1,
        networks: 1,
        floating_ips: 1,
    };
    assert_eq!((found(0), found(1).servers), (all, 1));
    let refused = stage.purge(seen).await.unwrap_err().to_string();
    for word in ["region-1 has 2 servers, 1 volume", "region-2 has 1 server"] {
        assert!(refused.contains(word), "{refused}");
    }
    assert_eq!(stage.purges(), []);
    // Whoever was not heard since then may have anything.
    let (id, heard) = (stage.web, stage.heard(UnixMillis(1)));
    let mut away = stage
        .site
        .store
        .read(move |it| it.retired_one(id, &heard, &Counts::default()))
        .await;
    let away = away.as_mut().unwrap().as_mut().unwrap();
    away.left.iter_mut().for_each(|it| it.heard = UnixMillis(1));
    let refused = away.may_be_purged().unwrap_err().to_string();
    assert!(refused.contains("not heard of since"), "{refused}");
    let query = RetiredQuery {
        limit: 10,
        ..RetiredQuery::default()
    };
    let heard = stage.heard(LATER);
    let page = stage
        .site
        .store
        .read(move |it| it.retired(&query, &heard, &Counts::default()));
    let page = page.await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

/// How far each region is.
fn states(of: &Retired) -> Vec<Purging> {
    of.left.iter().map(|it| it.purge.clone()).collect()
}

#[tokio::test]
async fn it_is_purged_when_every_region_says_so_and_its_name_is_free() {
    let mut stage = Stage::new().await;
    let seen = stage.seen().await;
    stage.purge(seen.clone()).await.unwrap();
    let told = stage.purges();
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .all(|(_, it)| it.object == stage.web && it.name == "web")
    );
    stage.purge(seen).await.unwrap();
    assert_eq!(stage.purges(), told, "again is once");
    stage.site.is_sound().await;
    assert!(!stage.ends().await);
    assert_eq!(
        states(&stage.seen().await),
        [Purging::Waiting, Purging::Waiting]
    );
    let done = stage.done();
    let reason = "it has 1 image".to_owned();
    let blocked = remark(
        stage.web,
        RemarkState::Blocked {
            reason: reason.clone(),
        },
    );
    stage
        .told([true, false], std::slice::from_ref(&done), &[blocked])
        .await;
    assert_eq!(
        states(&stage.seen().await),
        [Purging::Done, Purging::Refused(reason)]
    );
    assert!(!stage.ends().await);
    // The hub is started anew in between; and what was said of an earlier word is none of this.
    stage.site = stage.site.reopened().await;
    let stale = remark(
        stage.web,
        RemarkState::Purged {
            told: UnixMillis(1),
        },
    );
    stage
        .told([true, true], std::slice::from_ref(&done), &[stale])
        .await;
    assert!(!stage.ends().await);
    stage
        .told(
            [true, true],
            std::slice::from_ref(&done),
            std::slice::from_ref(&done),
        )
        .await;
    let due = stage.going_on(UnixMillis(0)).await;
    assert_eq!(due, [((ObjectKind::Project, stage.web), Next::End)]);
    assert!(stage.ends().await);
    assert!(!stage.ends().await, "once");
    assert_eq!(stage.purges(), []);
    stage.site.is_sound().await;
    is_deleted(&stage).await;
}

/// It is as deleted: its name is free, it is listed no more, and the trail has both words.
async fn is_deleted(stage: &Stage) {
    let directory = stage.site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(stage.web).unwrap().how, End::Deleted);
    let again = directory.ended(stage.web).unwrap().object.clone();
    let id = ObjectId::from_random(77);
    stage
        .site
        .edit(Edit::Create { id, object: again })
        .await
        .unwrap();
    let query = RetiredQuery {
        limit: 10,
        ..RetiredQuery::default()
    };
    let heard = stage.heard(LATER);
    let page = stage
        .site
        .store
        .read(move |it| it.retired(&query, &heard, &Counts::default()));
    assert_eq!(page.await.unwrap().items, [], "it is nowhere");
    let acts = stage
        .site
        .store
        .read(|it| it.audit_entries(None, 20, &Wanted::default()));
    let acts = acts.await.unwrap().items.into_iter();
    let acts: Vec<String> = acts.map(|it| it.entry.unwrap().act.action).collect();
    for action in ["purge", "purged"] {
        assert!(acts.iter().any(|it| it == action), "{acts:?}");
    }
}

#[tokio::test]
async fn a_region_that_is_removed_meanwhile_holds_up_nothing() {
    let mut stage = Stage::new().await;
    let seen = stage.seen().await;
    stage.purge(seen).await.unwrap();
    let north = stage.north;
    let done = stage.done();
    stage.session += 1;
    let mut all = organization("h");
    all.push(Record::Remark(done));
    stage.site.tell(stage.home, stage.session, &all).await;
    let removed = stage.site.store.change(move |it| it.remove_region(north));
    removed.await.unwrap();
    assert!(stage.ends().await);
    stage.site.is_sound().await;
}

#[tokio::test]
async fn a_region_that_brings_it_along_later_has_it_switched_off_and_purged_by_a_new_word() {
    let mut stage = Stage::new().await;
    let seen = stage.seen().await;
    stage.purge(seen).await.unwrap();
    let done = stage.done();
    stage
        .told(
            [true, true],
            std::slice::from_ref(&done),
            std::slice::from_ref(&done),
        )
        .await;
    assert!(stage.ends().await);
    let late = stage.site.region(3).await;
    let mut records = organization("l");
    records.push(marked(project("l-web", "l-ops", "web", true), stage.web));
    stage.site.tell(late, 1, &records).await;
    let plan = stage.site.plan(late).await.unwrap();
    let mut steps = plan.steps.iter();
    assert!(
        steps.any(|it| matches!(&it.action, Action::Withhold { id, .. } if *id == stage.web)),
        "{plan:?}"
    );
    stage.site.merge(late).await;
    let seen = stage.seen().await;
    let here: Vec<bool> = seen.left.iter().map(|it| it.here.is_some()).collect();
    assert_eq!((seen.how, here), (End::Deleted, vec![false, false, true]));
    assert_eq!(stage.purges(), [], "not by itself");
    let refused = stage.purge(seen).await.unwrap_err().to_string();
    assert!(
        refused.contains("not heard of") || refused.contains("not switched off"),
        "{refused}"
    );
    records.pop();
    records.push(marked(project("l-web", "l-ops", "web", false), stage.web));
    stage.site.tell(late, 2, &records).await;
    stage.inventory(late, &[]).await;
    stage.site.store.change(|_| Ok(())).await.unwrap();
    let mut seen = stage.seen().await;
    seen.left.iter_mut().for_each(|it| it.heard = LATER);
    stage.purge(seen).await.unwrap();
    let told: Vec<u32> = stage
        .purges()
        .into_iter()
        .map(|(region, _)| region)
        .collect();
    assert_eq!(told, [late.0], "that one alone");
    let told = stage.purges()[0].1.at;
    records.pop();
    records.push(Record::Remark(remark(
        stage.web,
        RemarkState::Purged { told },
    )));
    stage.session += 1;
    stage.site.tell(late, stage.session, &records).await;
    assert!(stage.ends().await);
    assert_eq!(stage.purges(), []);
    stage.site.is_sound().await;
}
