//! Limits that are set at the hub no more.

use shared::model::{Holder, Limits, ServiceKind};

use super::{Allowed, Census, LimitsChange, QuotaRefusal, RaiseKey, Settled};

/// Limits that are set no more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unset {
    /// What the region is told instead, of each service; with no resources: nothing any more.
    pub changes: Vec<LimitsChange>,
    /// What waited for others, or others for them.
    pub settled: Settled,
}

impl Census {
    /// What the region is to be told, so that these limits of a project are not set here any more.
    /// What its cloud has stays.
    ///
    /// # Errors
    /// If there is no such project, or a word names no limit that is set, or several.
    pub fn unset(&self, asked: &Holder, words: &[String]) -> Result<Unset, QuotaRefusal> {
        let holder = self.holder_of(asked)?;
        let set = self.set_limits(&holder);
        let mut found = Vec::with_capacity(words.len());
        for word in words {
            found.push(self.one_of(&holder, &set, word)?);
        }
        if found.is_empty() {
            return Err(QuotaRefusal::Wrong {
                what: "no resource is named".to_owned(),
                next: "name those whose limit is to be set no more, as in cores ram",
            });
        }
        let mut unset = Unset::default();
        for service in ServiceKind::ALL {
            let names = found.iter().filter(|it| it.0 == service);
            let names: Vec<&str> = names.map(|it| it.1).collect();
            unset.changes.extend(self.without(&holder, service, &names));
        }
        if let Some(project) = holder.project() {
            let keys = found.into_iter().map(|(service, resource)| RaiseKey {
                project,
                service,
                resource: resource.to_owned(),
            });
            unset.settled = self.settled_by(&keys.collect::<Vec<_>>());
        }
        Ok(unset)
    }

    /// Everything that is set here for a project, or waits.
    fn set_limits(&self, holder: &Holder) -> Vec<(ServiceKind, &str)> {
        let all = self.wanted.iter().filter(|((it, _), _)| it == holder);
        let all = all.flat_map(|((_, service), limits)| {
            let resources = limits.resources.iter();
            resources.map(|it| (*service, it.name.as_str()))
        });
        let waits = self.raises.keys();
        let waits = waits.filter(|it| holder.project() == Some(it.project));
        let waits = waits.map(|it| (it.service, it.resource.as_str()));
        let mut all: Vec<_> = all.chain(waits).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn one_of<'a>(
        &self,
        holder: &Holder,
        set: &[(ServiceKind, &'a str)],
        word: &str,
    ) -> Result<(ServiceKind, &'a str), QuotaRefusal> {
        let full = |(service, name): &(ServiceKind, &str)| format!("{}:{name}", service.name());
        let is_it = |it: &&(ServiceKind, &'a str)| it.1 == word || full(it) == word;
        let found: Vec<_> = set.iter().filter(is_it).collect();
        let (region, resource) = (self.region.clone(), word.to_owned());
        match found.as_slice() {
            [one] => Ok(**one),
            [] => Err(QuotaRefusal::NotSet {
                region,
                project: self.name(holder),
                resource,
                set: set.iter().map(full).collect(),
            }),
            several => Err(QuotaRefusal::Several {
                region,
                resource,
                which: several.iter().map(|it| full(it)).collect(),
            }),
        }
    }

    /// What stays of a service's limits; `None` where nothing of it goes.
    fn without(
        &self,
        holder: &Holder,
        service: ServiceKind,
        names: &[&str],
    ) -> Option<LimitsChange> {
        let before = self.wanted.get(&(holder.clone(), service))?;
        let all = before.resources.iter().cloned();
        let (gone, kept): (Vec<_>, Vec<_>) = all.partition(|it| names.contains(&it.name.as_str()));
        let words = |after: bool| {
            let words = gone.iter().map(|it| match after {
                true => format!("{}=not set", it.name),
                false => format!("{}={}", it.name, Allowed::of(it.limit)),
            });
            words.collect::<Vec<_>>().join(" ")
        };
        (!gone.is_empty()).then(|| LimitsChange {
            limits: Limits {
                holder: holder.clone(),
                service,
                resources: kept,
            },
            name: self.name(holder),
            before: words(false),
            after: words(true),
        })
    }
}
