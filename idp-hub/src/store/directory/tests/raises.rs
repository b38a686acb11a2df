//! Limits that wait until another project has less: what ends them, and who learns of it.

use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::{Feed, Holder, ObjectKind, ServiceKind};

use super::limits::{quota, sets, with_data, with_web};
use super::site::{Site, by_ann};
use super::*;
use crate::directory::Edit;
use crate::directory::quota::Check;
use crate::store::{RegionNo, StoreError};

/// `web` and `data` of one department, with 10 cores each that were set here. `web` gives 5 to
/// `data`, and the region has not lowered it yet.
struct Shifted {
    site: Site,
    home: RegionNo,
    web: ObjectId,
    data: ObjectId,
    session: u64,
}

impl Shifted {
    async fn new() -> Self {
        let (site, [home, _], web) = with_web().await;
        let (data, shift) = with_data(&site, home, web).await;
        let mut it = Self {
            site,
            home,
            web,
            data,
            session: 4,
        };
        it.tells(11, 9).await;
        sets(&it.site, home, Check::Whole, &[(web, 10), (data, 10)]).await;
        it.tells(10, 10).await;
        let waits = sets(&it.site, home, shift, &[(web, 5), (data, 15)]).await;
        assert_eq!((waits, it.waiting().await), (1, 1));
        it
    }

    /// The region tells how many cores each may use.
    async fn tells(&mut self, web: u64, data: u64) {
        self.session += 1;
        let quotas = [quota("web", web, 4), quota("data", data, 0)];
        let (feed, session) = (Feed::Quota, self.session);
        self.site.tell_of(feed, self.home, session, &quotas).await;
        // Behind what was told.
        self.site.store.change(|_| Ok(())).await.unwrap();
    }

    async fn unsets(&self, of: ObjectId) -> Result<(), StoreError> {
        let (home, words) = (self.home, ["cores".to_owned()]);
        let unset = self.site.store.change(move |it| {
            let region = it.region_numbered(home)?.unwrap();
            it.unset_limits(&region, &Holder::Project(of), &words, &by_ann())
        });
        unset.await.map(drop)
    }

    async fn spreads(&self, of: ObjectId) {
        let key = SpreadKey {
            project: of,
            service: ServiceKind::Compute,
            resource: "cores".to_owned(),
        };
        let set = self
            .site
            .store
            .change(move |it| it.set_spread(&key, 40, &by_ann()));
        assert!(set.await.unwrap());
    }

    async fn waiting(&self) -> usize {
        let all = self.site.store.read(|it| it.raises(None));
        all.await.unwrap().len()
    }

    /// The limit that the region is told for `data`.
    fn of_data(&self) -> Option<u64> {
        let mut told = self.site.told_limits().into_iter();
        let told = told.find(|it| it.1 == Holder::Project(self.data));
        told.unwrap().2
    }

    /// How the trail tells the end of what waited: which action, before, and after.
    async fn ended(&self) -> Vec<(String, String, String)> {
        let wanted = Wanted::default();
        let entries = self
            .site
            .store
            .read(move |it| it.audit_entries(None, 100, &wanted));
        let entries = entries.await.unwrap().items.into_iter();
        let acts = entries.filter_map(|it| it.entry).map(|it| it.act);
        let acts =
            acts.filter(|it| it.subject.name == "data" && it.before.contains("once it is lower"));
        let of = |it: &str| it.to_owned();
        acts.map(|it| (of(&it.action), of(&it.before), of(&it.after)))
            .collect()
    }
}

/// What tells the end of the raise of `data`.
fn end(action: &str, why: &str) -> Vec<(String, String, String)> {
    let before = "in region \"region-1\", compute: cores=15 once it is lower for web";
    let after = format!("it waits no more: {why}");
    vec![(action.to_owned(), before.to_owned(), after)]
}

#[tokio::test]
async fn what_another_has_set_since_is_given_to_nobody() {
    let set = "the limit of web is set otherwise";
    for limit in [10, 4, -1] {
        let mut it = Shifted::new().await;
        // The region refuses what is lower, and a cloud administrator puts that right.
        it.tells(10, 10).await;
        sets(&it.site, it.home, Check::Whole, &[(it.web, limit)]).await;
        assert_eq!(it.waiting().await, 0, "{limit}");
        assert_eq!(it.ended().await, end("set-quota", set), "{limit}");
        it.tells(4, 10).await;
        assert_eq!((it.site.raises().await, it.of_data()), (0, Some(10)));
        it.site.is_sound().await;
    }
    let mut it = Shifted::new().await;
    it.unsets(it.web).await.unwrap();
    assert_eq!(
        it.ended().await,
        end("unset-quota", "the limit of web is set otherwise")
    );
    it.tells(5, 10).await;
    assert_eq!((it.waiting().await, it.site.raises().await), (0, 0));
    let mut it = Shifted::new().await;
    it.spreads(it.web).await;
    assert_eq!(
        it.ended().await,
        end("spread-quota", "the limit of web is set otherwise")
    );
    it.tells(5, 10).await;
    let site = it.site.reopened().await;
    assert_eq!(site.raises().await, 0);
}

#[tokio::test]
async fn what_waits_for_a_project_that_ended_ends_too() {
    let it = Shifted::new().await;
    let (kind, id) = (ObjectKind::Project, it.web);
    it.site.edit(Edit::End { kind, id }).await.unwrap();
    assert_eq!(it.site.raises().await, 0);
    assert_eq!((it.waiting().await, it.of_data()), (0, Some(10)));
    let ended = it.ended().await;
    assert!(ended[0].2.contains("no limit is set"), "{ended:?}");
}

#[tokio::test]
async fn a_raise_that_is_set_or_given_up_is_told_to_the_trail() {
    let own = "the limit of data is set otherwise";
    let it = Shifted::new().await;
    it.unsets(it.data).await.unwrap();
    assert_eq!(it.ended().await, end("unset-quota", own));
    let it = Shifted::new().await;
    sets(&it.site, it.home, Check::Whole, &[(it.data, 10)]).await;
    assert_eq!(it.ended().await, end("set-quota", own));
    let it = Shifted::new().await;
    it.spreads(it.data).await;
    assert_eq!(
        (it.waiting().await, it.ended().await),
        (0, end("spread-quota", own))
    );
}
