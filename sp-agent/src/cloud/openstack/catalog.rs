//! Keystone's catalog: which services this cloud has, and where.
//!
//! A deployment writes addresses with or without a version, a project or a trailing slash; here
//! each becomes the address that requests are appended to.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde::Deserialize;
use shared::model::ServiceKind;

use super::options::Interface;
use super::scalar::Scalar;

/// A service of the catalog, as Keystone writes it.
#[derive(Debug, Deserialize)]
pub(super) struct CatalogService {
    #[serde(default, rename = "type")]
    kind: Scalar,
    #[serde(default)]
    endpoints: Vec<CatalogEndpoint>,
}

#[derive(Debug, Deserialize)]
struct CatalogEndpoint {
    #[serde(default)]
    interface: Scalar,
    #[serde(default)]
    region_id: Scalar,
    #[serde(default)]
    region: Scalar,
    #[serde(default)]
    url: Scalar,
}

impl CatalogEndpoint {
    fn region(&self) -> Option<&str> {
        self.region_id.text().or(self.region.text())
    }
}

/// The address of each service in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Catalog {
    endpoints: BTreeMap<ServiceKind, Url>,
}

impl Catalog {
    /// Picks one region's addresses.
    ///
    /// # Errors
    /// What the operator has to set, if the region is not in the catalog, or none is named and
    /// there are several: mixing them would tell one cloud's servers as another's.
    pub(super) fn choose(
        services: &[CatalogService],
        region: Option<&str>,
        interface: Interface,
        project: Option<&str>,
    ) -> Result<Self, String> {
        let regions = regions(services);
        let listed = || regions.iter().copied().collect::<Vec<_>>().join(", ");
        match region {
            Some(name) if !regions.is_empty() && !regions.contains(name) => {
                return Err(format!(
                    "its catalog has no region {name}; set region_name to one of {}",
                    listed()
                ));
            }
            None if regions.len() > 1 => {
                return Err(format!(
                    "its catalog has several regions; set region_name to one of {}",
                    listed()
                ));
            }
            _ => {}
        }
        let mut endpoints = BTreeMap::new();
        for kind in ServiceKind::ALL {
            let found = types(kind).iter().find_map(|name| {
                let named = services.iter().filter(|it| it.kind.text() == Some(name));
                named
                    .flat_map(|service| &service.endpoints)
                    .filter(|it| region.is_none() || it.region() == region)
                    .filter(|it| it.interface.text() == Some(interface.name()))
                    .find_map(|it| base(kind, it.url.text()?, project))
            });
            if let Some(url) = found {
                endpoints.insert(kind, url);
            }
        }
        Ok(Self { endpoints })
    }

    /// Keystone itself is reached where the operator said, whatever it says of itself: its own
    /// entry may be an address that only the cloud's machines can reach.
    pub(super) fn with_keystone(mut self, url: Url) -> Self {
        self.endpoints.insert(ServiceKind::Identity, url);
        self
    }

    /// Where a service is, if the cloud has it.
    pub(super) fn endpoint(&self, service: ServiceKind) -> Option<&Url> {
        self.endpoints.get(&service)
    }
}

/// Regions in which any of the services that matter here has an address. Keystone often stands in
/// one region and serves them all, so it does not count.
fn regions(services: &[CatalogService]) -> BTreeSet<&str> {
    let counts = |service: &&CatalogService| {
        let name = service.kind.text();
        ServiceKind::ALL
            .into_iter()
            .filter(|kind| *kind != ServiceKind::Identity)
            .any(|kind| types(kind).iter().any(|known| Some(*known) == name))
    };
    services
        .iter()
        .filter(counts)
        .flat_map(|service| &service.endpoints)
        .filter_map(CatalogEndpoint::region)
        .collect()
}

/// A service's types in a catalog, the official one and its aliases (OpenStack
/// service-types-authority), what is preferred first.
pub(super) fn types(service: ServiceKind) -> &'static [&'static str] {
    match service {
        ServiceKind::Identity => &["identity"],
        ServiceKind::Compute => &["compute"],
        ServiceKind::Placement => &["placement"],
        ServiceKind::Volume => &["volumev3", "block-storage", "block-store", "volume"],
        ServiceKind::Network => &["network"],
        ServiceKind::Image => &["image"],
        ServiceKind::Kubernetes => &[],
    }
}

/// The address that requests are appended to; `None` for what is no address.
fn base(service: ServiceKind, text: &str, project: Option<&str>) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    // Neither belongs into an endpoint, and both would end up in logs.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    if version_at(&url).is_some() {
        return Some(url);
    }
    let mut segments = url.path_segments_mut().ok()?;
    segments.pop_if_empty();
    match service {
        ServiceKind::Compute => segments.push("v2.1"),
        // With the project, which Cinder demanded before microversion 3.67 and still takes.
        ServiceKind::Volume => segments.push("v3").extend(project),
        ServiceKind::Network => segments.push("v2.0"),
        ServiceKind::Image => segments.push("v2"),
        _ => &mut segments,
    };
    drop(segments);
    Some(url)
}

/// The position of the path segment that names a version.
fn version_at(url: &Url) -> Option<usize> {
    url.path_segments()?.position(|segment| {
        segment.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        })
    })
}

/// Where a service tells which versions it has.
pub(super) fn version_document(service: ServiceKind, base: &Url) -> Url {
    let mut url = base.clone();
    let Some(at) = version_at(base) else {
        return url;
    };
    // Neutron and Glance list versions above their API's root, the others at it.
    let kept = match service {
        ServiceKind::Network | ServiceKind::Image => at,
        _ => at + 1,
    };
    let segments: Vec<&str> = base.path_segments().into_iter().flatten().collect();
    let path = segments.get(..kept).unwrap_or(&segments).join("/");
    url.set_path(&format!("{path}/"));
    url
}

#[cfg(test)]
mod tests;
