//! A region that was removed and stays.

use std::time::Duration;

use shared::wire::frame::{Control, Heartbeat, Refusal};

use super::log;
use super::stage::{Line, Stage, ended};

/// The longest between the administrator's word and the end of the connection.
const CLOSED_MAX: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn it_is_closed_at_once_and_never_let_in_again() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let mut line = traitor.greeted().await;
    stage.hub.hub.authority.remove("north").await.unwrap();
    line.is_refused(Refusal::Removed).await;
    let (_, after) = line.ended().await;
    assert!(after < CLOSED_MAX, "{after:?}");

    for _ in 0..20 {
        let mut line = traitor.connect().await;
        line.say(&traitor.hello()).await;
        line.is_refused(Refusal::Removed).await;
    }
    let logged = log::lines_with(&["not admitted", &traitor.id()]);
    assert_eq!(logged.len(), 1, "{logged:?}");
    stage.stands().await;
}

/// It reads nothing, takes no goodbye, and never stops talking.
#[tokio::test(flavor = "multi_thread")]
async fn not_listening_does_not_keep_it_in() {
    let stage = Stage::set().await;
    let traitor = stage.traitor("north").await;
    let Line {
        link,
        mut writer,
        reader: _unread,
    } = traitor.greeted().await;
    let talking = tokio::spawn(async move {
        let mut bytes = Vec::new();
        let frame = Control::Heartbeat(Heartbeat { count: 1 });
        frame.encode(&mut bytes).unwrap();
        while writer.write(bytes.clone()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    stage.hub.hub.authority.remove("north").await.unwrap();
    let (_, after) = ended(&link).await;
    assert!(after < CLOSED_MAX, "{after:?}");
    talking.await.unwrap();
    stage.stands().await;
}
