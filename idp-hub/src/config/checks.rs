//! What must be there already, and what must agree.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shared::keyring;
use shared::runtime::errors::chain;
use shared::runtime::files;
use shared::runtime::settings::Setting;

use super::CertificateFiles;

/// The longest path of a Unix socket, in bytes (unix(7): `sun_path` has 108, with a zero at its
/// end).
const SOCKET_BYTES_MAX: usize = 107;

/// The largest certificate or key file looked at, in bytes: what the keyring reads, too.
const FILE_BYTES_MAX: u64 = 64 * 1024;

pub(super) fn socket_path(socket: &Setting<'_, PathBuf>) {
    if socket.value.as_os_str().len() > SOCKET_BYTES_MAX {
        let what =
            format!("is longer than the {SOCKET_BYTES_MAX} bytes that a socket's path may have");
        socket.fault(what, "write \"/run/idp-hub/hub.sock\"");
    }
}

pub(super) fn data_dir(directory: &Setting<'_, PathBuf>) {
    let path = directory.value.display();
    if !directory.value.exists() {
        directory.fault(format!("there is no {path}"), "run \"idp-hub init\" first");
    } else if !directory.value.is_dir() {
        directory.fault(format!("{path} is no directory"), "name a directory");
    } else if let Err(error) = std::fs::read_dir(&directory.value) {
        directory.fault(
            format!("cannot look into {path}: {error}"),
            "run as its owner, or chown it",
        );
    }
}

pub(super) fn socket_dir(socket: &Setting<'_, PathBuf>) {
    let parent = socket.value.parent().unwrap_or(Path::new("/"));
    if !parent.is_dir() {
        let what = format!("there is no directory {}", parent.display());
        socket.fault(
            what,
            "make it (the systemd unit does, by RuntimeDirectory=)",
        );
    }
}

/// Both files are read, and fit together, at this time.
pub(super) fn web_files(
    paths: &CertificateFiles,
    certificate: &Setting<'_, Option<PathBuf>>,
    key: &Setting<'_, Option<PathBuf>>,
    now_secs: u64,
) {
    let readable = [
        files::read_bounded(&paths.certificate, FILE_BYTES_MAX).map(drop),
        files::read_secret(&paths.key, FILE_BYTES_MAX).map(drop),
    ];
    for (read, at) in readable.iter().zip([certificate, key]) {
        if let Err(error) = read {
            at.fault(chain(error), "make it readable, or name another");
        }
    }
    if readable.iter().any(Result::is_err) {
        return;
    }
    if let Err(error) = keyring::load_web(&paths.certificate, &paths.key, now_secs) {
        let instead = "mend them, or remove both settings: the hub then makes its own";
        certificate.fault(chain(&error), instead);
    }
}

/// Whether two TCP listeners would be in each other's way. Any free port (0) is in nobody's.
pub(super) fn same_port(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (any || one.ip() == other.ip())
}
