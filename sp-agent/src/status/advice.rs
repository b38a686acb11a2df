//! What to do next, in each state. Pure.

use std::path::Path;

use shared::wire::frame::Refusal;

use super::allegiance::Allegiance;

/// What the operator should do, if anything.
pub(super) fn next_step(allegiance: &Allegiance, name: &str) -> Option<String> {
    match allegiance {
        Allegiance::Following { .. } => None,
        Allegiance::Unjoined => Some(
            "Ask a hub's administrator for an invitation (idp-hub region invite NAME), then run: \
             sp-agent join --hub HOST:PORT -"
                .to_owned(),
        ),
        Allegiance::Damaged { .. } => Some(
            "Restore the data directory from a backup, or run: sp-agent leave; then join again"
                .to_owned(),
        ),
        Allegiance::Pending { .. } => Some(format!(
            "Ask the hub's administrator to compare the key and run: idp-hub region accept {name}"
        )),
        Allegiance::Autonomous { refusal, .. } => Some(reach_hub(*refusal)),
    }
}

/// What the operator of an agent that waits to be adopted at this port should do.
pub(super) fn adopted_at(port: u16) -> String {
    format!(
        "Have a hub's administrator run: idp-hub region adopt NAME THIS_MACHINE:{port}, and \
         compare the key above with what it shows. Or join with an invitation: sp-agent join --hub \
         HOST:PORT -"
    )
}

/// What the operator of an agent that can't write its spool should do.
pub(super) fn writable_again(spool: &Path) -> String {
    format!(
        "Free some room for {}, or make it writable again, as the spool's line above says: until \
         then nothing new is kept or reported; afterwards the agent goes on by itself",
        spool.display()
    )
}

fn reach_hub(refusal: Option<Refusal>) -> String {
    match refusal {
        Some(Refusal::Removed) => {
            "The hub has removed this region. To come back, run: sp-agent leave; then: sp-agent \
             join, with a new invitation (idp-hub region invite NAME)"
        }
        Some(Refusal::Unknown) => {
            "The hub does not know this region: perhaps it was restored from an older backup. Ask \
             its administrator for a new invitation, then run: sp-agent leave; then sp-agent join. \
             Nothing in the cloud is touched"
        }
        Some(Refusal::Version) => "Upgrade the older one of hub and agent",
        Some(Refusal::Federation) => {
            "The address leads to a hub of another federation. Correct hub.addresses, or run: \
             sp-agent leave; then join again"
        }
        Some(Refusal::StaleEpoch) => {
            "The address leads to a hub that was superseded. Have its administrator stop it, or \
             set hub.addresses to the new one"
        }
        Some(Refusal::Busy) => "Nothing: the agent tries again when the hub asked it to",
        Some(Refusal::Protocol | Refusal::Other(_)) => {
            "See the hub's log for this region, and upgrade the older one of hub and agent"
        }
        None => {
            "Nothing, if the hub is down: the agent keeps everything and goes on trying. \
             Otherwise check the hub's address, and that its UDP port is open on the way"
        }
    }
    .to_owned()
}
