//! What the tests and benchmarks of the whole system share.

pub mod bench;
pub mod browser;
pub mod chaos;
pub mod fuzzing;
pub mod inproc;
pub mod keystone;
pub mod lab;
pub mod ledger;
pub mod machine;
pub mod mounts;
pub mod openstack;
pub mod relay;
