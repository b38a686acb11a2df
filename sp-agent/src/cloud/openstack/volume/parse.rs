//! One volume, one storage pool, from Cinder's JSON to the model. Pure.

use serde::Deserialize;
use shared::model::{Capacity, CloudId, StoragePool, UnixMillis, Volume, VolumeState};

use crate::cloud::openstack::paging::{Link, Listing};
use crate::cloud::openstack::scalar::{Scalar, whole};

/// `GET /volumes/detail`.
#[derive(Debug, Deserialize)]
pub(super) struct VolumeList {
    volumes: Vec<RawVolume>,
    #[serde(default)]
    volumes_links: Vec<Link>,
}

impl Listing for VolumeList {
    type Item = RawVolume;

    fn into_parts(self) -> (Vec<RawVolume>, Option<String>) {
        (self.volumes, Link::next(self.volumes_links))
    }

    fn id(item: &RawVolume) -> Option<&str> {
        item.id.text()
    }
}

/// A volume as Cinder writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawVolume {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    #[serde(default)]
    status: Scalar,
    #[serde(default)]
    size: Scalar,
    #[serde(default)]
    created_at: Scalar,
    #[serde(default, rename = "os-vol-tenant-attr:tenant_id")]
    project: Scalar,
    attachments: Option<Vec<RawAttachment>>,
}

#[derive(Debug, Deserialize)]
struct RawAttachment {
    #[serde(default)]
    server_id: Scalar,
}

impl RawVolume {
    /// The volume; `None` if it has no id.
    pub(super) fn read(self) -> Option<Volume> {
        let attachments = self.attachments.unwrap_or_default();
        let mut attached_to: Vec<CloudId> = attachments
            .iter()
            .filter_map(|it| it.server_id.id())
            .collect();
        attached_to.sort_unstable();
        attached_to.dedup();
        Some(Volume {
            id: self.id.id()?,
            name: self.name.into_text(),
            project: CloudId::new(self.project.text().unwrap_or_default()),
            state: state(self.status.text().unwrap_or_default()),
            size_gib: self.size.count().unwrap_or_default(),
            attached_to,
            created: self.created_at.time().unwrap_or(UnixMillis(0)),
        })
    }
}

/// Block Storage API reference, "Volumes", status.
fn state(status: &str) -> VolumeState {
    match status {
        "available" | "reserved" => VolumeState::Available,
        "in-use" => VolumeState::InUse,
        "creating" | "attaching" | "detaching" | "downloading" | "uploading" | "extending"
        | "retyping" | "maintenance" | "backing-up" | "restoring-backup" | "awaiting-transfer"
        | "migrating" | "managing" | "unmanaging" | "reverting" => VolumeState::Changing,
        "deleting" | "deleted" => VolumeState::Deleting,
        _ if status.starts_with("error") => VolumeState::Failed,
        _ => VolumeState::Unknown,
    }
}

/// `GET /scheduler-stats/get_pools?detail=true`.
#[derive(Debug, Deserialize)]
pub(super) struct PoolList {
    pub(super) pools: Vec<RawPool>,
}

/// `GET /os-services?binary=cinder-volume`.
#[derive(Debug, Deserialize)]
pub(super) struct BackEndList {
    pub(super) services: Vec<RawService>,
}

/// A service as Cinder writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawService {
    #[serde(default)]
    host: Scalar,
    #[serde(default)]
    cluster: Scalar,
    #[serde(default)]
    status: Scalar,
    #[serde(default)]
    state: Scalar,
    /// Told of all services of a cluster that was frozen, which stay enabled and up.
    #[serde(default)]
    frozen: Scalar,
}

impl RawService {
    /// Whether it is up, and may be given volumes: a scheduler tells the pools of such alone
    /// (Cinder 29, `HostManager._update_backend_state_map`).
    pub(super) fn is_at_work(&self) -> bool {
        let is_up = self.status.text() == Some("enabled") && self.state.text() == Some("up");
        is_up && !self.frozen.flag()
    }

    /// What its pools are called after; `None` if it has no name.
    pub(super) fn back_end(self) -> Option<String> {
        let name = self.cluster.text().or(self.host.text())?;
        Some(name.to_owned())
    }
}

/// A pool as Cinder writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawPool {
    #[serde(default)]
    name: Scalar,
    capabilities: Option<RawCapabilities>,
}

/// What a driver tells; "infinite" and "unknown" instead of a figure are words of Cinder's own.
#[derive(Debug, Deserialize)]
struct RawCapabilities {
    #[serde(default)]
    total_capacity_gb: Scalar,
    #[serde(default)]
    free_capacity_gb: Scalar,
    #[serde(default)]
    allocated_capacity_gb: Scalar,
}

impl RawPool {
    /// The pool; `None` if it has no name.
    pub(super) fn read(self) -> Option<StoragePool> {
        Some(StoragePool {
            id: CloudId::new(self.name.text()?),
            space_gib: self.capabilities.and_then(|it| it.space()),
        })
    }
}

impl RawCapabilities {
    /// In use is what is not free, because that is what runs out: also what others than Cinder
    /// wrote to the back end, and less than was promised where volumes are thin. Where a driver
    /// does not tell what is free, it is what Cinder gave out.
    fn space(&self) -> Option<Capacity> {
        let total = self.total_capacity_gb.real()?;
        let used = match self.free_capacity_gb.real() {
            Some(free) => total - free,
            None => self.allocated_capacity_gb.real()?,
        };
        Some(Capacity {
            used: whole(used.ceil()),
            total: whole(total),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    #[test]
    fn a_recorded_volume_is_read_whole() {
        let raw: RawVolume = serde_json::from_value(json!({
            "id": "dcb15d78-6b4c-41ba-a970-dc5ecb0aac53", "status": "in-use", "size": 3,
            "created_at": "2026-11-21T17:04:01.864030", "updated_at": null, "name": null,
            "attachments": [
                {"server_id": "597942de-d086-4600-80b1-b8bc32bf7400", "device": "/dev/vdb"},
                {"server_id": "597942de-d086-4600-80b1-b8bc32bf7400", "device": "/dev/vdc"}
            ],
            "os-vol-tenant-attr:tenant_id": "1d39f79a4c394426963fa88c54910723"
        }))
        .unwrap();
        let expected = Volume {
            id: CloudId::new("dcb15d78-6b4c-41ba-a970-dc5ecb0aac53"),
            name: String::new(),
            project: CloudId::new("1d39f79a4c394426963fa88c54910723"),
            state: VolumeState::InUse,
            size_gib: 3,
            attached_to: vec![CloudId::new("597942de-d086-4600-80b1-b8bc32bf7400")],
            created: UnixMillis(1_795_280_641_864),
        };
        assert_eq!(raw.read(), Some(expected));
    }

    #[test]
    fn states_are_told_apart() {
        for (status, expected) in [
            ("available", VolumeState::Available),
            ("in-use", VolumeState::InUse),
            ("backing-up", VolumeState::Changing),
            ("error_deleting", VolumeState::Failed),
            ("error", VolumeState::Failed),
            ("deleting", VolumeState::Deleting),
            ("something-new", VolumeState::Unknown),
        ] {
            assert_eq!(state(status), expected, "{status}");
        }
    }

    #[test]
    fn a_pools_space_is_told_as_far_as_its_driver_tells_it() {
        for (total, free, allocated, expected) in [
            (json!(100.7), json!(40.2), json!(10), Some((61, 100))),
            (json!("100"), json!("40"), json!(10), Some((60, 100))),
            (json!(100), json!("unknown"), json!(10), Some((10, 100))),
            (json!("infinite"), json!("infinite"), json!(0), None),
            (json!(100), json!(120), json!(0), Some((0, 100))),
            (Value::Null, Value::Null, Value::Null, None),
        ] {
            let pool: RawPool = serde_json::from_value(json!({
                "name": "host@lvm#pool",
                "capabilities": {
                    "total_capacity_gb": total, "free_capacity_gb": free,
                    "allocated_capacity_gb": allocated
                }
            }))
            .unwrap();
            let space = pool.read().unwrap().space_gib.map(|it| (it.used, it.total));
            assert_eq!(space, expected);
        }
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&[
                "volumes", "pools", "id", "name", "size", "attachments", "server_id",
                "capabilities", "total_capacity_gb", "free_capacity_gb", "services", "host",
            ]),
        ) {
            let volume = format!("{{\"volumes\":[{json}]}}");
            let pool = format!("{{\"pools\":[{json}]}}");
            let service = format!("{{\"services\":[{json}]}}");
            for text in [json, volume, pool, service] {
                if let Ok(list) = serde_json::from_str::<VolumeList>(&text) {
                    list.into_parts().0.into_iter().for_each(|it| drop(it.read()));
                }
                if let Ok(list) = serde_json::from_str::<BackEndList>(&text) {
                    list.services.into_iter().for_each(|it| drop(it.back_end()));
                }
                if let Ok(list) = serde_json::from_str::<PoolList>(&text) {
                    list.pools.into_iter().for_each(|it| drop(it.read()));
                }
            }
        }
    }
}
