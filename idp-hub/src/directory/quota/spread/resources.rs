//! Which resources can be spread: those of which more regions together have more.

use shared::model::ServiceKind;

/// By the clouds' own names (Nova API reference, `os-quota-sets`; Cinder, `os-quota-sets`; Neutron,
/// `quotas`). Not those that bound one thing, such as `per_volume_gigabytes` or
/// `server_group_members`, not those of a user in all clouds alike, such as `key_pairs`, and not
/// those of volume types, which not every cloud has.
const RESOURCES: [(ServiceKind, &[&str]); 3] = [
    (
        ServiceKind::Compute,
        &["cores", "instances", "ram", "server_groups"],
    ),
    (
        ServiceKind::Volume,
        &[
            "backup_gigabytes",
            "backups",
            "gigabytes",
            "groups",
            "snapshots",
            "volumes",
        ],
    ),
    (
        ServiceKind::Network,
        &[
            "floatingip",
            "network",
            "port",
            "router",
            "security_group",
            "security_group_rule",
            "subnet",
        ],
    ),
];

/// The service whose resource this is, and the resource's own name: of `cores`, or of
/// `compute:cores`. `None` if it is none that can be spread.
pub fn resource(word: &str) -> Option<(ServiceKind, &str)> {
    let (said, name) = match word.split_once(':') {
        Some((service, name)) => (Some(service), name),
        None => (None, word),
    };
    let mut all = RESOURCES.into_iter();
    let (service, _) = all.find(|(_, names)| names.contains(&name))?;
    said.is_none_or(|it| it == service.name())
        .then_some((service, name))
}

/// All that can be spread, for whoever named another one.
pub fn spreadable() -> String {
    let names = RESOURCES.iter().flat_map(|(_, names)| names.iter());
    let names: Vec<&str> = names.copied().collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_known_by_its_name_alone_or_with_its_service() {
        let compute = ServiceKind::Compute;
        assert_eq!(resource("cores"), Some((compute, "cores")));
        assert_eq!(resource("compute:cores"), Some((compute, "cores")));
        assert_eq!(resource("volume:cores"), None);
        for word in [
            "",
            "core",
            "gigabytes_ssd",
            "key_pairs",
            "per_volume_gigabytes",
        ] {
            assert_eq!(resource(word), None, "{word}");
        }
        assert!(spreadable().starts_with("cores, "));
    }
}
