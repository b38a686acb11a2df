//! What an open session waits for beside its connection: the hub is told of it.

use shared::model::CloudDescription;
use tokio::sync::watch;

use crate::spool::Condition;

/// What the cloud is, as soon as it is another than was seen last.
pub(super) async fn changed(
    description: &mut watch::Receiver<CloudDescription>,
) -> CloudDescription {
    if description.changed().await.is_err() {
        // Nobody is left to find out more.
        std::future::pending::<()>().await;
    }
    description.borrow_and_update().clone()
}

/// Why nothing new can be kept, or `None` for that it can, as soon as that is not what was told.
pub(super) async fn other_fault(
    condition: &mut watch::Receiver<Condition>,
    told: Option<&str>,
) -> Option<String> {
    let changed = condition.wait_for(|it| it.fault() != told).await;
    let fault = changed.map(|it| it.fault().map(str::to_owned)).ok();
    match fault {
        Some(fault) => fault,
        // The spool is closed: nothing will change any more.
        None => std::future::pending().await,
    }
}
