//! What Neutron has of a project (Networking API v2). Pure but for the questions.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::model::ServiceKind;

use super::super::client::{Ask, Client};
use super::super::rights;
use super::contents::{Found, add, count, list, of};
use crate::cloud::CloudError;

/// A group that Neutron makes in every project, and that is nobody's work.
const DEFAULT_GROUP: &str = "default";

/// By this extension an administrator decides what rules a new default group has.
const DEFAULT_RULES: &str = "security-groups-default-rules";

/// The rules that come with a default group of a Neutron without that extension (Networking API v2,
/// "Security group rules"): all that goes out, and all that comes in from the group itself.
const STOCK_RULES: [(&str, &str, bool); 4] = [
    ("egress", "IPv4", false),
    ("egress", "IPv6", false),
    ("ingress", "IPv4", true),
    ("ingress", "IPv6", true),
];

/// A list of what projects have: by which extension it comes (none is always there), where it is,
/// what it is called in the answer, and what in words.
type List = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// What a project can have. An extension that Neutron does not list has nothing of anybody.
const LISTS: [List; 13] = [
    ("", &["networks"], "networks", "networks"),
    ("", &["subnets"], "subnets", "subnets"),
    ("", &["ports"], "ports", "ports"),
    ("router", &["routers"], "routers", "routers"),
    ("router", &["floatingips"], "floatingips", "floating IPs"),
    (
        "subnet_allocation",
        &["subnetpools"],
        "subnetpools",
        "subnet pools",
    ),
    (
        "address-scope",
        &["address-scopes"],
        "address_scopes",
        "address scopes",
    ),
    (
        "address-group",
        &["address-groups"],
        "address_groups",
        "address groups",
    ),
    ("qos", &["qos", "policies"], "policies", "QoS policies"),
    (
        "rbac-policies",
        &["rbac-policies"],
        "rbac_policies",
        "RBAC policies",
    ),
    ("trunk", &["trunks"], "trunks", "trunks"),
    ("vpnaas", &["vpn", "vpnservices"], "vpnservices", "VPNs"),
    (
        "security-group",
        &["security-groups"],
        "security_groups",
        "security groups",
    ),
];

/// All that it has of a project.
pub(super) async fn of_project(client: &Client, id: &str) -> Result<Found, CloudError> {
    rights::prove(client, ServiceKind::Network).await?;
    let ask = Ask::new(ServiceKind::Network, ["extensions"]).with("fields", "alias");
    let extensions = list(client, &ask, "extensions").await?;
    let aliases = extensions.iter().filter_map(|it| it.get("alias")?.as_str());
    let aliases: BTreeSet<&str> = aliases.collect();
    let mut found = Found::new();
    for (extension, path, collection, word) in LISTS {
        if !extension.is_empty() && !aliases.contains(extension) {
            continue;
        }
        let ask = of(Ask::new(ServiceKind::Network, path.iter().copied()), id);
        if collection == "security_groups" {
            let groups = list(client, &ask, collection).await?;
            let has_own = aliases.contains(DEFAULT_RULES);
            let rules = default_rules(client, has_own).await?;
            of_groups(&ask, &groups, &rules, &mut found)?;
        } else {
            count(client, ask, (collection, word), &mut found).await?;
        }
    }
    rights::prove(client, ServiceKind::Network).await?;
    Ok(found)
}

/// The rules that a default group begins with.
async fn default_rules(client: &Client, has_own: bool) -> Result<BTreeSet<Rule>, CloudError> {
    if !has_own {
        let stock = STOCK_RULES.iter().map(Rule::stock);
        return Ok(stock.collect());
    }
    let ask = Ask::new(ServiceKind::Network, ["default-security-group-rules"]);
    let all = list(client, &ask, "default_security_group_rules").await?;
    let is_used = |it: &&Value| it.get("used_in_default_sg") == Some(&Value::Bool(true));
    Ok(all
        .iter()
        .filter(is_used)
        .map(|it| Rule::of(it, "PARENT"))
        .collect())
}

/// Groups that somebody made, and rules that somebody put into the default one.
fn of_groups(
    ask: &Ask<'_>,
    groups: &[Value],
    begins_with: &BTreeSet<Rule>,
    found: &mut Found,
) -> Result<(), CloudError> {
    for group in groups {
        if group.get("name").and_then(Value::as_str) != Some(DEFAULT_GROUP) {
            add(found, "security groups", 1);
            continue;
        }
        let rules = group.get("security_group_rules").and_then(Value::as_array);
        let (Some(rules), Some(id)) = (rules, group.get("id").and_then(Value::as_str)) else {
            return Err(CloudError::Malformed {
                endpoint: "Neutron".to_owned(),
                what: ask.what(),
                reason: "it tells not the rules of the default group".to_owned(),
            });
        };
        let own = rules.iter().map(|it| Rule::of(it, id));
        let own = own.filter(|it| !begins_with.contains(it)).count();
        add(found, "default security group rules", own);
    }
    Ok(())
}

/// What a rule lets through, by the fields that say so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    direction: String,
    family: String,
    /// From and to the group itself.
    within: bool,
    /// All else that narrows it: nothing, of a rule that lets everything through.
    rest: Vec<String>,
}

impl Rule {
    fn stock((direction, family, within): &(&str, &str, bool)) -> Self {
        Self {
            direction: (*direction).to_owned(),
            family: (*family).to_owned(),
            within: *within,
            rest: Vec::new(),
        }
    }

    /// As Neutron tells it, of a group that it calls `group`.
    fn of(it: &Value, group: &str) -> Self {
        let word = |name: &str| match it.get(name) {
            Some(Value::String(word)) => word.clone(),
            _ => String::new(),
        };
        let remote = word("remote_group_id");
        let within = !remote.is_empty() && remote == group;
        let mut rest = Vec::new();
        for name in [
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_ip_prefix",
            "remote_address_group_id",
        ] {
            if let Some(value) = it.get(name).filter(|it| !it.is_null()) {
                rest.push(format!("{name}={value}"));
            }
        }
        if !within && !remote.is_empty() {
            rest.push(format!("remote_group_id={remote}"));
        }
        Self {
            direction: word("direction"),
            family: word("ethertype"),
            within,
            rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(direction: &str, family: &str, remote: Option<&str>, port: Option<u16>) -> Value {
        json!({ "id": "r", "direction": direction, "ethertype": family, "protocol": null,
            "port_range_min": port, "port_range_max": port, "remote_ip_prefix": null,
            "remote_group_id": remote, "description": "any" })
    }

    #[test]
    fn only_what_somebody_put_into_the_default_group_counts() {
        let mut rules = vec![
            rule("egress", "IPv4", None, None),
            rule("egress", "IPv6", None, None),
            rule("ingress", "IPv4", Some("s"), None),
            rule("ingress", "IPv6", Some("s"), None),
        ];
        let stock = STOCK_RULES.iter().map(Rule::stock).collect();
        let ask = Ask::new(ServiceKind::Network, ["security-groups"]);
        let counted = |rules: &[Value]| {
            let group = json!({ "id": "s", "name": "default", "security_group_rules": rules });
            let mut found = Found::new();
            of_groups(&ask, &[group], &stock, &mut found).unwrap();
            found
        };
        assert_eq!(counted(&rules), []);
        rules.push(rule("ingress", "IPv4", None, Some(22)));
        rules.push(rule("ingress", "IPv4", None, None));
        rules.push(rule("ingress", "IPv4", Some("another"), None));
        assert_eq!(counted(&rules), [("default security group rules", 3)]);
        let template = rule("ingress", "IPv4", Some("PARENT"), None);
        assert_eq!(Rule::of(&template, "PARENT"), Rule::stock(&STOCK_RULES[2]));
        let nameless = json!({ "id": "s", "name": "default" });
        let told = of_groups(&ask, &[nameless], &stock, &mut Found::new());
        assert!(matches!(told, Err(CloudError::Malformed { .. })));
    }
}
