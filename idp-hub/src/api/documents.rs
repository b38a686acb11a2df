//! What the API says of the federation and its regions, as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::model::{Service, ServiceState, Totals, UnixMillis};
use shared::wire::frame::Standing;
use utoipa::ToSchema;

use crate::overview::{Shown, ShownRegion};
use crate::store::Figures;

/// A moment, by RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T18:00:00.000Z")]
pub struct Time(pub String);

impl From<UnixMillis> for Time {
    /// A time that no calendar has, which no clock gives, is the last one that it has.
    fn from(time: UnixMillis) -> Self {
        let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
        let time = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        Self(format!("{time:.3}"))
    }
}

/// `None` for 0, which stands for never.
fn ever(time: UnixMillis) -> Option<Time> {
    (time.0 > 0).then(|| time.into())
}

macro_rules! totals {
    ($($figures:ident { $($(#[$doc:meta])* $field:ident,)* })*) => {
        /// Sums over the records of one region, or of all. What is not known is null, which zero
        /// is not.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct TotalsDocument {
            $($($(#[$doc])* pub $field: Option<u64>,)*)*
            /// Servers that neither run nor are stopped: building, moving, paused, failed, other.
            pub servers_other: Option<u64>,
        }

        impl TotalsDocument {
            /// All figures but those of which nothing is known.
            fn known(totals: &Totals, is_unknown: impl Fn(Figures) -> bool) -> Self {
                let of = |figures, figure| (!is_unknown(figures)).then_some(figure);
                Self {
                    $($($field: of(Figures::$figures, totals.$field),)*)*
                    servers_other: of(Figures::Servers, totals.servers_other()),
                }
            }
        }
    };
}

totals! {
    Servers {
        /// Servers in all.
        servers,
        /// Servers that run.
        servers_running,
        /// Servers that are stopped or shelved.
        servers_stopped,
        /// Servers that failed.
        servers_failed,
        /// Virtual CPUs of all servers' flavors.
        server_vcpus,
        /// Memory of all servers' flavors, MiB.
        server_memory_mib,
    }
    Nodes {
        /// Nodes in all.
        nodes,
        /// Nodes that are up and enabled.
        nodes_up,
        /// Virtual CPUs in use on nodes.
        vcpus_used,
        /// Virtual CPUs usable on nodes.
        vcpus_total,
        /// Memory in use on nodes, MiB.
        memory_used_mib,
        /// Memory usable on nodes, MiB.
        memory_total_mib,
        /// Local disk in use on nodes, GiB.
        disk_used_gib,
        /// Local disk usable on nodes, GiB.
        disk_total_gib,
    }
    Volumes {
        /// Volumes in all.
        volumes,
        /// Size of all volumes, GiB.
        volumes_gib,
        /// Space in use in storage pools, GiB.
        storage_used_gib,
        /// Space of storage pools, GiB.
        storage_total_gib,
    }
    Networks {
        /// Networks in all.
        networks,
        /// Floating IPs that projects hold.
        floating_ips,
        /// Floating IPs that lead to a port.
        floating_ips_attached,
        /// Addresses in use of external networks.
        addresses_used,
        /// Addresses of external networks.
        addresses_total,
    }
}

/// Regions in each state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatesDocument {
    /// On their way.
    pub connecting: u32,
    /// Heard, and all known.
    pub healthy: u32,
    /// Heard, but something fails or gets old.
    pub degraded: u32,
    /// Not heard.
    pub unreachable: u32,
}

/// Regions of whose figures not all is known: as a service was not read to its end yet, fails, or
/// is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LackingDocument {
    /// Regions of whose servers not all is known.
    pub servers: u32,
    /// Regions of whose nodes, with their vCPUs, memory and disk, not all is known.
    pub nodes: u32,
    /// Regions of whose volumes and storage pools not all is known.
    pub volumes: u32,
    /// Regions of whose networks, floating IPs and addresses not all is known.
    pub networks: u32,
}

/// The federation as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverviewDocument {
    /// The hub's time.
    pub now: Time,
    /// Regions in all.
    pub regions: u32,
    /// Regions in each state.
    pub states: StatesDocument,
    /// Sums over all regions.
    pub totals: TotalsDocument,
    /// Of how many regions not all is known that goes into the sums: where it is not 0, they are
    /// what there is at least.
    pub lacking: LackingDocument,
}

impl OverviewDocument {
    /// As shown at `now`.
    pub fn new(shown: &Shown, now: UnixMillis) -> Self {
        use crate::fleet::State;
        let of = |state| shown.counts.of(state);
        let (sums, totals) = (&shown.sums, &shown.sums.totals);
        let lacking = |figures| sums.lacking(figures);
        // One region that knows that it has none makes it a sum.
        let is_unknown = |figures: Figures| {
            let is_known_nowhere = sums.regions > 0 && lacking(figures) == sums.regions;
            is_known_nowhere && figures.is_zero(totals)
        };
        Self {
            now: now.into(),
            regions: shown.counts.registered(),
            states: StatesDocument {
                connecting: of(State::Connecting),
                healthy: of(State::Healthy),
                degraded: of(State::Degraded),
                unreachable: of(State::Unreachable),
            },
            totals: TotalsDocument::known(totals, is_unknown),
            lacking: LackingDocument {
                servers: lacking(Figures::Servers),
                nodes: lacking(Figures::Nodes),
                volumes: lacking(Figures::Volumes),
                networks: lacking(Figures::Networks),
            },
        }
    }
}

/// Which cloud a region is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CloudDocument {
    /// `openstack`, `kubernetes`, `simulated` or `other`.
    pub kind: String,
    /// A line for people.
    pub version: String,
    /// Where its agent reaches its API.
    pub endpoint: String,
}

/// A service of a region's cloud that does not answer, or is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TroubleDocument {
    /// `identity`, `compute`, `placement`, `volume`, `network`, `image` or `kubernetes`.
    pub service: String,
    /// `failing` or `missing`.
    pub state: String,
    /// What was asked, and what came; empty for a missing one.
    pub reason: String,
    /// Since when.
    pub since: Time,
}

impl From<&Service> for TroubleDocument {
    fn from(service: &Service) -> Self {
        let (state, reason) = state_of(&service.state);
        Self {
            service: service.kind.name().to_owned(),
            state: state.to_owned(),
            reason,
            since: service.since.into(),
        }
    }
}

/// A service's state as a word, and its reason.
pub(super) fn state_of(state: &ServiceState) -> (&'static str, String) {
    (state.code(), state.reason().unwrap_or_default().to_owned())
}

/// One region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegionDocument {
    /// Its id, the federation's own: stays when the name changes.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `connecting`, `healthy`, `degraded`, `unreachable` or `removed`.
    pub state: String,
    /// Why, as a word that never changes: `ok`, `service-failing`, `connection-lost` and others.
    pub reason: String,
    /// Names and figures that belong to the reason; may be empty.
    pub detail: String,
    /// Since when state and reason are these.
    pub since: Time,
    /// What to do about it; empty when it is healthy.
    pub next_step: String,
    /// `pending` until the administrator accepted it, then `accepted`.
    pub standing: String,
    /// Whether its agent is connected.
    pub online: bool,
    /// Whether its health and inventory are complete.
    pub complete: bool,
    /// When it joined.
    pub joined: Time,
    /// When its agent was last heard.
    pub last_heard: Time,
    /// When data of it last came; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_from: Option<Time>,
    /// Which cloud it is.
    pub cloud: CloudDocument,
    /// Its agent's release.
    pub software: String,
    /// Its agent's host name.
    pub host: String,
    /// SHA-256 of its agent's key, 64 hexadecimal digits.
    pub key_fingerprint: String,
    /// SHA-256 of the key that passwords and credentials for its agent are sealed to, likewise:
    /// where one region is asked for, and its agent has told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key_fingerprint: Option<String>,
    /// Since when that is its key; absent where that was not noted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key_since: Option<Time>,
    /// When its certificate expires.
    pub certificate_expires: Time,
    /// How often it got a certificate by its key alone.
    pub recoveries: u32,
    /// Services of its cloud that don't answer or are missing.
    pub troubles: Vec<TroubleDocument>,
    /// Its figures. Those of services that fail are as they were told last.
    pub totals: TotalsDocument,
    /// Of which figures not all is known, so that each is null or what there is at least: some of
    /// `servers`, `nodes` (with vCPUs, memory and disk), `volumes` (and storage) and `networks`
    /// (with floating IPs and addresses).
    pub lacking: Vec<String>,
}

impl RegionDocument {
    /// A region as it is shown, whose open session was heard at `heard`, if there is one.
    pub(super) fn new(region: &ShownRegion, heard: Option<UnixMillis>) -> Self {
        let (view, facts) = (&region.view, &region.view.facts);
        let condition = &view.condition;
        Self {
            id: facts.id.to_string(),
            name: facts.name.clone(),
            state: condition.state.code().to_owned(),
            reason: condition.reason.code().to_owned(),
            detail: condition.detail.clone(),
            since: condition.since.into(),
            next_step: view.next_step.clone(),
            standing: match facts.standing {
                Standing::Accepted => "accepted".to_owned(),
                Standing::Pending => "pending".to_owned(),
            },
            online: view.online,
            complete: view.live,
            joined: facts.joined.into(),
            last_heard: facts
                .seen
                .max(region.fresh)
                .max(heard.unwrap_or_default())
                .into(),
            data_from: ever(region.fresh),
            cloud: CloudDocument {
                kind: facts.cloud.kind.name().to_owned(),
                version: facts.cloud.version.clone(),
                endpoint: facts.cloud.endpoint.clone(),
            },
            software: facts.software.clone(),
            host: facts.host.clone(),
            key_fingerprint: facts.fingerprint.to_string(),
            sealing_key_fingerprint: None,
            sealing_key_since: None,
            certificate_expires: UnixMillis::from_secs(facts.not_after).into(),
            recoveries: facts.recoveries,
            troubles: view.troubles.iter().map(Into::into).collect(),
            totals: TotalsDocument::known(&region.totals, |figures| {
                region.lacking.is_unknown(figures, &region.totals)
            }),
            lacking: region
                .lacking
                .all()
                .map(|it| it.name().to_owned())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_a_time() {
        assert_eq!(Time::from(UnixMillis(0)).0, "1970-01-01T00:00:00.000Z");
        let time = UnixMillis(1_795_284_000_050);
        assert_eq!(Time::from(time).0, "2026-11-21T18:00:00.050Z");
        assert!(Time::from(UnixMillis(u64::MAX)).0.starts_with("9999-12-30"));
        assert_eq!(ever(UnixMillis(0)), None);
    }

    #[test]
    fn every_figure_is_told() {
        let figures = std::array::from_fn(|place| place as u64 + 100);
        let document = TotalsDocument::known(&Totals::from_array(figures), |_| false);
        let json = serde_json::to_value(document).unwrap();
        for (name, figure) in Totals::NAMES.iter().zip(figures) {
            assert_eq!(json[name], figure, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_null_and_no_zero() {
        let totals = Totals::default();
        let document = TotalsDocument::known(&totals, |it| it == Figures::Nodes);
        let json = serde_json::to_value(document).unwrap();
        for (name, expected) in [
            ("servers", serde_json::json!(0)),
            ("servers_other", serde_json::json!(0)),
            ("nodes", serde_json::Value::Null),
            ("memory_total_mib", serde_json::Value::Null),
            ("storage_total_gib", serde_json::json!(0)),
        ] {
            assert_eq!(json[name], expected, "{name}");
        }
    }
}
