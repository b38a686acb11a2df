//! One node, from Nova's JSON. Pure.

use serde::Deserialize;
use shared::model::{Capacity, CloudId, NodeState};

use super::placement::Capacities;
use crate::cloud::openstack::paging::{Link, Listing};
use crate::cloud::openstack::scalar::Scalar;

/// `GET /os-hypervisors/detail`.
#[derive(Debug, Deserialize)]
pub(super) struct HypervisorList {
    hypervisors: Vec<RawHypervisor>,
    #[serde(default)]
    hypervisors_links: Vec<Link>,
}

impl Listing for HypervisorList {
    type Item = RawHypervisor;

    fn into_parts(self) -> (Vec<RawHypervisor>, Option<String>) {
        (self.hypervisors, Link::next(self.hypervisors_links))
    }

    fn id(item: &RawHypervisor) -> Option<&str> {
        item.id.text()
    }

    /// Before microversion 2.53 the id is a number.
    fn marker(item: &RawHypervisor) -> Option<String> {
        item.id.id().map(|id| id.to_string())
    }
}

/// A hypervisor as Nova writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawHypervisor {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    hypervisor_hostname: Scalar,
    #[serde(default)]
    state: Scalar,
    #[serde(default)]
    status: Scalar,
    #[serde(default)]
    vcpus: Scalar,
    #[serde(default)]
    vcpus_used: Scalar,
    #[serde(default)]
    memory_mb: Scalar,
    #[serde(default)]
    memory_mb_used: Scalar,
    #[serde(default)]
    local_gb: Scalar,
    #[serde(default)]
    local_gb_used: Scalar,
}

/// A node as Nova knows it.
#[derive(Debug)]
pub(super) struct Hypervisor {
    pub(super) id: CloudId,
    pub(super) name: String,
    pub(super) state: NodeState,
    /// What the machine has, without ratio and reserve; `None` where Nova does not tell.
    pub(super) figures: Option<Capacities>,
}

impl RawHypervisor {
    /// The node; `None` if it has no id.
    pub(super) fn read(self) -> Option<Hypervisor> {
        let capacity = |used: &Scalar, total: &Scalar| {
            Some(Capacity {
                used: used.count()?,
                total: total.count()?,
            })
        };
        let figures = || {
            Some(Capacities {
                vcpus: capacity(&self.vcpus_used, &self.vcpus)?,
                memory_mib: capacity(&self.memory_mb_used, &self.memory_mb)?,
                disk_gib: capacity(&self.local_gb_used, &self.local_gb)?,
            })
        };
        Some(Hypervisor {
            id: self.id.id()?,
            figures: figures(),
            state: match (self.state.text(), self.status.text()) {
                (Some("down"), _) => NodeState::Down,
                (Some("up"), Some("disabled")) => NodeState::Disabled,
                (Some("up"), _) => NodeState::Up,
                _ => NodeState::Unknown,
            },
            name: self.hypervisor_hostname.into_text(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    fn read(hypervisor: Value) -> Hypervisor {
        let raw: RawHypervisor = serde_json::from_value(hypervisor).unwrap();
        raw.read().unwrap()
    }

    #[test]
    fn a_recorded_hypervisor_is_read_in_either_microversion() {
        let old = read(json!({
            "id": 1, "hypervisor_hostname": "compute1", "state": "up", "status": "enabled",
            "vcpus": 1000, "memory_mb": 800000, "local_gb": 600000,
            "vcpus_used": 4, "memory_mb_used": 2560, "local_gb_used": 4,
            "cpu_info": "{\"arch\": \"x86_64\"}"
        }));
        assert_eq!(old.id, CloudId::new("1"));
        let figures = old.figures.unwrap();
        assert_eq!((figures.vcpus.used, figures.vcpus.total), (4, 1000));
        let new = read(json!({
            "id": "91a3081b-5e99-4e01-acca-7a074eb8667c", "hypervisor_hostname": "compute1",
            "state": "up", "status": "enabled", "uptime": null
        }));
        assert!(new.figures.is_none());
        assert_eq!(new.state, NodeState::Up);
    }

    #[test]
    fn a_node_that_is_down_is_down_also_when_disabled() {
        for (state, status, expected) in [
            ("up", "enabled", NodeState::Up),
            ("up", "disabled", NodeState::Disabled),
            ("down", "enabled", NodeState::Down),
            ("down", "disabled", NodeState::Down),
            ("", "enabled", NodeState::Unknown),
        ] {
            let node = read(json!({"id": 7, "state": state, "status": status}));
            assert_eq!(node.state, expected, "{state} {status}");
        }
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&["hypervisors", "id", "state", "status", "vcpus", "memory_mb"]),
        ) {
            let entry = format!("{{\"hypervisors\":[{json}]}}");
            for text in [json, entry] {
                if let Ok(list) = serde_json::from_str::<HypervisorList>(&text) {
                    for hypervisor in list.into_parts().0 {
                        let _ = hypervisor.read();
                    }
                }
            }
        }
    }
}
