//! What the daemons' own files tell.

use std::path::PathBuf;

use super::{Lab, Region};

impl Lab {
    /// The files of the hub, and the logs of both daemons, in which a text stands.
    pub fn files_with(&self, region: &Region, text: &str) -> Vec<PathBuf> {
        let data = std::fs::read_dir(self.hub_data()).unwrap();
        let mut all: Vec<PathBuf> = data.map(|it| it.unwrap().path()).collect();
        let logs = [self.hub_config(), region.config()];
        all.extend(logs.map(|it| it.with_extension("log")));
        all.retain(|path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            let mut windows = bytes.windows(text.len());
            windows.any(|it| it == text.as_bytes())
        });
        all
    }
}
