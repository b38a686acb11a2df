//! `cargo xtask cloud list`: which clouds there are, how they fare and what they cost.

use std::collections::BTreeMap;

use serde::Serialize;

use super::connection::Connection;
use super::process::{self, Observed};
use super::service::{self, Service};
use super::state::{CloudDir, State, StateError};
use crate::project::Project;

/// How to print.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON, with addresses and passwords
    #[arg(long)]
    json: bool,
}

/// A cloud as it is now.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    connection: Connection,
    /// Services that should run and do not.
    not_running: Vec<Service>,
    /// Memory of each running service, in KiB, shared pages in proportion.
    memory_kib: BTreeMap<Service, u64>,
}

/// Prints all clouds of this project.
pub(crate) fn run(project: &Project, args: &Args) -> Result<(), ListError> {
    let seen = process::observe();
    let mut clouds = Vec::new();
    for dir in CloudDir::all(&project.openstack_cache)? {
        // It may have been removed since its folder was seen.
        if let Some(state) = dir.load()? {
            clouds.push(look_at(&dir, &state, &seen));
        }
    }
    if args.json {
        println!(
            "{:#}",
            serde_json::to_value(&clouds).map_err(ListError::Json)?
        );
        return Ok(());
    }
    if clouds.is_empty() {
        eprintln!("there are no clouds; `cargo xtask cloud up` brings one up");
    }
    for cloud in &clouds {
        println!("{}", line(cloud));
    }
    Ok(())
}

fn look_at(dir: &CloudDir, state: &State, seen: &[Observed]) -> Listed {
    let mut memory_kib = BTreeMap::new();
    for one in &state.processes {
        let pids = process::living(seen, one, &dir.of_service(one.service));
        if !pids.is_empty() {
            memory_kib.insert(one.service, pids.into_iter().map(process::memory_kib).sum());
        }
    }
    Listed {
        connection: Connection::new(state, &dir.path()),
        not_running: dir.dead(state, seen),
        memory_kib,
    }
}

fn line(cloud: &Listed) -> String {
    let fares = match cloud.not_running.as_slice() {
        [] => "running".to_owned(),
        _ if cloud.memory_kib.is_empty() => "stopped".to_owned(),
        some => format!("without {}", service::list(some)),
    };
    let memory_mib = cloud.memory_kib.values().sum::<u64>() / 1024;
    format!("{}  {fares}  {memory_mib} MiB", cloud.connection)
}

/// Why clouds can't be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    /// A cloud's state can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// They can't be printed.
    #[error("cannot print the clouds as JSON")]
    Json(#[source] serde_json::Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn listed(not_running: &[Service], memory_kib: &[(Service, u64)]) -> Listed {
        Listed {
            connection: Connection::new(&State::example(), Path::new("/clouds/a")),
            not_running: not_running.to_vec(),
            memory_kib: memory_kib.iter().copied().collect(),
        }
    }

    #[test]
    fn a_line_says_how_the_cloud_fares() {
        let whole = line(&listed(
            &[],
            &[(Service::Keystone, 2048), (Service::Nova, 1024)],
        ));
        assert!(whole.ends_with("running  3 MiB"), "{whole}");
        let partly = line(&listed(&[Service::Nova], &[(Service::Keystone, 2048)]));
        assert!(partly.ends_with("without nova  2 MiB"), "{partly}");
        let none = line(&listed(&Service::ALL, &[]));
        assert!(none.ends_with("stopped  0 MiB"), "{none}");
    }
}
