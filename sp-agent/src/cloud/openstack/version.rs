//! Versions and microversions: what a service offers, and which one to ask for.
//!
//! A service that knows microversions behaves as its oldest one unless a request names another
//! (API guidelines, "Microversion Specification"), so each request names the highest that this
//! client knows and the service offers.

use std::fmt;

use serde::Deserialize;
use shared::model::ServiceKind;

use super::scalar::Scalar;

/// A microversion, such as Nova's 2.96. Ordered by number: 2.9 comes before 2.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Microversion(pub(super) u16, pub(super) u16);

impl Microversion {
    /// Reads `2.96`; nothing for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What one service offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Versions {
    /// Lowest and highest, as the service writes them.
    pub(super) shown: (String, String),
    /// The microversions, if it has any.
    range: Option<(Microversion, Microversion)>,
}

impl Versions {
    /// The microversion to ask for where `wanted` is the highest that the caller knows: never one
    /// that the service would refuse. `None` where the service has no microversions.
    pub(super) fn negotiate(&self, wanted: Microversion) -> Option<Microversion> {
        let (min, max) = self.range?;
        Some(wanted.min(max).max(min))
    }

    /// The one that reaches less far: what machines of different releases all understand. None at
    /// all reaches least.
    pub(super) fn lower(self, other: Self) -> Self {
        let reach = |it: &Self| it.range.map(|(_, max)| max);
        match reach(&other) < reach(&self) {
            true => other,
            false => self,
        }
    }

    /// For people: `2.1–2.96`, or just `v3.14`.
    pub(super) fn line(&self) -> String {
        let (min, max) = &self.shown;
        match min == max {
            true => max.clone(),
            false => format!("{min}–{max}"),
        }
    }
}

/// A service's answer at its root: one version, or a list of all that it has had.
#[derive(Debug, Deserialize)]
struct Document {
    version: Option<Entry>,
    #[serde(default)]
    versions: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    version: Scalar,
    #[serde(default)]
    max_version: Scalar,
    #[serde(default)]
    min_version: Scalar,
}

/// Reads a service's version document.
///
/// # Errors
/// What is wrong with it, if it is none, or names no version of the API that this client speaks.
pub(super) fn parse(service: ServiceKind, body: &[u8]) -> Result<Versions, String> {
    let document: Document = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let family = family(service);
    let mut entries: Vec<(Microversion, Entry)> = document
        .version
        .into_iter()
        .chain(document.versions)
        .filter_map(|entry| Some((number(entry.id.text()?)?, entry)))
        .filter(|(number, _)| family.contains(number))
        .collect();
    entries.sort_by_key(|(number, _)| *number);
    let (Some((lowest, _)), Some((highest, newest))) = (entries.first(), entries.last()) else {
        return Err(format!("it names no version of the {} API", service.name()));
    };
    let max = newest.version.text().or(newest.max_version.text());
    let min = newest.min_version.text();
    let range = min
        .zip(max)
        .and_then(|(min, max)| Some((Microversion::parse(min)?, Microversion::parse(max)?)))
        .filter(|(min, max)| min <= max);
    let shown = match range {
        Some((min, max)) => (min.to_string(), max.to_string()),
        None => (format!("v{lowest}"), format!("v{highest}")),
    };
    Ok(Versions { shown, range })
}

/// The versions of the API that this client speaks, among those that a service may list.
fn family(service: ServiceKind) -> std::ops::Range<Microversion> {
    let major = match service {
        ServiceKind::Identity | ServiceKind::Volume => 3,
        ServiceKind::Compute | ServiceKind::Network | ServiceKind::Image => 2,
        ServiceKind::Placement | ServiceKind::Kubernetes => 1,
    };
    Microversion(major, 0)..Microversion(major + 1, 0)
}

/// `v2.1` → 2.1, `v3` → 3.0.
fn number(id: &str) -> Option<Microversion> {
    let text = id.strip_prefix('v').unwrap_or(id);
    Microversion::parse(text).or_else(|| Some(Microversion(text.parse().ok()?, 0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::openstack::testing::any_json;

    fn line(service: ServiceKind, body: &str) -> String {
        parse(service, body.as_bytes()).unwrap().line()
    }

    #[test]
    fn each_services_document_is_read() {
        let nova = r#"{"versions": [
            {"id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": ""},
            {"id": "v2.1", "status": "CURRENT", "version": "2.104", "min_version": "2.1"}]}"#;
        assert_eq!(line(ServiceKind::Compute, nova), "2.1–2.104");
        let cinder = r#"{"versions": [
            {"id": "v2.0", "version": "", "min_version": ""},
            {"id": "v3.0", "version": "3.71", "min_version": "3.0"}]}"#;
        assert_eq!(line(ServiceKind::Volume, cinder), "3.0–3.71");
        let placement = r#"{"versions": [
            {"id": "v1.0", "max_version": "1.39", "min_version": "1.0", "status": "CURRENT"}]}"#;
        assert_eq!(line(ServiceKind::Placement, placement), "1.0–1.39");
        let keystone = r#"{"version": {"id": "v3.14", "status": "stable"}}"#;
        assert_eq!(line(ServiceKind::Identity, keystone), "v3.14");
        let glance = r#"{"versions": [{"id": "v2.15"}, {"id": "v2.9"}, {"id": "v1.1"}]}"#;
        assert_eq!(line(ServiceKind::Image, glance), "v2.9–v2.15");
        let neutron = r#"{"versions": [{"id": "v2.0", "status": "CURRENT"}]}"#;
        assert_eq!(line(ServiceKind::Network, neutron), "v2.0");
    }

    #[test]
    fn never_a_microversion_is_asked_for_that_the_service_would_refuse() {
        let offered = |min, max| Versions {
            shown: Default::default(),
            range: Some((min, max)),
        };
        let wanted = Microversion(2, 96);
        for (min, max, asked) in [
            (Microversion(2, 1), Microversion(2, 104), wanted),
            (Microversion(2, 1), Microversion(2, 9), Microversion(2, 9)),
            (
                Microversion(2, 99),
                Microversion(2, 120),
                Microversion(2, 99),
            ),
        ] {
            assert_eq!(offered(min, max).negotiate(wanted), Some(asked));
        }
        assert_eq!(Versions::default().negotiate(wanted), None);
    }

    #[test]
    fn another_services_document_is_refused() {
        let glance = br#"{"versions": [{"id": "v2.9"}]}"#;
        let error = parse(ServiceKind::Volume, glance).unwrap_err();
        assert!(error.contains("no version of the volume API"), "{error}");
    }

    proptest! {
        #[test]
        fn any_json_is_read_or_refused(json in any_json(&["version", "versions", "id"])) {
            for service in ServiceKind::ALL {
                if let Ok(versions) = parse(service, json.as_bytes()) {
                    prop_assert!(!versions.line().is_empty());
                }
            }
        }
    }
}
