//! What could not be read is told with what it keeps waiting, and never before it failed.

use shared::model::{RecordKind, RemarkState};

use super::world::*;
use super::*;
use crate::cloud::Hindrance;

#[test]
fn what_cannot_be_read_is_told_while_changes_wait_for_it_and_not_before_it_failed() {
    let (cloud, now) = (Fake::default(), start());
    let policy = Policy::default();
    let mut core = Reconciler::new(federation(), policy, Base::default(), now);
    let mut replica = Replica::default();
    replica.directory.insert(oid(1), department("research"));
    core.follow(&replica);
    core.next(now, 10);
    assert!(core.progress(now).waiting > 0);
    assert!(core.progress(now).failed.is_empty(), "it is under way");

    let hindrance = Hindrance {
        reason: "GET /domains: HTTP 500".to_owned(),
        since: UnixMillis(7),
        tries: 3,
    };
    core.hinder(BTreeMap::from([(RecordKind::Department, hindrance)]));
    let progress = core.progress(now);
    assert_eq!(progress.failed_count, 0, "a start is no failure");
    let remarks = core.remarks(&progress).remarks;
    let [remark] = &remarks[..] else {
        panic!("{remarks:?}");
    };
    assert_eq!(remark.subject, Subject::Reading(RecordKind::Department));
    let RemarkState::Failed { error, tries, .. } = &remark.state else {
        panic!("{remark:?}");
    };
    assert!(
        error.starts_with("changes of departments wait until"),
        "{error}"
    );
    assert!(error.ends_with("HTTP 500"), "{error}");
    assert_eq!(*tries, 3);

    cloud.tell(&mut core, now);
    core.next(now, 10);
    let progress = core.progress(now);
    assert!(progress.failed.is_empty(), "it was read");
    assert!(core.remarks(&progress).remarks.is_empty());
}
