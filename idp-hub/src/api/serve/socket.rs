//! The local socket.
//!
//! Its mode is what admits: the owner and the group that the unit gives it. A socket that a crash
//! left behind is replaced, one that a living daemon has is not.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use axum_server::Server;

use super::ServeError;

/// Owner and group may connect, which takes the right to write (unix(7)).
const MODE: u32 = 0o660;

pub(super) fn bind(path: &Path) -> Result<Server<SocketAddr>, ServeError> {
    if UnixStream::connect(path).is_ok() {
        return Err(ServeError::Running {
            path: path.to_owned(),
        });
    }
    make(path).map_err(|source| ServeError::Socket {
        path: path.to_owned(),
        source,
    })
}

fn make(path: &Path) -> io::Result<Server<SocketAddr>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("there is something else of this name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    axum_server::from_unix(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_anything_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.sock");
        drop(UnixListener::bind(&path).unwrap());
        let server = bind(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o660
        );
        assert!(matches!(bind(&path), Err(ServeError::Running { .. })));
        drop(server);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path), Err(ServeError::Socket { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }
}
