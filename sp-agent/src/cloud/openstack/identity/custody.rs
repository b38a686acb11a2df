//! What of a cloud's organization stays the region's own, whatever the federation decides.
//!
//! - What the operator protects by the agent's policy: departments with all that is in them, users.
//! - The account that the agent signs in as and its project, by which the federation works here.
//! - The departments that this account and project live in, and those that the agent's sign-in
//!   names, with all that is in them: renamed or switched off, they would lock the agent out.
//! - Departments that OpenStack needs for itself, with all that is in them: Keystone's own domain,
//!   and those by whose names Heat, Magnum, Trove, Sahara and the installers make theirs (Octavia
//!   and Manila make none).
//! - The project `service` or `services`, in whichever department, in which services have their
//!   accounts; and those accounts, see `services.rs`.
//! - Users and groups that have a role in the system as a whole, see `system.rs`.
//!
//! The first that applies counts. All else is the federation's once it is merged, also roles that
//! are the cloud's own: the hub knows `admin`, `manager`, `member`, `reader` and `service` by name.
//! Pure, but for who the agent is.

use std::collections::BTreeSet;

use shared::model::{CloudId, Custody, is_service_project};

use super::Rules;
use crate::cloud::CloudError;
use crate::cloud::openstack::client::Client;

/// Names of domains that services and installers make for themselves, whatever the case: Heat's
/// (`stack_user_domain_name`; by itself, Puppet, Kolla), Magnum's (`trustee_domain_name`), Trove's,
/// Sahara's (`proxy_user_domain_name`), those of OpenStack-Helm and of the charms.
const OF_SERVICES: [&str; 14] = [
    "heat",
    "heat_stack",
    "heat-stack",
    "heat_user_domain",
    "heat_stack_user_domain",
    "magnum",
    "magnum_trustee_domain",
    "trove",
    "sahara",
    "sahara_proxy",
    "service",
    "services",
    "service_domain",
    "admin_domain",
];

/// The name that Keystone's own domain is given, also where its id is another one than usual.
const DEFAULT_NAME: &str = "default";

/// Who keeps a department from the federation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Nobody.
    None,
    /// OpenStack needs it for itself.
    Cloud,
    /// The agent: it lives there, or signs in by it.
    Agent,
    /// The operator, or nobody knows: it was not there when departments were read.
    Operator,
}

impl Keeper {
    /// Of a department of this id and name. The agent lives in `homes`.
    pub(super) fn of(
        (rules, homes): (&Rules, &BTreeSet<CloudId>),
        id: &CloudId,
        name: &str,
    ) -> Self {
        let is_home = homes.contains(id);
        let id = id.to_string();
        let is_named = |of: &str| of.eq_ignore_ascii_case(name);
        let is_default = id == rules.default_domain || is_named(DEFAULT_NAME);
        match () {
            () if rules.policy.protects_department(&id, name) => Self::Operator,
            () if is_default || OF_SERVICES.iter().any(|of| is_named(of)) => Self::Cloud,
            () if is_home || rules.signs_in_at(&id, name) => Self::Agent,
            () => Self::None,
        }
    }

    /// Of the department itself, and of what is nothing particular in it.
    pub(super) const fn custody(self) -> Custody {
        match self {
            Self::None => Custody::Common,
            Self::Cloud | Self::Agent | Self::Operator => Custody::Reserved,
        }
    }
}

/// The departments that the agent's account and project live in, as Keystone says with the token.
pub(super) async fn homes(client: &Client) -> Result<BTreeSet<CloudId>, CloudError> {
    let login = client.login().await?;
    let ids = login.domains.iter().map(|it| CloudId::new(&it.id));
    Ok(ids.collect())
}

/// Who the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    /// Its account.
    pub(super) user: CloudId,
    /// The project that it works in, if it works in one.
    pub(super) project: Option<CloudId>,
}

impl Own {
    /// As Keystone says with the token.
    pub(super) async fn of(client: &Client) -> Result<Self, CloudError> {
        let login = client.login().await?;
        // Taken for anybody's, the federation might take it over.
        let user = login
            .user_id
            .as_deref()
            .ok_or_else(|| CloudError::Malformed {
                endpoint: client.keystone().to_string(),
                what: "POST /auth/tokens".to_owned(),
                reason: "it does not say whose the token is".to_owned(),
            })?;
        Ok(Self {
            user: CloudId::new(user),
            project: login.project_id.as_deref().map(CloudId::new),
        })
    }
}

/// Of a project, in a department that is kept by `keeper`.
pub(super) fn project(keeper: Keeper, own: &Own, (id, name): (&CloudId, &str)) -> Custody {
    match keeper {
        Keeper::Operator => Custody::Reserved,
        _ if own.project.as_ref() == Some(id) => Custody::Administrator,
        _ if is_service_project(name) => Custody::Reserved,
        keeper => keeper.custody(),
    }
}

/// Of a user, in a department that is kept by `keeper`. `kept` are those that the cloud works by.
pub(super) fn user(
    keeper: Keeper,
    (rules, own, kept): (&Rules, &Own, &BTreeSet<CloudId>),
    (id, name): (&CloudId, &str),
) -> Custody {
    match keeper {
        Keeper::Operator => Custody::Reserved,
        _ if rules.policy.protects_user(&id.to_string(), name) => Custody::Reserved,
        _ if own.user == *id => Custody::Administrator,
        _ if kept.contains(id) => Custody::Reserved,
        keeper => keeper.custody(),
    }
}

/// Of a group, in a department that is kept by `keeper`. `kept` are those that the cloud works by.
pub(super) fn group(keeper: Keeper, kept: &BTreeSet<CloudId>, id: &CloudId) -> Custody {
    match kept.contains(id) {
        true => Custody::Reserved,
        false => keeper.custody(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Policy;
    use crate::cloud::openstack::options::Domain;

    fn rules() -> Rules {
        Rules {
            sign_in_domains: vec![Domain::Name("Ops".to_owned()), Domain::Id("d8".to_owned())],
            default_domain: "default".to_owned(),
            policy: Policy {
                protected_departments: vec!["Vault".to_owned(), "d7".to_owned()],
                protected_users: vec!["Root".to_owned()],
                ..Policy::default()
            },
        }
    }

    fn keeper(id: &str, name: &str) -> Keeper {
        let homes = BTreeSet::from([CloudId::new("d9")]);
        Keeper::of((&rules(), &homes), &CloudId::new(id), name)
    }

    #[test]
    fn openstacks_own_departments_and_protected_ones_stay_the_regions() {
        for (id, name) in [
            ("default", "Renamed"),
            ("1", "Default"),
            ("2", "heat_user_domain"),
            ("3", "Magnum"),
        ] {
            assert_eq!(keeper(id, name), Keeper::Cloud, "{name}");
        }
        for (id, name) in [("6", "ops"), ("d8", "any"), ("d9", "any")] {
            assert_eq!(keeper(id, name), Keeper::Agent, "{name}");
        }
        assert_eq!(Keeper::Agent.custody(), Custody::Reserved);
        assert_eq!(keeper("4", "vault"), Keeper::Operator);
        assert_eq!(keeper("d7", "any"), Keeper::Operator);
        for name in ["", "Heating", "研发中心", "default-2"] {
            assert_eq!(keeper("5", name), Keeper::None, "{name}");
        }
    }

    #[test]
    fn the_operators_word_comes_first_then_the_agents_own_account_then_the_rest() {
        let rules = rules();
        let own = Own {
            user: CloudId::new("me"),
            project: Some(CloudId::new("ops")),
        };
        let services = BTreeSet::from([CloudId::new("nova")]);
        let user = |keeper, id: &str, name: &str| {
            user(keeper, (&rules, &own, &services), (&CloudId::new(id), name))
        };
        assert_eq!(user(Keeper::None, "u", "anna"), Custody::Common);
        assert_eq!(user(Keeper::None, "u", "ROOT"), Custody::Reserved);
        assert_eq!(user(Keeper::None, "nova", "nova"), Custody::Reserved);
        assert_eq!(user(Keeper::Cloud, "u", "anna"), Custody::Reserved);
        for keeper in [Keeper::None, Keeper::Cloud, Keeper::Agent] {
            assert_eq!(user(keeper, "me", "admin"), Custody::Administrator);
        }
        assert_eq!(user(Keeper::None, "me", "root"), Custody::Reserved);
        assert_eq!(user(Keeper::Operator, "me", "admin"), Custody::Reserved);

        let project = |keeper, id: &str, name| project(keeper, &own, (&CloudId::new(id), name));
        assert_eq!(project(Keeper::None, "p", "web"), Custody::Common);
        assert_eq!(project(Keeper::None, "p", "Service"), Custody::Reserved);
        assert_eq!(project(Keeper::Cloud, "p", "web"), Custody::Reserved);
        assert_eq!(
            project(Keeper::Cloud, "ops", "admin"),
            Custody::Administrator
        );
        assert_eq!(project(Keeper::Operator, "ops", "admin"), Custody::Reserved);
    }
}
