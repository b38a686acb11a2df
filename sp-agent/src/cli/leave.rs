//! `sp-agent leave`.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use shared::audit::By;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;

use super::ask::{daemon, json, say};
use super::{Failure, LeaveArgs, Output, audit, load};
use crate::config::Purpose;
use crate::membership::{self, Membership, MembershipError};
use crate::status::LeaveTold;
use crate::tasks::Origin;

pub(super) async fn run(origin: &Origin, args: LeaveArgs) -> Result<Exit, Failure> {
    let config = load(origin, Purpose::Ask)?;
    let running = daemon(&config).await?;
    if !args.yes && !confirmed(&config.data_dir)? {
        say("Nothing was changed.")?;
        return Ok(Exit::Failure);
    }
    let told = match running {
        Some(client) => client.leave().await?,
        None => offline(&config.data_dir)?,
    };
    match args.output.output {
        Output::Json => json(&told)?,
        Output::Table => say(&text_of(&told))?,
    }
    Ok(Exit::Success)
}

/// Leaves without a daemon.
fn offline(data_dir: &Path) -> Result<LeaveTold, Failure> {
    let kept = membership::leave(data_dir, Clock::system().unix_millis())?;
    let by = By::new("administrator", "this machine");
    audit::tell(data_dir, membership::left(by, &kept));
    Ok(LeaveTold {
        kept: kept.display().to_string(),
        hub_told: false,
        was_removed: false,
    })
}

fn confirmed(data_dir: &Path) -> Result<bool, Failure> {
    let name = match Membership::load(data_dir) {
        Ok(None) => return Err(MembershipError::NotJoined.into()),
        Ok(Some(membership)) => format!(" as region {}", membership.name),
        // Also what is damaged, or only the daemon may read, can be left.
        Err(_) => String::new(),
    };
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "leaving needs a yes: say --yes, or run this in a terminal",
        ));
    }
    let mut stdout = io::stdout().lock();
    write!(
        stdout,
        "This agent will leave its federation{name}. Nothing in the cloud is touched, but to come \
         back it needs a new invitation. Leave? [y/N] "
    )?;
    stdout.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn text_of(told: &LeaveTold) -> String {
    let hub = match (told.was_removed, told.hub_told) {
        (true, _) => "The hub does not have this region any more.",
        (false, true) => "The hub was told.",
        (false, false) => {
            "The hub was not told: its administrator should run idp-hub region remove."
        }
    };
    format!(
        "Left the federation. {hub}\nThe membership was moved to {}.\nTo join again, ask for a new \
         invitation.",
        told.kept
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hub_that_still_has_the_region_is_to_remove_it() {
        let told = |hub_told, was_removed| {
            text_of(&LeaveTold {
                kept: "/aside".to_owned(),
                hub_told,
                was_removed,
            })
        };
        assert!(told(false, false).contains("idp-hub region remove"));
        assert!(told(true, false).contains("The hub was told."));
        let removed = told(false, true);
        assert!(removed.contains("does not have this region"), "{removed}");
        assert!(!removed.contains("region remove"), "{removed}");
    }
}
