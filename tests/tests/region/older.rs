//! Who was deleted stays so where a region's Keystone is restored from its own older backup, or was
//! away meanwhile: no region, no hub and no merge has him again.

use tests::keystone::SimulatedKeystone;
use tests::lab::{Lab, Region, succeeded, until, until_so};
use tokio::runtime::Runtime;

use super::{has, is_in_place};

/// A hub, two regions and bob, who came with one of them or was made at the hub.
struct Stage {
    lab: Lab,
    north: SimulatedKeystone,
    south: SimulatedKeystone,
    _near: Region,
    far: Region,
    _runtime: Runtime,
}

impl Stage {
    fn set() -> Self {
        let runtime = Runtime::new().unwrap();
        let (north, south) = SimulatedKeystone::pair(&runtime);
        let domain = serde_json::json!({ "domain": { "name": "research" } });
        let domain = south.made("/domains", &domain);
        let bob = serde_json::json!({ "user": { "name": "bob", "domain_id": domain } });
        south.made("/users", &bob);
        let lab = Lab::found();
        let near = lab.join_keystone("north", &north);
        let far = lab.join_keystone("south", &south);
        lab.merge("north");
        lab.merge("south");
        succeeded(lab.ask(&["org", "create", "user", "carol", "--in", "research"]));
        for name in ["bob", "carol"] {
            until("both regions have them", || {
                (has(&north, name) && has(&south, name)).then_some(())
            });
        }
        let stage = Self {
            lab,
            north,
            south,
            _near: near,
            far,
            _runtime: runtime,
        };
        stage.settled();
        stage
    }

    fn settled(&self) {
        until_so("all is in place", || {
            ["north", "south"]
                .iter()
                .all(|it| is_in_place(&self.lab, it))
        });
    }

    fn delete(&self) {
        for name in ["bob", "carol"] {
            let words = ["org", "delete", "user", name, "--in", "research", "--yes"];
            succeeded(self.lab.ask(&words));
        }
    }

    /// How often somebody was made in the other region.
    fn made(&self) -> usize {
        let written = self.north.written(100).into_iter();
        let made = written.filter(|it| it.starts_with("POST") && it.contains("/users"));
        made.filter(|it| it.contains("bob") || it.contains("carol"))
            .count()
    }

    /// They are gone in both regions and at the hub, and a merge does not take them in.
    fn are_gone(&self, made: usize) {
        for name in ["bob", "carol"] {
            until("they are gone again", || {
                (!has(&self.south, name)).then_some(())
            });
            let show = ["org", "show", "user", name, "--in", "research"];
            assert!(
                !self.lab.ask(&show).status.success(),
                "{name} is at the hub"
            );
        }
        self.lab.merge("south");
        succeeded(
            self.lab
                .ask(&["org", "create", "user", "eve", "--in", "research"]),
        );
        until("it goes on", || {
            (has(&self.north, "eve") && has(&self.south, "eve")).then_some(())
        });
        self.settled();
        for name in ["bob", "carol"] {
            assert!(!has(&self.south, name) && !has(&self.north, name), "{name}");
        }
        assert_eq!(self.made(), made, "nor were they for a moment");
        succeeded(
            self.lab
                .ask(&["org", "delete", "user", "eve", "--in", "research", "--yes"]),
        );
        until("eve is gone", || {
            (!has(&self.north, "eve") && !has(&self.south, "eve")).then_some(())
        });
    }
}

#[test]
fn who_was_deleted_stays_so_where_a_keystone_is_restored_from_its_backup() {
    let mut stage = Stage::set();
    let backup = stage.south.backup();
    stage.delete();
    for name in ["bob", "carol"] {
        until("they are gone in both", || {
            (!has(&stage.south, name) && !has(&stage.north, name)).then_some(())
        });
    }
    let made = stage.made();
    // Below an agent that runs.
    stage.south.restore(&backup);
    assert!(has(&stage.south, "bob") && has(&stage.south, "carol"));
    stage.are_gone(made);
    // While it is away.
    stage.far.daemon.kill();
    stage.south.restore(&backup);
    stage.far.daemon.again();
    stage.are_gone(made);
    // While it is away, and loses what it knew, and all drift there is adopted.
    succeeded(stage.lab.ask(&["org", "policy", "south", "adopt"]));
    stage.far.daemon.kill();
    stage.south.restore(&backup);
    stage.far.forget_replica();
    stage.far.daemon.again();
    stage.are_gone(made);
}

#[test]
fn who_was_deleted_while_a_region_was_away_is_gone_there_once_it_is_back() {
    for loses_its_replica in [false, true] {
        let mut stage = Stage::set();
        succeeded(stage.lab.ask(&["org", "policy", "south", "adopt"]));
        stage.far.daemon.kill();
        stage.delete();
        for name in ["bob", "carol"] {
            until("they are gone in one", || {
                (!has(&stage.north, name)).then_some(())
            });
        }
        assert!(has(&stage.south, "bob") && has(&stage.south, "carol"));
        let made = stage.made();
        if loses_its_replica {
            stage.far.forget_replica();
        }
        stage.far.daemon.again();
        stage.are_gone(made);
    }
}
