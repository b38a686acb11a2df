//! A backup put back: over a hub that was stopped, killed, or that still runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use super::kit::{Hub, PASSWORD, browser, sign_in};

/// Nobody's user id, on every Debian.
const NOBODY: u32 = 65534;

async fn accepts(hub: &Hub, password: &str) -> bool {
    sign_in(&browser(), hub, password).await.status() == 201
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_what_the_hub_serves_however_it_ended_before() {
    let mut hub = Hub::new("");
    hub.init();
    hub.serve();
    let copy = hub.path("copy.db").display().to_string();
    let told = hub.told(&["backup", &copy]);
    assert!(
        told.contains(&format!("run: idp-hub restore {copy}")),
        "{told}"
    );
    let (code, told) = hub.fails(&["restore", &copy]);
    assert!(
        code == 1 && told.contains("another idp-hub serves from /data"),
        "{told}"
    );

    for is_killed in [false, true] {
        let new = hub.json(&["account", "password"]);
        let new = new["password"].as_str().unwrap().to_owned();
        assert!(!accepts(&hub, PASSWORD).await && accepts(&hub, &new).await);
        if is_killed {
            hub.signal("KILL");
            hub.daemon.take().unwrap().wait().unwrap();
            assert!(hub.path("data/hub.db-wal").metadata().unwrap().len() > 0);
        } else {
            hub.stop();
            assert!(
                !hub.path("data/hub.db-wal").exists(),
                "a clean stop leaves no log"
            );
        }
        let told = hub.told(&["restore", &copy]);
        for part in [
            "with 0 regions",
            "is kept as",
            "region remove NAME",
            "Nobody is signed in any more",
            "put back: idp-hub org drift",
            "Next: systemctl start",
        ] {
            assert!(told.contains(part), "{told}");
        }
        hub.serve();
        assert!(accepts(&hub, PASSWORD).await, "killed: {is_killed}");
        assert!(
            hub.log().contains("this hub was restored from a backup"),
            "{}",
            hub.log()
        );
    }
    hub.stop();
}

#[test]
fn what_can_t_be_restored_or_backed_up_is_told_apart() {
    let hub = Hub::new("");
    let (code, told) = hub.fails(&["restore", "/nothing.db"]);
    assert!(
        code == 1 && told.contains("there is no /data/ca.pem"),
        "{told}"
    );
    hub.init();
    let other = Hub::new("");
    other.init();
    let copy = hub.path("copy.db").display().to_string();
    other.told(&["backup", &copy]);
    let (code, told) = hub.fails(&["restore", &copy]);
    assert!(code == 1 && told.contains("it is of federation"), "{told}");
    let help = hub.told(&["backup", "--help"]);
    assert!(help.contains("idp-hub restore"), "{help}");

    // Only root can become somebody else.
    if hub.folder.path().metadata().unwrap().uid() == 0 {
        fs::set_permissions(hub.folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = hub.command(&["backup", "/tmp/never-made.db"]);
        let output = command.uid(NOBODY).gid(NOBODY).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("you may not read the database"), "{told}");
    }
}
