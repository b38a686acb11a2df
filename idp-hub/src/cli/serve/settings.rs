//! Reads the configuration again on SIGHUP.

use std::path::PathBuf;

use shared::runtime::daemon::{ReloadListener, reread};
use shared::runtime::shutdown::Shutdown;

use crate::cli::load;
use crate::config::{Config, ConfigError, Purpose};

/// The task that hears of reloads.
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
        match read {
            Ok(now) => reread::taken("idp-hub", now.log.as_deref(), &fixed(&self.config, &now)),
            Err(error) => reread::refused(&error),
        }
    }
}

/// What a running hub does not change, and whether it differs.
fn fixed(before: &Config, now: &Config) -> [(&'static str, bool); 7] {
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
        let waiting = |text| {
            let fixed = fixed(&read(""), &read(text)).into_iter();
            let changed = fixed.filter(|(_, differs)| *differs);
            changed.map(|(setting, _)| setting).collect::<Vec<_>>()
        };
        assert_eq!(waiting("[log]\nlevel = \"debug\""), [""; 0]);
        let now = waiting("socket = \"/run/other.sock\"\n[limits]\nregions_max = 7\n");
        assert_eq!(now, ["socket", "limits.regions_max"]);
    }
}
