//! Projects of a region that are not the directory's: why, what they hold, and the cure.

use std::collections::BTreeMap;

use shared::foreign::word;
use shared::ids::ObjectId;
use shared::model::{CloudId, Custody, Holder, ServiceKind};

use super::census::Figures;
use super::{
    Allowed, Census, InDirectory, QuotaEdit, QuotaRefusal, RegionProject, ResourceAllocation,
};

/// The names of the project that services have their accounts in.
const SERVICE_PROJECTS: [&str; 2] = ["service", "services"];

/// A project of a region that is not the directory's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What the region's cloud calls it.
    pub here: CloudId,
    /// Its name there.
    pub name: String,
    /// Why it is none of the directory's.
    pub why: LeftoverWhy,
    /// What it may use of each resource that it has a limit of, or none.
    pub shares: Vec<Share>,
    /// What it still has.
    pub holds: Holdings,
    /// What to do about it, as command lines and words.
    pub cure: Vec<String>,
}

/// Why a project is none of the directory's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftoverWhy {
    /// It is the cloud's own administrator's.
    Administrator,
    /// It was retired.
    Retired,
    /// The services of the cloud have their accounts in it.
    OfServices,
    /// It is in Keystone's Default department, or another that stays the region's own.
    Reserved,
    /// It was made in the region after the merge, or not merged.
    MadeThere,
    /// Another project is the same one of the directory's.
    Doubled,
    /// The region tells a quota of it, and no project.
    Unknown,
}

/// What a leftover may use of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Whose resource.
    pub service: ServiceKind,
    /// The cloud's name of it.
    pub name: String,
    /// What it may use.
    pub allowed: Allowed,
    /// In use and reserved.
    pub used: u64,
    /// What part that is of all that projects with a limit may use, in thousandths; `None` where it
    /// has no limit, or nobody knows.
    pub permille: Option<u64>,
}

/// What a project still has in a region, by count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Servers.
    pub servers: u64,
    /// Volumes.
    pub volumes: u64,
    /// Networks.
    pub networks: u64,
    /// Floating IPs.
    pub floating_ips: u64,
}

impl Holdings {
    /// Whether it has nothing of these.
    pub const fn is_empty(&self) -> bool {
        matches!((self.servers, self.volumes), (0, 0))
            && matches!((self.networks, self.floating_ips), (0, 0))
    }
}

impl LeftoverWhy {
    /// Its word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Retired => "retired",
            Self::OfServices => "services",
            Self::Reserved => "reserved",
            Self::MadeThere => "made-there",
            Self::Doubled => "doubled",
            Self::Unknown => "unknown",
        }
    }

    /// For people.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Administrator => "the region's own administrator's project",
            Self::Retired => "retired in the directory",
            Self::OfServices => "the project of the region's services",
            Self::Reserved => "in a department that stays the region's own",
            Self::MadeThere => "made in the region, and not merged",
            Self::Doubled => {
                "it bears the marker of one of the directory's, and another is that, or none surely"
            }
            Self::Unknown => "the region tells its quota, and not what it is",
        }
    }
}

impl Census {
    pub(super) fn leftover_why(&self, here: &CloudId) -> LeftoverWhy {
        let Some(project) = self.projects.get(here) else {
            return LeftoverWhy::Unknown;
        };
        let there = project.object.and_then(|it| self.directory.get(&it));
        match (there, project.custody) {
            (Some(InDirectory::Retired { .. }), _) if self.is_it(project.object, here) => {
                LeftoverWhy::Retired
            }
            (Some(_), _) => LeftoverWhy::Doubled,
            (None, Custody::Administrator) => LeftoverWhy::Administrator,
            _ if is_of_services(project) => LeftoverWhy::OfServices,
            (None, Custody::Reserved) => LeftoverWhy::Reserved,
            (None, Custody::Common) => LeftoverWhy::MadeThere,
        }
    }

    /// Whether it is the one of the region that is believed to be that of the directory.
    fn is_it(&self, object: Option<ObjectId>, here: &CloudId) -> bool {
        object.is_some_and(|it| self.here.of(it) == Some(here))
    }

    pub(super) fn leftover(
        &self,
        here: &CloudId,
        why: LeftoverWhy,
        holds: Holdings,
        sums: &BTreeMap<(ServiceKind, &str), ResourceAllocation>,
    ) -> Leftover {
        let shares = sums.iter().map(|((service, name), sum)| {
            let told = self.told(here, *service, name);
            let allowed = self.allowed(here, *service, name);
            Share {
                service: *service,
                name: (*name).to_owned(),
                allowed,
                used: told.map_or(0, Figures::need),
                permille: permille(allowed, sum.allocated.limited),
            }
        });
        let shares: Vec<Share> = shares.collect();
        let is_zero = shares.iter().all(|it| match it.allowed {
            Allowed::Limited(limit) => limit <= it.used,
            Allowed::Unlimited => false,
            Allowed::Unknown => true,
        });
        Leftover {
            cure: self.cure(here, why, is_zero, &holds),
            here: here.clone(),
            name: self.name(&Holder::Own(here.clone())),
            why,
            shares,
            holds,
        }
    }

    /// What to do about a leftover.
    fn cure(
        &self,
        here: &CloudId,
        why: LeftoverWhy,
        is_zero: bool,
        holds: &Holdings,
    ) -> Vec<String> {
        let region = word(&self.region);
        let mut steps = Vec::new();
        match why {
            LeftoverWhy::MadeThere => {
                steps.push(format!("idp-hub org plan {region}   # merging takes it in"));
            }
            LeftoverWhy::Unknown => {
                steps.push(format!(
                    "idp-hub region show {region}   # is all of it read?"
                ));
                return steps;
            }
            _ => {}
        }
        if !is_zero {
            let force = match why {
                LeftoverWhy::OfServices => " --force   # stops services that make servers there",
                _ => "",
            };
            steps.push(format!("idp-hub org quota zero {region} {here}{force}"));
        }
        match (why, holds.is_empty()) {
            (LeftoverWhy::Administrator, _) => {
                steps.push(stays("the region's agent signs in by it"))
            }
            (LeftoverWhy::OfServices, _) => {
                steps.push(stays("services of the cloud have their accounts in it"));
            }
            (LeftoverWhy::Reserved, _) => {
                steps.push(stays("what is in its department is the region's own"));
            }
            (_, false) => steps.push("empty it in the region, or move what is in it".to_owned()),
            (LeftoverWhy::Retired, true) => {
                let object = self.projects.get(here).and_then(|it| it.object);
                let id = object.map_or_else(|| here.to_string(), |it| it.to_string());
                steps.push(format!("idp-hub org purge project {id}"));
            }
            (_, true) => steps.push("delete it in the region, where nobody needs it".to_owned()),
        }
        steps
    }

    /// The edits that leave a leftover what it uses, and nothing more.
    ///
    /// # Errors
    /// If it is no leftover, or nothing is known of its quota; without `force` also if services of
    /// the cloud have their accounts in it.
    pub fn zero(&self, asked: &Holder, force: bool) -> Result<Vec<QuotaEdit>, QuotaRefusal> {
        let region = self.region.clone();
        let project = self.name(asked);
        let here = self.here(asked);
        let here = here.filter(|it| self.projects.contains_key(it));
        let Some(here) = here else {
            return Err(QuotaRefusal::NoProject { region, project });
        };
        match self.why_left(&here) {
            None => return Err(QuotaRefusal::NotLeft { region, project }),
            Some(LeftoverWhy::OfServices) if !force => {
                return Err(QuotaRefusal::OfServices { region, project });
            }
            Some(_) => {}
        }
        let mut limits = BTreeMap::new();
        for (service, name) in self.known() {
            if let Some(told) = self.told(&here, service, name) {
                let word = format!("{}:{name}", service.name());
                limits.insert(word, i64::try_from(told.need()).unwrap_or(i64::MAX));
            }
        }
        if limits.is_empty() {
            let resource = "anything".to_owned();
            return Err(QuotaRefusal::NotRead {
                region,
                project,
                resource,
            });
        }
        let holder = Holder::Own(here);
        Ok(vec![QuotaEdit { holder, limits }])
    }
}

/// The last step about what no hub deletes, so that nobody looks for one more.
fn stays(why: &str) -> String {
    format!("leave it there: {why}, and it is never purged")
}

fn is_of_services(project: &RegionProject) -> bool {
    let mut names = SERVICE_PROJECTS.iter();
    project.custody == Custody::Reserved && names.any(|it| project.name.eq_ignore_ascii_case(it))
}

/// Rounded to the nearest.
fn permille(allowed: Allowed, of: u64) -> Option<u64> {
    let Allowed::Limited(limit) = allowed else {
        return None;
    };
    let of = u128::from(of);
    let share = (u128::from(limit) * 1000 + of / 2).checked_div(of);
    Some(share.and_then(|it| u64::try_from(it).ok()).unwrap_or(0))
}
