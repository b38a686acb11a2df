//! What a region lacks of a project holds up no other region's share; nor does what is none of it.

use shared::model::{Becomes, Binding, DriftKind, DriftWhy, Drifted};

use super::*;

impl Fleet {
    /// All but one region are told, apply and tell what they read, until nothing more is told.
    async fn settles_without(&mut self, gone: usize) {
        for _ in 0..10 {
            for at in (0..3).filter(|it| *it != gone) {
                self.applies(at);
                self.reads(at).await;
            }
            if self.looks().await.is_empty() {
                return;
            }
        }
        panic!("it never settles");
    }

    /// Somebody in the region deleted the project, with its quota. Its agent remarks this.
    async fn loses_the_project(&mut self, at: usize, remarks: &[Remark]) {
        let region = &mut self.regions[at];
        region.session += 2;
        let (no, session) = (region.no, region.session);
        let mut records = organization(region.mark);
        records.extend(remarks.iter().cloned().map(Record::Remark));
        self.site.tell(no, session - 1, &records).await;
        self.site.tell_of(Feed::Quota, no, session, &[]).await;
    }
}

#[tokio::test]
async fn a_project_that_a_region_deleted_holds_up_no_other_region() {
    let mut fleet = Fleet::new().await;
    let bound = Record::Binding(Binding {
        kind: ObjectKind::Project,
        here: CloudId::new("a-web"),
        becomes: Becomes::Object(web()),
    });
    let no = fleet.regions[0].no;
    let bound = fleet
        .site
        .store
        .change(move |it| it.tell_one(no, &bound, &[], "ann"));
    bound.await.unwrap();
    fleet.total(100).await.unwrap();
    fleet.settles().await;
    fleet.loses_the_project(0, &[]).await;
    assert_eq!(fleet.states().await[0], (ShareState::Unknown, 34));
    fleet.uses(1, 30).await;
    fleet.settles_without(0).await;
    let raised = fleet.regions[1].limit;
    assert!(raised > 40, "{raised}");
    // Its agent makes it again, and its cloud gives it what it gives to each.
    fleet.regions[0].mark = "a-again";
    fleet.regions[0].limit = 20;
    fleet.knows_the_project(0).await;
    fleet.reads(0).await;
    fleet.settles().await;
    assert_eq!(fleet.states().await[0].0, ShareState::Confirmed);
}

#[tokio::test]
async fn a_region_whose_service_has_no_such_resource_holds_up_no_other() {
    let mut fleet = Fleet::new().await;
    fleet.loses_the_project(2, &[]).await;
    fleet.total(100).await.unwrap();
    assert_eq!(
        fleet.looks().await,
        ["a", "b", "c"],
        "c is about to make it"
    );
    fleet.settles_without(2).await;
    // It has, and its service knows of no cores.
    fleet.knows_the_project(2).await;
    let region = &mut fleet.regions[2];
    (region.session, region.limit) = (region.session + 1, 0);
    let quota = Record::Quota(Quota {
        project: CloudId::new("c-web"),
        project_name: "web".to_owned(),
        service: ServiceKind::Compute,
        resources: Vec::new(),
    });
    let (no, session) = (region.no, region.session);
    fleet.site.tell_of(Feed::Quota, no, session, &[quota]).await;
    assert_eq!(fleet.states().await[2], (ShareState::Unknown, 33));
    fleet.uses(0, 30).await;
    fleet.settles_without(2).await;
    let raised = fleet.regions[0].limit;
    assert!(raised > 40, "{raised}");
}

fn remark(kind: ObjectKind, id: u128, state: RemarkState) -> Remark {
    Remark {
        subject: Subject::Object(kind, ObjectId::from_random(id)),
        name: "it".to_owned(),
        state,
    }
}

fn blocked() -> RemarkState {
    RemarkState::Blocked {
        reason: "the name is taken".to_owned(),
    }
}

fn differs(what: DriftKind, cloud: &str) -> RemarkState {
    RemarkState::Drift {
        why: DriftWhy::Region,
        what: vec![Drifted {
            what,
            directory: None,
            cloud: Some(cloud.to_owned()),
        }],
    }
}

/// Its agent remarks nothing of the project: that waits for what it is to be in.
#[tokio::test]
async fn who_can_not_have_what_the_project_is_in_is_given_no_room() {
    for (state, can_make) in [
        (blocked(), false),
        (differs(DriftKind::Deleted, ""), false),
        (differs(DriftKind::Enabled, "false"), false),
        (differs(DriftKind::Description, "more"), true),
    ] {
        let mut fleet = Fleet::new().await;
        let department = remark(ObjectKind::Department, OPS, state);
        fleet.loses_the_project(2, &[department]).await;
        fleet.total(100).await.unwrap();
        let told = fleet.looks().await;
        assert_eq!(told.contains(&"c"), can_make, "{told:?}");
        assert!(told.starts_with(&["a", "b"]), "{told:?}");
    }
}

#[tokio::test]
async fn who_can_not_have_the_project_around_it_is_given_no_room() {
    const INNER: u128 = 3;
    let mut fleet = Fleet::new().await;
    let key = SpreadKey {
        project: ObjectId::from_random(INNER),
        ..cores()
    };
    let inner = Object::Project(Project {
        parent: Some(web()),
        name: "inner".to_owned(),
        ..project(ObjectId::from_random(OPS))
    });
    let (id, object) = (key.project, inner);
    fleet.site.edit(Edit::Create { id, object }).await.unwrap();
    let around = remark(ObjectKind::Project, WEB, blocked());
    fleet.loses_the_project(2, &[around]).await;
    let of = key.clone();
    let set = move |it: &mut crate::store::Changing<'_>| it.set_spread(&of, 100, &by_ann());
    fleet.site.store.change(set).await.unwrap();
    assert_eq!(fleet.looks_at(key).await, ["a", "b"]);
}

/// Which one the project is in the third region: for totals, and for limits.
async fn places(fleet: &Fleet) -> Vec<Option<CloudId>> {
    let no = fleet.regions[2].no;
    let places = fleet.site.store.read(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        let of_one = it.census_of(&region, &BTreeSet::from([web()]))?;
        let places = it.places(&BTreeSet::from([web()]))?;
        let holder = Holder::Project(web());
        let census = it.census(&region, &[])?;
        let by_total = places.of(no, web()).cloned();
        Ok(vec![by_total, census.here(&holder), of_one.here(&holder)])
    });
    places.await.unwrap()
}

impl Fleet {
    /// The third region tells its project, of this custody, in a department with a marker or none.
    async fn has_the_project(&mut self, custody: Custody, is_marked: bool) {
        let region = &mut self.regions[2];
        region.session += 1;
        let (no, session) = (region.no, region.session);
        let mut records = organization(region.mark);
        let home = CloudId::new("web-ops");
        let mut department = entry("web-ops", Custody::Common, department_value("web-ops"));
        if is_marked {
            department = marked(department, OPS);
        }
        let project = entry("c-web", custody, project(home));
        records.push(Record::Department(department));
        records.push(Record::Project(marked(project, WEB)));
        self.site.tell(no, session, &records).await;
        self.reads(2).await;
    }

    /// The third region's project is known as the directory's, and has its share of a total.
    async fn counts_in_the_third(&mut self) {
        let web = Some(CloudId::new("c-web"));
        assert_eq!(places(self).await, [web.clone(), web.clone(), web]);
        self.total(100).await.unwrap();
        self.settles().await;
        assert_eq!(self.states().await[2].0, ShareState::Confirmed);
    }
}

/// It is the cloud administrators', as Keystone's `admin_project_name` may name it.
#[tokio::test]
async fn a_project_that_an_agent_signs_in_by_is_the_directorys_all_the_same() {
    let mut fleet = Fleet::new().await;
    fleet.has_the_project(Custody::Administrator, true).await;
    fleet.counts_in_the_third().await;
}

/// Somebody cleared what the federation noted on it; its agent goes on by what it applied.
#[tokio::test]
async fn the_projects_of_a_department_that_lost_its_marker_are_the_directorys_all_the_same() {
    let mut fleet = Fleet::new().await;
    fleet.has_the_project(Custody::Common, false).await;
    fleet.counts_in_the_third().await;
}

/// Somebody with a project of his own in the region copied the marker on it; its id is the lower
/// one there.
#[tokio::test]
async fn a_copied_marker_in_another_department_is_nobodys() {
    let mut fleet = Fleet::new().await;
    let region = &mut fleet.regions[2];
    region.session += 1;
    let (no, session) = (region.no, region.session);
    let mut records = organization(region.mark);
    let home = CloudId::new("web-ops");
    let department = entry("web-ops", Custody::Common, department_value("web-ops"));
    let of = |id: &str, home: CloudId| entry(id, Custody::Common, project(home));
    records.extend([
        Record::Department(marked(department, OPS)),
        Record::Project(marked(of("c-aaa", CloudId::new("c-ops")), WEB)),
        Record::Project(marked(of("c-web", home), WEB)),
        Record::Project(marked(of("c-zzz", CloudId::new("c-ops")), WEB)),
    ]);
    fleet.site.tell(no, session, &records).await;
    fleet.total(100).await.unwrap();
    fleet.settles().await;
    assert_eq!(fleet.states().await[2].0, ShareState::Confirmed);
    let lines = fleet.site.store.read(move |it| {
        let region = it.region_numbered(no)?.unwrap();
        let of_one = it.census_of(&region, &BTreeSet::from([web()]))?;
        Ok([it.census(&region, &[])?.lines(), of_one.lines()])
    });
    for lines in lines.await.unwrap() {
        let mut lines = lines.into_iter();
        let line = lines.find(|it| it.object() == Some(web())).unwrap();
        assert_eq!(line.here, Some(CloudId::new("c-web")));
    }
}
