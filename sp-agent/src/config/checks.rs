//! What must be there already, and who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shared::runtime::settings::Setting;

/// The longest path of a Unix socket, in bytes (unix(7): `sun_path` has 108, with a zero at its
/// end).
const SOCKET_BYTES_MAX: usize = 107;

/// Reading or changing by others.
const OTHERS: u32 = 0o006;

pub(super) fn socket_path(socket: &Setting<'_, PathBuf>) {
    if socket.value.as_os_str().len() > SOCKET_BYTES_MAX {
        let what =
            format!("is longer than the {SOCKET_BYTES_MAX} bytes that a socket's path may have");
        socket.fault(what, "write \"/run/sp-agent/agent.sock\"");
    }
}

/// It is made where it is missing; what is there must be a directory.
pub(super) fn data_dir(directory: &Setting<'_, PathBuf>) {
    let path = &directory.value;
    if path.exists() && !path.is_dir() {
        let what = format!("{} is no directory", path.display());
        directory.fault(what, "name a directory");
    }
}

/// Whether others than owner and group can read or change the file.
pub(super) fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}
