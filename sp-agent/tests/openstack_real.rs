//! The OpenStack client against a real OpenStack.
//!
//! Which one, `REGROUP_TEST_CLOUD` says: a file as `cargo xtask cloud up --json` prints it. Without
//! it, the tests bring up a cloud of their own, and leave it for the next run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "openstack_real/account.rs"]
mod account;
#[path = "openstack_real/cloud.rs"]
mod cloud;
#[path = "openstack_real/compute.rs"]
mod compute;
#[path = "openstack_real/organization.rs"]
mod organization;
#[path = "openstack_real/quota.rs"]
mod quota;
#[path = "openstack_real/storage.rs"]
mod storage;
#[path = "openstack_real/told.rs"]
mod told;
