//! One project's quota, from a service's JSON to the model. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use shared::model::{QuotaResource, ServiceKind};

use crate::cloud::openstack::scalar::Scalar;

/// Nova's and Cinder's is a `quota_set`, Neutron's a `quota`.
#[derive(Debug, Deserialize)]
struct Body {
    quota_set: Option<BTreeMap<String, Entry>>,
    quota: Option<BTreeMap<String, Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Resource(Resource),
    /// The project's id, which Nova and Cinder write among the resources.
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
struct Resource {
    limit: Scalar,
    /// Nova and Cinder.
    #[serde(default)]
    in_use: Scalar,
    /// Neutron.
    #[serde(default)]
    used: Scalar,
    #[serde(default)]
    reserved: Scalar,
}

/// Reads the resources of one service, ordered by name.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn resources(service: ServiceKind, body: &[u8]) -> Result<Vec<QuotaResource>, String> {
    let body: Body = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let entries = body.quota_set.or(body.quota).ok_or("it holds no quota")?;
    let resources = entries.into_iter().filter_map(|(name, entry)| match entry {
        Entry::Resource(resource) => Some(resource.read(name)),
        Entry::Other(_) => None,
    });
    let resources = resources.filter(|it| service != ServiceKind::Volume || says_something(it));
    Ok(resources.collect())
}

/// Cinder tells three resources for each volume type, which are unlimited unless somebody set
/// them: a hundred types would bury the five figures that count.
fn says_something(resource: &QuotaResource) -> bool {
    let of_a_type = ["volumes_", "gigabytes_", "snapshots_"]
        .iter()
        .any(|prefix| resource.name.starts_with(prefix));
    !of_a_type || resource.limit.is_some() || resource.used > 0 || resource.reserved > 0
}

impl Resource {
    fn read(self, name: String) -> QuotaResource {
        let used = self.in_use.count().or(self.used.count());
        QuotaResource {
            name,
            // −1 is unlimited; so is what is no figure.
            limit: self
                .limit
                .real()
                .filter(|limit| *limit >= 0.0)
                .and_then(|_| self.limit.count()),
            used: used.unwrap_or_default(),
            reserved: self.reserved.count().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    fn read(service: ServiceKind, body: &str) -> Vec<(String, Option<u64>, u64, u64)> {
        let resources = resources(service, body.as_bytes()).unwrap();
        let parts = |it: QuotaResource| (it.name, it.limit, it.used, it.reserved);
        resources.into_iter().map(parts).collect()
    }

    fn entry(
        name: &str,
        limit: Option<u64>,
        used: u64,
        reserved: u64,
    ) -> (String, Option<u64>, u64, u64) {
        (name.to_owned(), limit, used, reserved)
    }

    #[test]
    fn recorded_quotas_of_each_service_are_read() {
        let nova = r#"{"quota_set": {"id": "1d39f79a4c394426963fa88c54910723",
            "ram": {"limit": 51200, "in_use": 2048, "reserved": 512},
            "cores": {"limit": -1, "in_use": 4, "reserved": 0}}}"#;
        assert_eq!(
            read(ServiceKind::Compute, nova),
            [
                entry("cores", None, 4, 0),
                entry("ram", Some(51200), 2048, 512)
            ]
        );
        let neutron = r#"{"quota": {
            "floatingip": {"limit": 3, "used": 2, "reserved": 0},
            "network": {"limit": "10", "used": 0, "reserved": 0}}}"#;
        assert_eq!(
            read(ServiceKind::Network, neutron),
            [
                entry("floatingip", Some(3), 2, 0),
                entry("network", Some(10), 0, 0)
            ]
        );
    }

    #[test]
    fn of_cinders_types_only_those_are_told_that_say_something() {
        let cinder = r#"{"quota_set": {"id": "p",
            "volumes": {"limit": -1, "in_use": 0, "reserved": 0},
            "per_volume_gigabytes": {"limit": -1, "in_use": 0, "reserved": 0},
            "volumes_ssd": {"limit": -1, "in_use": 1, "reserved": 0},
            "gigabytes_ssd": {"limit": 0, "in_use": 0, "reserved": 0},
            "snapshots_ssd": {"limit": -1, "in_use": 0, "reserved": 0}}}"#;
        let names: Vec<String> = read(ServiceKind::Volume, cinder)
            .into_iter()
            .map(|it| it.0)
            .collect();
        let expected = [
            "gigabytes_ssd",
            "per_volume_gigabytes",
            "volumes",
            "volumes_ssd",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_body_without_a_quota_is_refused() {
        assert!(resources(ServiceKind::Compute, b"{}").is_err());
        assert!(resources(ServiceKind::Compute, b"[").is_err());
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(
            json in any_json(&["quota_set", "quota", "cores", "limit", "in_use", "used"]),
        ) {
            for service in ServiceKind::ALL {
                let _ = resources(service, json.as_bytes());
                let wrapped = format!("{{\"quota_set\":{json}}}");
                let _ = resources(service, wrapped.as_bytes());
            }
        }
    }
}
