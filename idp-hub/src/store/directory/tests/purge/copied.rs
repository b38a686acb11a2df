//! A retired project's marker on another one.

use super::*;

/// Whoever makes projects in one department copies the tag of another one's that was retired.
#[tokio::test]
async fn a_marker_that_is_copied_to_another_department_keeps_nothing_from_being_purged() {
    let mut stage = Stage::new().await;
    let mut all = organization("n");
    let real = project("n-web", "h-ops-there", "web", false);
    let copy = project("n-copy", "n-ops", "web", true);
    all.extend([real, copy].map(|it| marked(it, stage.web)));
    stage.session += 1;
    stage.site.tell(stage.north, stage.session, &all).await;
    stage.site.store.change(|_| Ok(())).await.unwrap();
    stage.inventory(stage.north, &contents("n-copy")).await;
    let seen = stage.seen().await;
    let here = seen.left.iter().map(|it| it.here);
    let nothing = Some(Default::default());
    assert_eq!(here.collect::<Vec<_>>(), [nothing, nothing]);
    assert_eq!(seen.may_be_purged(), Ok(()));
}
