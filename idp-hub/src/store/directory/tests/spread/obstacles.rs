//! What a region lacks of a project holds up no other region's share.

use shared::model::{Becomes, Binding};

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

    /// Somebody in the region deleted the project, with its quota.
    async fn loses_the_project(&mut self, at: usize) {
        let region = &mut self.regions[at];
        region.session += 2;
        let (no, session) = (region.no, region.session);
        let records = organization(region.mark);
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
    fleet.loses_the_project(0).await;
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
    fleet.loses_the_project(2).await;
    fleet.total(100).await.unwrap();
    assert_eq!(fleet.looks().await, ["a", "b", "c"], "c is about to make it");
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
    fleet
        .site
        .tell_of(Feed::Quota, no, session, &[quota])
        .await;
    assert_eq!(fleet.states().await[2], (ShareState::Unknown, 33));
    fleet.uses(0, 30).await;
    fleet.settles_without(2).await;
    let raised = fleet.regions[0].limit;
    assert!(raised > 40, "{raised}");
}
