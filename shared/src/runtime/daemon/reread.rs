//! What becomes of a configuration that a running daemon has read again.

use crate::runtime::errors::chain;
use crate::runtime::logs;
use crate::runtime::settings::ConfigError;

/// Takes what every daemon changes while it runs, which is what it logs by its setting `log`, and
/// says which of the `fixed` settings wait for a restart, before somebody wonders: those that
/// differ. `daemon` is its service's name.
pub fn taken(daemon: &str, log: Option<&str>, fixed: &[(&str, bool)]) {
    if let Err(error) = logs::change_filter(log) {
        tracing::error!(error = %chain(&error), "the changed log level is not taken");
    }
    for (setting, _) in fixed.iter().filter(|(_, differs)| *differs) {
        tracing::warn!("{setting} has changed, which takes a restart: systemctl restart {daemon}");
    }
    tracing::info!("the configuration was read again");
}

/// Says why nothing is taken.
pub fn refused(error: &ConfigError) {
    let told = chain(error);
    tracing::error!("the changed configuration is not taken, the old one holds: {told}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::logs::testing::capture;

    #[test]
    fn what_waits_for_a_restart_is_told_with_the_command() {
        let (captured, _guard) = capture();
        taken("sp-agent", None, &[("socket", true), ("data_dir", false)]);
        let told = captured.lines_with("restart");
        let expected = "WARN socket has changed, which takes a restart: systemctl restart sp-agent";
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(expected), "{told:?}");
    }
}
