//! Of which figures of a region not all is known: a sum of nothing looks like none at all.

use shared::model::{ServiceKind, ServiceState, Totals};

/// Figures that are read from the same services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// Servers, with what their flavors give them.
    Servers,
    /// Nodes, with their vCPUs, memory and disk.
    Nodes,
    /// Volumes and storage pools.
    Volumes,
    /// Networks, floating IPs and addresses.
    Networks,
}

impl Figures {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Servers, Self::Nodes, Self::Volumes, Self::Networks];

    /// The word in REST. Never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "servers",
            Self::Nodes => "nodes",
            Self::Volumes => "volumes",
            Self::Networks => "networks",
        }
    }

    /// Whether all of them are zero.
    pub const fn is_zero(self, totals: &Totals) -> bool {
        match self {
            Self::Servers => totals.servers == 0,
            Self::Nodes => totals.nodes == 0,
            Self::Volumes => totals.volumes == 0 && totals.storage_total_gib == 0,
            Self::Networks => totals.networks == 0 && totals.floating_ips == 0,
        }
    }

    const fn service(self) -> ServiceKind {
        match self {
            Self::Servers | Self::Nodes => ServiceKind::Compute,
            Self::Volumes => ServiceKind::Volume,
            Self::Networks => ServiceKind::Network,
        }
    }
}

/// Figures of one region of which not all is known; at first none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lacking([bool; Figures::ALL.len()]);

impl Default for Lacking {
    fn default() -> Self {
        Self([true; Figures::ALL.len()])
    }
}

impl Lacking {
    /// Of a region's totals, by whether its inventory is here to the end, and what was told of each
    /// service.
    pub(super) fn of<'a>(
        totals: &Totals,
        is_live: bool,
        told: impl Fn(ServiceKind) -> Option<&'a ServiceState>,
    ) -> Self {
        Self(Figures::ALL.map(|figures| {
            let is_zero = figures.is_zero(totals);
            // What was read before a service's trouble is kept, and is what is known of it.
            let is_read = match told(figures.service()) {
                None => false,
                Some(ServiceState::Available) => true,
                Some(_) => !is_zero,
            };
            let is_hidden = figures == Figures::Nodes && is_zero && is_silent(told(PLACEMENT));
            !is_live || !is_read || is_hidden
        }))
    }

    /// Whether not all is known of these.
    pub fn has(self, figures: Figures) -> bool {
        // A group's place is its number.
        self.0.get(figures as usize).copied().unwrap_or(true)
    }

    /// Whether nothing is known of these: a zero is none then.
    pub fn is_unknown(self, figures: Figures, totals: &Totals) -> bool {
        self.has(figures) && figures.is_zero(totals)
    }

    /// All of which not all is known.
    pub fn all(self) -> impl Iterator<Item = Figures> {
        Figures::ALL.into_iter().filter(move |it| self.has(*it))
    }
}

/// Says what nodes hold, where there is one that may be asked: else Nova does.
const PLACEMENT: ServiceKind = ServiceKind::Placement;

const fn is_silent(placement: Option<&ServiceState>) -> bool {
    matches!(
        placement,
        Some(ServiceState::Failing { .. } | ServiceState::CredentialRefused { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing() -> ServiceState {
        ServiceState::Failing {
            reason: "503".to_owned(),
        }
    }

    fn lacking(totals: &Totals, told: &[(ServiceKind, ServiceState)]) -> Vec<&'static str> {
        let of = |kind| told.iter().find(|(it, _)| *it == kind).map(|(_, it)| it);
        Lacking::of(totals, true, of)
            .all()
            .map(Figures::name)
            .collect()
    }

    #[test]
    fn a_zero_is_one_only_where_the_service_was_read() {
        use ServiceKind::{Compute, Network, Volume};
        use ServiceState::{Available, Missing};
        let none = Totals::default();
        let all = [
            (Compute, Available),
            (Volume, Available),
            (Network, Available),
        ];
        assert_eq!(
            lacking(&none, &[]),
            ["servers", "nodes", "volumes", "networks"]
        );
        assert!(lacking(&none, &all).is_empty());
        let some = [
            (Compute, failing()),
            (Volume, Missing),
            (Network, Available),
        ];
        assert_eq!(lacking(&none, &some), ["servers", "nodes", "volumes"]);
        let silent = [all.as_slice(), &[(PLACEMENT, failing())]].concat();
        assert_eq!(lacking(&none, &silent), ["nodes"]);
        let without = [all.as_slice(), &[(PLACEMENT, Missing)]].concat();
        assert!(lacking(&none, &without).is_empty());
    }

    #[test]
    fn what_was_read_before_the_trouble_is_known() {
        let totals = Totals {
            servers: 3,
            ..Totals::default()
        };
        let told = [(ServiceKind::Compute, failing())];
        assert_eq!(lacking(&totals, &told), ["nodes", "volumes", "networks"]);
        let of = Lacking::of(&totals, true, |_| None);
        assert!(of.has(Figures::Servers), "it is still being read");
        assert!(!of.is_unknown(Figures::Servers, &totals));
        assert!(of.is_unknown(Figures::Nodes, &totals));
        let all = Lacking::of(&totals, false, |_| Some(&ServiceState::Available));
        assert_eq!(all, Lacking::default());
    }
}
