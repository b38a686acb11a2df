//! Quota and limits between the model and the wire.

use super::codes::{service_code, service_kind};
use super::{capped, figure};
use crate::model::{Holder, Limit, Limits, Quota, QuotaResource};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{HolderV1, LimitV1, LimitsV1, QuotaResourceV1, QuotaV1};
use crate::wire::{List, Text};

impl<'a> From<&'a Quota> for QuotaV1<'a> {
    fn from(it: &'a Quota) -> Self {
        Self {
            project: (&it.project).into(),
            project_name: Text::cut(&it.project_name),
            service: service_code(it.service),
            resources: List::cut(it.resources.iter().map(QuotaResourceV1::from)),
        }
    }
}

impl<'a> From<&'a QuotaResource> for QuotaResourceV1<'a> {
    fn from(it: &'a QuotaResource) -> Self {
        Self {
            name: Text::cut(&it.name),
            limit: it.limit.map(capped),
            used: capped(it.used),
            reserved: capped(it.reserved),
        }
    }
}

pub(super) fn quota(it: QuotaV1<'_>) -> Result<Quota, DecodeError> {
    let resource = |it: QuotaResourceV1<'_>| {
        Ok(QuotaResource {
            name: it.name.into_string(),
            limit: it
                .limit
                .map(|limit| figure("a quota's limit", limit))
                .transpose()?,
            used: figure("a quota's use", it.used)?,
            reserved: figure("a quota's reservation", it.reserved)?,
        })
    };
    Ok(Quota {
        project: it.project.into(),
        project_name: it.project_name.into_string(),
        service: service_kind(it.service).ok_or(DecodeError::OutOfRange {
            what: "a quota's service",
        })?,
        resources: it
            .resources
            .into_vec()
            .into_iter()
            .map(resource)
            .collect::<Result<_, _>>()?,
    })
}

impl<'a> From<&'a Holder> for HolderV1<'a> {
    fn from(it: &'a Holder) -> Self {
        match it {
            Holder::Project(id) => Self::Project(*id),
            Holder::Own(here) => Self::Own(here.into()),
        }
    }
}

pub(super) fn holder(it: HolderV1<'_>) -> Holder {
    match it {
        HolderV1::Project(id) => Holder::Project(id),
        HolderV1::Own(here) => Holder::Own(here.into()),
    }
}

impl<'a> From<&'a Limits> for LimitsV1<'a> {
    fn from(it: &'a Limits) -> Self {
        Self {
            holder: (&it.holder).into(),
            service: service_code(it.service),
            resources: List::cut(it.resources.iter().map(LimitV1::from)),
        }
    }
}

impl<'a> From<&'a Limit> for LimitV1<'a> {
    fn from(it: &'a Limit) -> Self {
        Self {
            name: Text::cut(&it.name),
            limit: it.limit.map(capped),
            version: it.version,
            force: it.force,
        }
    }
}

pub(super) fn limits(it: LimitsV1<'_>) -> Result<Limits, DecodeError> {
    let resource = |it: LimitV1<'_>| {
        let limit = it.limit.map(|limit| figure("a limit", limit));
        Ok(Limit {
            name: it.name.into_string(),
            limit: limit.transpose()?,
            version: it.version,
            force: it.force,
        })
    };
    let resources = it.resources.into_vec().into_iter().map(resource);
    Ok(Limits {
        holder: holder(it.holder),
        service: service_kind(it.service).ok_or(DecodeError::OutOfRange {
            what: "the service of limits",
        })?,
        resources: resources.collect::<Result<_, _>>()?,
    })
}
