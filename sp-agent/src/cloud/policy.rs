//! What a region lets its federation do, as its own operator says. A captured hub can't change it.

use std::time::Duration;

use shared::model::Purge;

/// What an operator lets the federation do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Takes no change of the organization at all.
    pub read_only: bool,
    /// Departments that stay the region's own, with all that is in them: their names, whatever the
    /// case, or ids.
    pub protected_departments: Vec<String>,
    /// Users that stay the region's own, in whichever department: their names, whatever the case,
    /// or ids.
    pub protected_users: Vec<String>,
    /// Users, groups and roles that may be removed in one batch. What is more goes by itself in the
    /// next batch, a minute later: so long an operator has to stop it. With 0 nothing is removed.
    pub removals_max: u32,
    /// Links that may be taken away, and departments, projects and users that may be switched off,
    /// all together, in one batch of the same length. With 0 nothing is.
    pub withdrawals_max: u32,
    /// Types of services, as in Keystone's catalog, in which a project's things may be and which
    /// are not looked into when it is purged: without them here it is not purged in such a cloud.
    pub purge_unchecked: Vec<String>,
    /// How long what is to be purged must have been seen switched off.
    pub purge_rest: Duration,
    /// Whether a hub may give the agent another credential for its cloud. A captured one could give
    /// only what works at the very same Keystone.
    pub credential_from_hub: bool,
}

impl Policy {
    /// Three times as long as services remember tokens by default.
    pub const PURGE_REST_DEFAULT: Duration = Purge::REST;

    /// Few enough to be made again by hand, and more than a day's leavers.
    pub const REMOVALS_DEFAULT: u32 = 20;

    /// More than an ordinary reorganization takes away in a minute, and of a cloud of thousands of
    /// users a part.
    pub const WITHDRAWALS_DEFAULT: u32 = 500;

    /// Whether a department of this id and name stays the region's own.
    pub fn protects_department(&self, id: &str, name: &str) -> bool {
        is_listed(&self.protected_departments, id, name)
    }

    /// Whether a user of this id and name stays the region's own, in whichever department.
    pub fn protects_user(&self, id: &str, name: &str) -> bool {
        is_listed(&self.protected_users, id, name)
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            read_only,
            protected_departments: departments,
            protected_users: users,
            removals_max,
            withdrawals_max,
            purge_unchecked: unchecked,
            purge_rest,
            credential_from_hub,
        } = self;
        write!(
            f,
            "read_only={read_only} removals_max={removals_max} \
             withdrawals_max={withdrawals_max} credential_from_hub={credential_from_hub} \
             protected_departments={departments:?} protected_users={users:?} \
             purge_unchecked={unchecked:?} purge_rest={}s",
            purge_rest.as_secs()
        )
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            read_only: false,
            protected_departments: Vec::new(),
            protected_users: Vec::new(),
            removals_max: Self::REMOVALS_DEFAULT,
            withdrawals_max: Self::WITHDRAWALS_DEFAULT,
            purge_unchecked: Vec::new(),
            purge_rest: Self::PURGE_REST_DEFAULT,
            credential_from_hub: true,
        }
    }
}

fn is_listed(listed: &[String], id: &str, name: &str) -> bool {
    listed.iter().any(|it| it == id || is_same_name(it, name))
}

/// Whether most databases under Keystone take two names for the same: without regard to case, and
/// to spaces at the end. What is finer than that a cloud answers with HTTP 409.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = char> {
        let text = text.trim_end_matches(' ');
        text.chars().flat_map(char::to_lowercase)
    }
    folded(one).eq(folded(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_protected_whatever_their_case_and_ids_as_they_are() {
        let policy = Policy {
            protected_departments: vec!["Finanzbüro".to_owned(), "d0af".to_owned()],
            protected_users: vec!["ROOT".to_owned()],
            ..Policy::default()
        };
        assert!(policy.protects_department("1", "FINANZBÜRO "));
        assert!(policy.protects_department("d0af", "anything"));
        assert!(!policy.protects_department("D0AF", "anything"));
        assert!(policy.protects_user("1", "root") && !policy.protects_user("1", "finanzbüro"));
        assert!(!Policy::default().protects_department("", ""));
    }
}
