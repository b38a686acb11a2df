//! The simulated Keystone beside a real one, and the agent's writes to both.

#[path = "keystone/conformance.rs"]
mod conformance;
#[path = "keystone/orders.rs"]
mod orders;
#[path = "keystone/texts.rs"]
mod texts;

use tests::openstack::RealCloud;

/// Where a Keystone is, and its administrator's password.
#[derive(Clone)]
struct Keystone {
    auth_url: String,
    password: String,
}

impl Keystone {
    fn of(cloud: &RealCloud) -> Self {
        Self {
            auth_url: cloud.fact("auth_url").to_owned(),
            password: cloud.fact("password").to_owned(),
        }
    }

    fn simulated(keystone: &tests::keystone::SimulatedKeystone) -> Self {
        Self {
            auth_url: keystone.auth_url(),
            password: tests::keystone::SimulatedKeystone::PASSWORD.to_owned(),
        }
    }
}
