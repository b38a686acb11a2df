//! What an administrator says that a project may use from now on.

use shared::model::{Limit, Quota, ServiceKind};

use super::World;
use super::told::{compute_quota, volume_quota};
use crate::cloud::QuotaOrder;
use crate::cloud::simulated::ledger::{Limits, ProjectRow};

impl World {
    /// Sets limits, all of them or none. Gives the quota as it was, and as it is then.
    ///
    /// # Errors
    /// What is not right, as a service says it.
    pub(in crate::cloud::simulated) fn set_quota(
        &mut self,
        order: &QuotaOrder,
    ) -> Result<[Quota; 2], String> {
        let mut numbers = 0..self.plan.projects;
        let number = numbers.find(|it| self.names.project_id(*it) == order.project);
        let number = number.ok_or_else(|| format!("{} is not a project", order.project))?;
        let row = self.ledger.projects.get_mut(number as usize);
        let row = row.ok_or("the project has no quota")?;
        let before = *row;
        let mut changed = before;
        let mut limits = order.limits.iter();
        limits.try_for_each(|it| set(&mut changed, order.service, it))?;
        *row = changed;
        Ok([before, changed].map(|row| {
            let resources = match order.service {
                ServiceKind::Volume => volume_quota(&row),
                ServiceKind::Network => self.network_quota(number, &row),
                _ => compute_quota(&row),
            };
            self.quota_of(number, order.service, resources)
        }))
    }
}

fn set(row: &mut ProjectRow, service: ServiceKind, limit: &Limit) -> Result<(), String> {
    let wide = limit.limit.unwrap_or(u64::MAX);
    let small = u32::try_from(wide).unwrap_or(u32::MAX);
    if row.limits.is_none() {
        // Nor had it one of networks, which otherwise follows from their number.
        row.networks_limit.get_or_insert(u32::MAX);
    }
    let mut limits = row.limits.unwrap_or(Limits::NONE);
    match (service, limit.name.as_str()) {
        (ServiceKind::Compute, "cores") => limits.cores = small,
        (ServiceKind::Compute, "instances") => limits.instances = small,
        (ServiceKind::Compute, "ram") => limits.ram_mib = wide,
        (ServiceKind::Volume, "gigabytes") => limits.gigabytes = wide,
        (ServiceKind::Volume, "volumes") => limits.volumes = small,
        (ServiceKind::Network, "floatingip") => limits.floating_ips = small,
        (ServiceKind::Network, "network") => row.networks_limit = Some(small),
        (_, name) => return Err(format!("there is no quota for {name:?}")),
    }
    row.limits = Some(limits);
    Ok(())
}
