//! Keystone: a cloud's organization, that is its domains, projects, users, groups and roles, and
//! who has which role where (Identity API v3).

pub(super) mod marker;
mod write;

pub(super) use self::write::perform;
