//! `sp-agent join`.

use std::io::{self, BufRead, IsTerminal, Read};
use std::time::Duration;

use shared::audit::By;
use shared::model::CloudDescription;
use shared::pki::JoinToken;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;
use shared::runtime::errors::chain;
use shared::transport::DialOptions;

use super::ask::{daemon, json, say};
use super::{Failure, JoinArgs, Output, audit, load};
use crate::cloud::Cloud;
use crate::cloud::openstack::OpenStack;
use crate::cloud::simulated::Simulated;
use crate::config::{CloudConfig, Config, Purpose};
use crate::join::{self, Request};
use crate::status::{JoinAsked, JoinTold};
use crate::tasks::Origin;

/// The most read of a line of standard input, in bytes: a token has 123.
const TOKEN_BYTES_MAX: u64 = 1024;

/// How long a cloud may take to say what it is. A join goes on without it.
const DESCRIBE_MAX: Duration = Duration::from_secs(20);

pub(super) async fn run(origin: &Origin, args: JoinArgs) -> Result<Exit, Failure> {
    let text = match args.token.as_str() {
        "-" => from_stdin()?,
        _ => args.token,
    };
    let token: JoinToken = text.parse().map_err(Failure::usage)?;
    let config = load(origin, Purpose::Ask)?;
    let running = daemon(&config).await?;
    let told = match &running {
        Some(client) => {
            let asked = JoinAsked {
                token: text,
                hubs: args.hubs.iter().map(ToString::to_string).collect(),
            };
            client.join(&asked).await?
        }
        None => offline(origin, &config, token, args.hubs).await?,
    };
    match args.output.output {
        Output::Json => json(&told)?,
        Output::Table => say(&text_of(&told, running.is_some()))?,
    }
    Ok(Exit::Success)
}

/// The first line of standard input; whoever types it there is asked for it.
fn from_stdin() -> Result<String, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        eprint!("Token: ");
    }
    let mut text = String::new();
    stdin.lock().take(TOKEN_BYTES_MAX).read_line(&mut text)?;
    Ok(text)
}

/// Joins without a daemon: it finds the membership when it starts.
async fn offline(
    origin: &Origin,
    config: &Config,
    token: JoinToken,
    hubs: Vec<shared::host_port::HostPort>,
) -> Result<JoinTold, Failure> {
    let described = describe(origin).await;
    let request = Request {
        token,
        addresses: if hubs.is_empty() {
            config.hub.addresses.clone()
        } else {
            hubs
        },
        data_dir: config.data_dir.clone(),
        description: described.as_ref().ok().cloned(),
        dial: DialOptions {
            congestion: config.hub.congestion,
            ..DialOptions::default()
        },
    };
    let joined = join::join(request).await?;
    let by = By::new("administrator", "this machine");
    audit::tell(&config.data_dir, joined.act(by, "join"));
    let warning = described.err();
    Ok(JoinTold::new(
        &joined,
        warning.map(|it| format!("the cloud can't be described: {it}")),
    ))
}

/// What the cloud is. This command may not have what systemd gives to the daemon, so any fault is
/// only worth a warning.
async fn describe(origin: &Origin) -> Result<CloudDescription, String> {
    let config =
        load(origin, Purpose::Run).map_err(|failure| chain(&*failure.error).to_string())?;
    let clock = Clock::system();
    let cloud: Box<dyn Cloud> = match config.cloud {
        Some(CloudConfig::OpenStack(options)) => {
            let cloud = OpenStack::new(&options, clock);
            Box::new(cloud.map_err(|error| chain(&error).to_string())?)
        }
        Some(CloudConfig::Simulated(plan)) => Box::new(Simulated::new(plan, clock)),
        None => return Err("none is configured".to_owned()),
    };
    match tokio::time::timeout(DESCRIBE_MAX, cloud.describe()).await {
        Ok(described) => described.map_err(|error| chain(&error).to_string()),
        Err(_) => Err(format!("no answer within {} s", DESCRIBE_MAX.as_secs())),
    }
}

fn text_of(told: &JoinTold, is_running: bool) -> String {
    let name = &told.name;
    let mut text = format!(
        "Joined as region {name}.\n\n  region      {}\n  federation  {}\n  key         {}\n\n",
        told.region, told.federation, told.key
    );
    if let Some(warning) = &told.warning {
        text += &format!("Warning: {warning}\nTry: sp-agent check\n\n");
    }
    text += "Next:\n";
    if !is_running {
        text += "- Start the agent: systemctl enable --now sp-agent\n";
    }
    text += &format!(
        "- Ask the hub's administrator to compare the key above, and to run: idp-hub region accept \
         {name}\n- See how it goes: sp-agent status\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_next_is_said() {
        let told = JoinTold {
            name: "east".to_owned(),
            region: "r-id".to_owned(),
            federation: "f-id".to_owned(),
            key: "c0ffee".to_owned(),
            warning: Some("the cloud can't be described: no answer".to_owned()),
        };
        let text = text_of(&told, false);
        assert_eq!(
            text,
            "Joined as region east.\n\n  region      r-id\n  federation  f-id\n  key         c0ffee\
             \n\nWarning: the cloud can't be described: no answer\nTry: sp-agent check\n\nNext:\n\
             - Start the agent: systemctl enable --now sp-agent\n\
             - Ask the hub's administrator to compare the key above, and to run: idp-hub region \
             accept east\n- See how it goes: sp-agent status\n"
        );
        assert!(!text_of(&told, true).contains("systemctl"));
    }
}
