//! Reads the configuration again on SIGHUP.

use std::path::PathBuf;

use shared::runtime::daemon::ReloadListener;
use shared::runtime::errors::chain;
use shared::runtime::logs;
use shared::runtime::shutdown::Shutdown;

use crate::cli::load;
use crate::config::{Config, ConfigError, Purpose};

/// The task that hears of reloads. What is logged changes at once; for the rest it says what waits
/// for a restart, before somebody wonders.
pub(super) struct Settings {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) reload: ReloadListener,
}

impl Settings {
    pub(super) async fn run(mut self, shutdown: Shutdown) {
        while shutdown
            .until_draining(self.reload.requested())
            .await
            .is_some()
        {
            let path = self.path.clone();
            let read = move || load(&path, Purpose::Serve);
            match tokio::task::spawn_blocking(read).await {
                Ok(read) => self.take(read),
                // The runtime stops.
                Err(_) => return,
            }
        }
    }

    fn take(&self, read: Result<Config, ConfigError>) {
        let config = match read {
            Ok(config) => config,
            Err(error) => {
                let told = chain(&error);
                tracing::error!("the configuration is not taken, the old one holds: {told}");
                return;
            }
        };
        if let Err(error) = logs::change_filter(config.log.as_deref()) {
            tracing::error!(error = %chain(&error), "the changed log level is not taken");
        }
        for part in waiting(&self.config, &config) {
            tracing::warn!("{part} has changed, which takes a restart: systemctl restart idp-hub");
        }
        tracing::info!("the configuration was read again");
    }
}

/// What a running hub does not change.
fn waiting(before: &Config, now: &Config) -> Vec<&'static str> {
    [
        ("data_dir", before.data_dir != now.data_dir),
        ("socket", before.socket != now.socket),
        ("a setting of [link]", before.link != now.link),
        ("a setting of [web]", before.web != now.web),
        ("metrics.listen", before.metrics != now.metrics),
        ("limits.regions_max", before.regions_max != now.regions_max),
        (
            "limits.region_records_max",
            before.region_records_max != now.region_records_max,
        ),
    ]
    .into_iter()
    .filter_map(|(part, differs)| differs.then_some(part))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Machine;

    #[test]
    fn what_waits_for_a_restart_is_named() {
        let machine = Machine {
            host_name: "hub".to_owned(),
            now_secs: 0,
        };
        let read = |text| Config::read("hub.toml", text, Purpose::Ask, &machine).unwrap();
        let before = read("");
        assert_eq!(waiting(&before, &read("[log]\nlevel = \"debug\"")), [""; 0]);
        let now = read("socket = \"/run/other.sock\"\n[limits]\nregions_max = 7\n");
        assert_eq!(waiting(&before, &now), ["socket", "limits.regions_max"]);
    }
}
