//! Section by section: names, defaults, and what each setting must be by itself.

use std::net::SocketAddr;
use std::time::Duration;

use shared::host_port::HostPort;
use shared::runtime::errors::chain;
use shared::runtime::logs::check_filter;
use shared::runtime::settings::Table;
use shared::transport::Congestion;

use super::{
    CloudConfig, Config, Credential, HostConfig, HubConfig, Purpose, Surroundings, checks,
    openstack, policy, simulated,
};
use crate::collect;

const DATA_DIR_DEFAULT: &str = "/var/lib/sp-agent";
const SOCKET_DEFAULT: &str = "/run/sp-agent/agent.sock";

/// As many as a membership keeps: a hub and its standbys, each under two names.
const ADDRESSES_MAX: usize = 16;

/// As many file systems as are told of a machine.
const MOUNTS_MAX: usize = 64;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The spool keeps 4,096 samples; with fewer seconds between them they would not last eight hours.
const SAMPLE_MIN: Duration = Duration::from_secs(8);

pub(super) fn root(mut root: Table<'_>, purpose: Purpose, surroundings: &Surroundings) -> Config {
    let data_dir = root
        .path("data_dir", DATA_DIR_DEFAULT)
        .or(DATA_DIR_DEFAULT.into());
    let socket = root
        .path("socket", SOCKET_DEFAULT)
        .or(SOCKET_DEFAULT.into());
    checks::socket_path(&socket);
    if purpose == Purpose::Run {
        checks::data_dir(&data_dir);
    }
    let mut policy = policy::read(root.section("policy"));
    let mut cloud = cloud(root.section("cloud"), purpose, surroundings);
    match &mut cloud {
        Some(CloudConfig::OpenStack(options)) => options.policy.clone_from(&policy),
        // Its organization follows from the seed alone: each order would fail, for ever.
        Some(CloudConfig::Simulated(_)) => policy.read_only = true,
        None => {}
    }
    Config {
        data_dir: data_dir.value,
        socket: socket.value,
        hub: hub(root.section("hub")),
        log: log(root.section("log")),
        metrics: metrics(root.section("metrics")),
        adoption: adoption(root.section("adoption")),
        host: host(root.section("host")),
        cloud,
        collect: collect(root.section("collect")),
        policy,
        credential: Credential::default(),
        asked: 0,
    }
}

fn hub(mut table: Table<'_>) -> HubConfig {
    let given = table.texts("addresses", "hub.example.org:7443");
    if given
        .value
        .as_ref()
        .is_some_and(|list| list.len() > ADDRESSES_MAX)
    {
        let what = format!("has more than {ADDRESSES_MAX} addresses");
        given.fault(what, "remove some");
    }
    let mut addresses = Vec::new();
    for address in given.value.into_iter().flatten() {
        match address.value.parse::<HostPort>() {
            Ok(right) => addresses.push(right),
            Err(error) => address.fault(
                format!("{:?} {error}", address.value),
                "write \"hub.example.org:7443\"",
            ),
        }
    }
    let words = [("bbr", Congestion::Bbr), ("cubic", Congestion::Cubic)];
    let congestion = table.choice("congestion", &words).or(Congestion::Bbr).value;
    HubConfig {
        addresses,
        congestion,
    }
}

fn log(mut table: Table<'_>) -> Option<String> {
    let level = table.text("level", "info");
    level
        .try_map(|filter| match check_filter(None, Some(&filter)) {
            Ok(_) => Ok(filter),
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let what = cause.map_or_else(String::new, |it| format!(": {}", chain(it)));
                let what = format!("is no log filter{what}");
                Err((
                    what,
                    "write \"info\", or \"info,sp_agent=debug\"".to_owned(),
                ))
            }
        })
        .value
}

fn metrics(mut table: Table<'_>) -> Option<SocketAddr> {
    table.address("listen", "127.0.0.1:9444").value
}

fn adoption(mut table: Table<'_>) -> Option<SocketAddr> {
    const EXAMPLE: &str = "[::]:7444";
    let listen = table.address("listen", EXAMPLE);
    // The hub's administrator enters it, so the system may not pick one.
    if listen.value.is_some_and(|address| address.port() == 0) {
        listen.fault("has port 0", format!("write \"{EXAMPLE}\""));
    }
    listen.value
}

fn host(mut table: Table<'_>) -> HostConfig {
    let given = table.texts("mounts", "/var/lib/nova");
    if given
        .value
        .as_ref()
        .is_some_and(|list| list.len() > MOUNTS_MAX)
    {
        let what = format!("has more than {MOUNTS_MAX} mount points");
        given.fault(what, "remove some");
    }
    let mounts = given.value.map(|list| {
        let absolute = list.into_iter().filter(|mount| {
            let right = mount.value.starts_with('/');
            if !right {
                let what = format!("{:?} is no absolute path", mount.value);
                mount.fault(what, "write a mount point such as \"/var/lib/nova\"");
            }
            right
        });
        absolute.map(|mount| mount.value).collect()
    });
    HostConfig { mounts }
}

/// What the kinds of clouds are called.
#[derive(Clone, Copy)]
enum Kind {
    OpenStack,
    Simulated,
}

fn cloud(
    mut table: Table<'_>,
    purpose: Purpose,
    surroundings: &Surroundings,
) -> Option<CloudConfig> {
    let words = [
        ("openstack", Kind::OpenStack),
        ("simulated", Kind::Simulated),
    ];
    let kind = table.choice("kind", &words);
    if purpose == Purpose::Ask {
        table.allow(&["openstack", "simulated"]);
        return None;
    }
    let kind = kind.required("write [cloud] and kind = \"openstack\" or kind = \"simulated\"");
    // The other kind's settings may stay in the file; nobody looks at them.
    table.allow(&["openstack", "simulated"]);
    // A kind that is wrong or missing hides no fault of the section that is meant.
    let kind = kind.value.or_else(|| meant(&table, &words))?;
    match kind {
        Kind::OpenStack => openstack::read(table.section("openstack"), surroundings)
            .map(|options| CloudConfig::OpenStack(Box::new(options))),
        Kind::Simulated => simulated::read(table.section("simulated")).map(CloudConfig::Simulated),
    }
}

/// The kind whose name is near, or else whose section is the only one.
fn meant(table: &Table<'_>, words: &[(&str, Kind)]) -> Option<Kind> {
    let mut given = words.iter().filter(|(word, _)| table.has(word));
    let only = match (given.next(), given.next()) {
        (Some((_, kind)), None) => Some(*kind),
        _ => None,
    };
    table.meant("kind", words).or(only)
}

fn collect(mut table: Table<'_>) -> collect::Options {
    let mut options = collect::Options::default();
    let mut set = |key, bounds, to: &mut Duration| {
        *to = table.duration(key, bounds).or(*to).value;
    };
    set("changes", SECOND..=HOUR, &mut options.changes);
    set("audit", 10 * SECOND..=DAY, &mut options.audit);
    set("quota", 10 * SECOND..=DAY, &mut options.quota);
    set("organization", 10 * SECOND..=DAY, &mut options.organization);
    set("probe", 2 * SECOND..=HOUR, &mut options.probe);
    set("sample", SAMPLE_MIN..=HOUR, &mut options.sample);
    options
}
