//! Why a region is in its state, and what an operator does about it.

use shared::foreign::word;

macro_rules! reasons {
    ($($(#[$doc:meta])* $reason:ident = $code:literal, $next_step:literal;)*) => {
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

            /// The next step, with `{name}` where the region's name stands.
            const fn template(self) -> &'static str {
                match self {
                    $(Self::$reason => $next_step,)*
                }
            }
        }
    };
}

reasons! {
    /// Nothing is wrong.
    Ok = "ok", "";
    /// It has a certificate since a moment ago; its first session is due.
    Joining = "joining",
        "Nothing to do: the agent connects by itself within a minute.";
    /// The hub started a moment ago, and the agent is on its way back.
    HubRestarted = "hub-restarted",
        "Nothing to do: the agent connects by itself within a minute.";
    /// The hub's administrator has not confirmed it yet.
    AwaitingAcceptance = "awaiting-acceptance",
        "Compare the key fingerprint with the one that `sp-agent status` shows in the region, then \
         run `idp-hub region accept {name}`.";
    /// What it has is being sent for the first time.
    FirstSync = "first-sync",
        "Nothing to do: the inventory is on its way.";
    /// The hub had no room for its session.
    HubBusy = "hub-busy",
        "Nothing to do at first: the agent tries again by itself. If it lasts, give the hub a \
         larger machine, or put another hub between.";
    /// Its agent said that it stops.
    AgentStopped = "agent-stopped",
        "Start the agent in the region: `systemctl start sp-agent`. If it is being upgraded, wait.";
    /// The connection broke.
    ConnectionLost = "connection-lost",
        "Check the network from the region to this hub (UDP, port 7443 by default), then the \
         agent: `sp-agent status` in the region says what it meets.";
    /// Sessions end again and again.
    Unstable = "unstable",
        "Check the network path (UDP, port 7443 by default, MTU, a firewall that forgets \
         sessions), and that no copy of the agent's machine runs with the same key.";
    /// An API of its cloud does not answer.
    ServiceFailing = "service-failing",
        "Check the named service in the region's cloud; the detail says what the agent asked and \
         what came.";
    /// Its Keystone gives its agent no token.
    CredentialRefused = "credential-refused",
        "Find out what became of the account (its password, whether it is switched on, its role), \
         then give the agent a credential that works: `idp-hub region credential {name}`, or in \
         the region `sp-agent credential set`. If it was mended in Keystone alone: `systemctl \
         reload sp-agent` in the region.";
    /// Its agent may not read what it has to.
    RightsMissing = "rights-missing",
        "Give the agent's account in the region's cloud the role admin again, or give the agent \
         another account: `idp-hub region credential {name}`. `sp-agent check` in the region names \
         all that is forbidden.";
    /// Its cloud has no such service, so that its part is unknown.
    ServiceMissing = "service-missing",
        "Install the named service, or register it in the region's Keystone catalog; until then \
         its part of the figures is unknown, not zero.";
    /// Its agent can't keep anything new.
    SpoolFailing = "spool-failing",
        "Free some room on the disk of the agent's machine, or mend what the detail names; \
         `sp-agent status` in the region says the same. Until then nothing new of the region is \
         kept or reported; afterwards the agent goes on by itself.";
    /// It has more to report than the hub takes of one region.
    RegionFull = "region-full",
        "Find out what fills the region's cloud, and remove it there. If all of it is wanted, \
         raise limits.region_records_max in this hub's hub.toml and run `systemctl restart \
         idp-hub`.";
    /// Its agent is heard, but reports nothing.
    FeedStalled = "feed-stalled",
        "Run `sp-agent status` in the region: it says which collector hangs. Restarting it \
         (`systemctl restart sp-agent`) loses nothing.";
    /// It takes too long until what it has is here.
    SyncSlow = "sync-slow",
        "Run `sp-agent status` in the region: it says how far collecting and sending have got. A \
         slow cloud API or a narrow line are the usual causes.";
    /// Its certificate ends soon, and was not renewed in time.
    CertificateExpiring = "certificate-expiring",
        "Compare the clocks of both machines (`timedatectl`), then look for the renewal's error in \
         `journalctl -u sp-agent` in the region. The agent renews by itself.";
    /// Its certificate has ended, and only the open session goes on.
    CertificateExpired = "certificate-expired",
        "Compare the clocks of both machines (`timedatectl`), then look for the renewal's error in \
         `journalctl -u sp-agent` in the region. The agent recovers by its key.";
    /// Nothing was heard for too long.
    Silent = "silent",
        "Check whether the agent's machine runs (`systemctl status sp-agent` in the region), then \
         the network to this hub (UDP, port 7443 by default). The region's cloud serves on by \
         itself.";
    /// It joined, but no session ever came.
    NeverConnected = "never-connected",
        "Start the agent in the region (`systemctl start sp-agent`), and check that this \
         hub's UDP port (7443 by default) is open to it.";
    /// It was here before the hub's restart, and has not come back.
    NotBack = "not-back",
        "Check the agent in the region (`systemctl status sp-agent`), and that it still finds this \
         hub's address (`sp-agent status`).";
    /// Its administrator took it out of the federation.
    AgentLeft = "agent-left",
        "Run `idp-hub region remove {name}` to agree; if it should come back, remove it and invite \
         it again with `idp-hub region invite {name}`.";
    /// No protocol version in common.
    RefusedVersion = "refused-version",
        "Upgrade the older of both sides: the hub and the agent may be one protocol version apart, \
         not two.";
    /// Its agent follows another federation.
    RefusedFederation = "refused-federation",
        "The agent follows another federation. To take it back, run `idp-hub region remove \
         {name}` and `idp-hub region invite {name}`, and in the region `sp-agent leave`, then \
         `sp-agent join` with that invitation.";
    /// Its agent follows a higher epoch than this hub's.
    RefusedEpoch = "refused-epoch",
        "Another hub has taken over this federation at a higher epoch: use that hub, and stop this \
         one.";
    /// Its agent sent what the protocol does not allow, or did not greet.
    ProtocolError = "protocol-error",
        "Look into `journalctl -u sp-agent` in the region, compare both releases, and report it \
         with both logs: this should not happen.";
    /// The hub's administrator removed it.
    Removed = "removed",
        "Nothing to do. To bring it back, run `idp-hub region invite {name}`, and in the region \
         `sp-agent leave`, then `sp-agent join` with that invitation.";
}

impl Reason {
    /// What an operator does about it: a sentence, with the command where there is one. Empty for
    /// [`Reason::Ok`] only.
    pub fn next_step(self, region_name: &str) -> String {
        self.template().replace("{name}", &word(region_name))
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
            assert!(
                !step.contains(['{', '\n']) && !step.contains("  "),
                "{code}: {step}"
            );
        }
    }

    #[test]
    fn a_command_takes_any_name_as_one_word() {
        for (name, shown) in [
            ("main", "main"),
            ("北京-1", "北京-1"),
            ("two words", "'two words'"),
            ("it's; rm", r"'it'\''s; rm'"),
            ("", "''"),
        ] {
            assert_eq!(word(name), shown);
            let step = Reason::AwaitingAcceptance.next_step(name);
            assert!(step.contains(&format!("accept {shown}`")), "{step}");
        }
    }
}
