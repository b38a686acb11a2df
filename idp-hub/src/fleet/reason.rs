//! Why a region is in its state, and what an operator does about it.

use std::borrow::Cow;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $code:literal,)*) => {
        /// Why a region is in its state.
        ///
        /// The console translates by [`code`](Self::code); the English is made here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $reason,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$reason),*];

            /// The word in REST, metrics and logs. Never changes.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$reason => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// Nothing is wrong.
    Ok = "ok",
    /// It has a certificate since a moment ago; its first session is due.
    Joining = "joining",
    /// The hub started a moment ago, and the agent is on its way back.
    HubRestarted = "hub-restarted",
    /// The hub's administrator has not confirmed it yet.
    AwaitingAcceptance = "awaiting-acceptance",
    /// What it has is being sent for the first time.
    FirstSync = "first-sync",
    /// The hub had no room for its session.
    HubBusy = "hub-busy",
    /// Its agent said that it stops.
    AgentStopped = "agent-stopped",
    /// The connection broke.
    ConnectionLost = "connection-lost",
    /// Sessions end again and again.
    Unstable = "unstable",
    /// An API of its cloud does not answer.
    ServiceFailing = "service-failing",
    /// Its cloud has no such service, so that its part is unknown.
    ServiceMissing = "service-missing",
    /// Its agent is heard, but reports nothing.
    FeedStalled = "feed-stalled",
    /// It takes too long until what it has is here.
    SyncSlow = "sync-slow",
    /// Its certificate ends soon, and was not renewed in time.
    CertificateExpiring = "certificate-expiring",
    /// Its certificate has ended, and only the open session goes on.
    CertificateExpired = "certificate-expired",
    /// Nothing was heard for too long.
    Silent = "silent",
    /// It joined, but no session ever came.
    NeverConnected = "never-connected",
    /// It was here before the hub's restart, and has not come back.
    NotBack = "not-back",
    /// Its administrator took it out of the federation.
    AgentLeft = "agent-left",
    /// No protocol version in common.
    RefusedVersion = "refused-version",
    /// Its agent showed another key than the registered one.
    RefusedKey = "refused-key",
    /// Its agent follows another federation.
    RefusedFederation = "refused-federation",
    /// Its agent follows a higher epoch than this hub's.
    RefusedEpoch = "refused-epoch",
    /// Its agent sent what the protocol does not allow, or greets without end.
    ProtocolError = "protocol-error",
    /// The hub's administrator removed it.
    Removed = "removed",
}

impl Reason {
    /// What an operator does about it: a sentence, with the command where there is one. Empty for
    /// [`Reason::Ok`] only.
    pub fn next_step(self, region_name: &str) -> String {
        let name = quoted(region_name);
        match self {
            Self::Ok => "",
            Self::Joining | Self::HubRestarted => {
                "Nothing to do: the agent connects by itself within a minute."
            }
            Self::AwaitingAcceptance => {
                return format!(
                    "Compare the key fingerprint with the one that `sp-agent status` shows in the \
                     region, then run `idp-hub region accept {name}`."
                );
            }
            Self::FirstSync => "Nothing to do: the inventory is on its way.",
            Self::HubBusy => {
                "Nothing to do at first: the agent tries again by itself. If it lasts, give the \
                 hub a larger machine, or put another hub between."
            }
            Self::AgentStopped => {
                "Start the agent in the region: `systemctl start sp-agent`. If it is being \
                 upgraded, wait."
            }
            Self::ConnectionLost => {
                "Check the network from the region to this hub (UDP port 7443), then the agent: \
                 `sp-agent status` in the region says what it meets."
            }
            Self::Unstable => {
                "Check the network path (UDP port 7443, MTU, a firewall that forgets sessions), and \
                 that no copy of the agent's machine runs with the same key."
            }
            Self::ServiceFailing => {
                "Check the named service in the region's cloud; the detail says what the agent \
                 asked and what came."
            }
            Self::ServiceMissing => {
                "Install the named service, or register it in the region's Keystone catalog; until \
                 then its part of the figures is unknown, not zero."
            }
            Self::FeedStalled => {
                "Run `sp-agent status` in the region: it says which collector hangs. Restarting it \
                 (`systemctl restart sp-agent`) loses nothing."
            }
            Self::SyncSlow => {
                "Run `sp-agent status` in the region: it says how far collecting and sending have \
                 got. A slow cloud API or a narrow line are the usual causes."
            }
            Self::CertificateExpiring | Self::CertificateExpired => {
                "Compare the clocks of both machines (`timedatectl`), then look for the renewal's \
                 error in `journalctl -u sp-agent` in the region. The agent renews by itself."
            }
            Self::Silent => {
                "Check whether the agent's machine runs (`systemctl status sp-agent` in the region), \
                 then the network to this hub (UDP port 7443). The region's cloud serves on by \
                 itself."
            }
            Self::NeverConnected => {
                "Start the agent in the region (`systemctl start sp-agent`), and check that UDP \
                 port 7443 of this hub is open to it."
            }
            Self::NotBack => {
                "Check the agent in the region (`systemctl status sp-agent`), and that it still \
                 finds this hub's address (`sp-agent status`)."
            }
            Self::AgentLeft => {
                return format!(
                    "Run `idp-hub region remove {name}` to agree; if it should come back, remove \
                     it and invite it again with `idp-hub region invite {name}`."
                );
            }
            Self::RefusedVersion => {
                "Upgrade the older of both sides: the hub and the agent may be one protocol version \
                 apart, not two."
            }
            Self::RefusedKey => {
                return format!(
                    "If the agent was installed anew on purpose, run `idp-hub region remove \
                     {name}` and `idp-hub region invite {name}`, and join again; if not, someone \
                     holds an old certificate: find out who."
                );
            }
            Self::RefusedFederation => {
                return format!(
                    "The agent follows another federation. To take it over, run `idp-hub region \
                     invite {name}` and `sp-agent join` with that token in the region; else run \
                     `idp-hub region remove {name}`."
                );
            }
            Self::RefusedEpoch => {
                "Another hub has taken over this federation at a higher epoch: use that hub, and \
                 stop this one."
            }
            Self::ProtocolError => {
                "Look into `journalctl -u sp-agent` in the region, compare both releases, and \
                 report it with both logs: this should not happen."
            }
            Self::Removed => {
                return format!(
                    "Nothing to do. To bring it back, run `idp-hub region invite {name}`, and join \
                     again in the region."
                );
            }
        }
        .to_owned()
    }
}

/// A name as a POSIX shell takes it for one word.
fn quoted(name: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("'{}'", name.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_of_their_own_and_each_says_what_to_do() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|it| it.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let code = reason.code();
            assert!(
                code.bytes().all(|b| b == b'-' || b.is_ascii_lowercase()),
                "{code}"
            );
            let step = reason.next_step("main");
            assert_eq!(step.is_empty(), *reason == Reason::Ok, "{code}: {step}");
            assert!(step.is_empty() || step.ends_with('.'), "{code}: {step}");
        }
    }

    #[test]
    fn a_command_takes_any_name_as_one_word() {
        for (name, word) in [
            ("main", "main"),
            ("北京-1", "北京-1"),
            ("two words", "'two words'"),
            ("it's; rm", r"'it'\''s; rm'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(name), word);
            let step = Reason::AwaitingAcceptance.next_step(name);
            assert!(step.contains(&format!("accept {word}`")), "{step}");
        }
    }
}
