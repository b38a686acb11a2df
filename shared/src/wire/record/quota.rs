//! Quota between the model and the wire.

use super::codes::{service_code, service_kind};
use super::{capped, figure};
use crate::model::{Quota, QuotaResource};
use crate::wire::codec::DecodeError;
use crate::wire::v1::{QuotaResourceV1, QuotaV1};
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
