//! The hub's clock was ahead for a while, and was put back.

use std::time::Duration;

use shared::model::{Feed, Holder};
use shared::runtime::clock::Clock;

use super::limits::{edit, quota, with_web_by};
use crate::directory::quota::Differs;

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_was_set_by_a_clock_that_was_ahead_is_set_again_where_the_region_differs() {
    let now = Clock::system().unix_millis();
    let (clock, hand) = Clock::manual(now);
    let (site, [home, _], web) = with_web_by(clock).await;
    let sets = || site.limit(home, vec![edit(Holder::Project(web), 20)]);
    let version = || async {
        let limits = site.store.read(move |it| it.limits(home)).await.unwrap();
        limits[0].version()
    };
    hand.advance(DAY);
    assert_eq!(sets().await.unwrap(), 1);
    let first = version().await;
    hand.set_wall(now.plus(MINUTE));
    // Somebody changes it in the region.
    let tells = |session, limit| {
        let quotas = [quota("web", limit, 4), quota("later", 5, 1)];
        let site = &site;
        async move { site.tell_of(Feed::Quota, home, session, &quotas).await }
    };
    tells(4, 12).await;
    let differs = site.store.read(move |it| {
        let region = it.region_numbered(home)?.unwrap();
        let mut census = it.census(&region, &[])?;
        census.as_of(now.plus(MINUTE));
        let mut lines = census.lines().into_iter();
        let line = lines.find(|it| it.object() == Some(web)).unwrap();
        Ok(line.resources[0].differs)
    });
    assert_eq!(differs.await.unwrap(), Some(Differs::Unordered));
    assert_eq!(sets().await.unwrap(), 1);
    assert!(version().await > first, "its agent knows it for new");
    tells(5, 20).await;
    assert_eq!(sets().await.unwrap(), 0, "it is so");
}
