//! Makes a copy of the seeds a cloud of its own, through `packaging/openstack/rig/adopt.py`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::release::Release;
use super::seed::{CELLS, cell_address};
use super::service::Service;
use super::state::State;
use crate::run::{self, RunError};

/// What adopt.py is told; its docstring explains the fields.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Order<'a> {
    dir: &'a Path,
    admin_password: &'a str,
    service_password: &'a str,
    endpoints: BTreeMap<&'static str, String>,
    cells: BTreeMap<&'static str, String>,
}

impl<'a> Order<'a> {
    fn new(state: &'a State, folder: &'a Path) -> Self {
        let endpoints = state.services.iter().flat_map(|service| {
            let port = service.port(state.port);
            let entry = move |(kind, path): &(&'static str, &'static str)| {
                (*kind, format!("http://127.0.0.1:{port}{path}"))
            };
            service.catalog().iter().map(entry)
        });
        let nova = folder.join(Service::Nova.name());
        let cells = CELLS
            .into_iter()
            .filter(|_| state.services.contains(&Service::Nova))
            .map(|cell| (cell, cell_address(&nova, cell)));
        Self {
            dir: folder,
            admin_password: &state.admin_password,
            service_password: &state.service_password,
            endpoints: endpoints.collect(),
            cells: cells.collect(),
        }
    }
}

/// Gives the databases in `folder` new ids, keys, passwords and addresses.
pub(crate) fn adopt(
    assets: &Path,
    release: &Release,
    state: &State,
    folder: &Path,
) -> Result<(), AdoptError> {
    let order = serde_json::to_vec(&Order::new(state, folder)).map_err(AdoptError::Order)?;
    let log = folder.join("adopt.log");
    let mut command = Command::new(release.program("python"));
    command
        .arg(assets.join("rig/adopt.py"))
        .stdin(Stdio::piped());
    let mut child = run::spawn_logged(&mut command, &log).map_err(AdoptError::Run)?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(&order).map_err(AdoptError::Tell)?;
    }
    run::finish(&command, &mut child, &log).map_err(AdoptError::Run)
}

/// Why the copy is not a cloud of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdoptError {
    /// The order can't be written down.
    #[error("cannot write the order for adopt.py")]
    Order(#[source] serde_json::Error),
    /// The order can't be passed.
    #[error("cannot pass the order to adopt.py")]
    Tell(#[source] io::Error),
    /// The script failed.
    #[error("cannot give the cloud its own ids and keys")]
    Run(#[source] RunError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_names_the_services_that_the_cloud_has() {
        let mut state = State::example();
        state.services = vec![Service::Keystone, Service::Cinder];
        let order = Order::new(&state, Path::new("/clouds/a"));
        let endpoints = [
            ("block-storage", "http://127.0.0.1:15004/v3"),
            ("identity", "http://127.0.0.1:15000/v3"),
            ("volumev3", "http://127.0.0.1:15004/v3"),
        ];
        assert_eq!(
            order.endpoints,
            endpoints.map(|(kind, url)| (kind, url.to_owned())).into()
        );
        assert!(order.cells.is_empty());

        state.services = Service::ALL.to_vec();
        let order = Order::new(&state, Path::new("/clouds/a"));
        let cell0 = "sqlite:////clouds/a/nova/nova_cell0.db?timeout=60";
        assert_eq!(order.cells.get("cell0").unwrap(), cell0);
        assert_eq!(
            order.endpoints.get("compute").unwrap(),
            "http://127.0.0.1:15002/v2.1"
        );
    }
}
