//! Where one swtpm lives: a directory with its sockets, its state and what it wrote.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The paths of one swtpm. They belong to the [`Watcher`](crate::watcher::Watcher), who removes them.
#[derive(Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    socket: String,
}

impl Place {
    /// Checks that sockets in `directory` can be reached by their path.
    pub(crate) fn new(directory: PathBuf) -> Result<Self, PathError> {
        let path = directory.join("s");
        let Some(socket) = path.to_str().filter(|text| !text.contains(',')) else {
            return Err(PathError::Unusable { path });
        };
        let have = socket.len() + CONTROL_SUFFIX.len();
        if have > SOCKET_PATH_BYTES {
            return Err(PathError::TooLong { path, have, limit: SOCKET_PATH_BYTES });
        }
        Ok(Self { directory, socket: socket.to_owned() })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket that takes TPM commands.
    pub(crate) fn socket(&self) -> &str {
        &self.socket
    }

    /// The socket of swtpm's control channel, where libtss2 looks for it.
    pub(crate) fn control_socket(&self) -> String {
        Self::control_of(&self.socket)
    }

    /// The control channel beside the data socket at `socket`.
    pub(crate) fn control_of(socket: &str) -> String {
        format!("{socket}{CONTROL_SUFFIX}")
    }

    /// Removes the sockets of an old swtpm, and makes an empty file for what a new one writes.
    pub(crate) fn prepare(&self) -> io::Result<File> {
        for socket in [self.socket(), &self.control_socket()] {
            match fs::remove_file(socket) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => (),
            }
        }
        File::create(self.stderr_path())
    }

    /// What swtpm wrote since [`prepare`](Self::prepare).
    pub(crate) fn stderr(&self) -> String {
        let bytes = fs::read(self.stderr_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }

    fn stderr_path(&self) -> PathBuf {
        self.directory.join("stderr")
    }
}

/// The socket that a TCTI names, if it is that of a swtpm on a Unix socket.
pub(crate) fn socket_of(tcti: &str) -> Option<&str> {
    tcti.strip_prefix("swtpm:path=").filter(|path| path.starts_with('/') && !path.contains(','))
}

/// Why sockets in a temporary directory could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The sockets' paths would not fit into a Unix socket's address.
    #[error(
        "socket path {path:?} too long: {have} bytes with `.ctrl`, limit {limit}; set TMPDIR to a shorter one"
    )]
    TooLong {
        /// Path of the data socket.
        path: PathBuf,
        /// Bytes of the control socket's path, which is the longer one.
        have: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// The socket's path cannot stand in a TCTI.
    #[error("socket path {path:?} has a comma or is not UTF-8: set TMPDIR to another one")]
    Unusable {
        /// Path of the data socket.
        path: PathBuf,
    },
}

/// What libtss2 adds to the path of the data socket to find the control channel.
///
/// Source: `tcti-swtpm.c` of tpm2-tss 3.2.
const CONTROL_SUFFIX: &str = ".ctrl";

/// Bytes of the longest path that a Unix socket can have.
///
/// Source: unix(7): `sun_path` has 108 bytes, the last one is a NUL.
const SOCKET_PATH_BYTES: usize = 107;

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn socket_path_of_107_bytes_fits_and_one_more_does_not() {
        let fits = format!("/{}", "d".repeat(107 - "/".len() - "/s.ctrl".len()));
        let place = Place::new(PathBuf::from(&fits)).unwrap();
        assert_eq!(place.control_socket().len(), 107);

        let error = Place::new(PathBuf::from(fits + "d")).unwrap_err();
        assert!(matches!(error, PathError::TooLong { have: 108, limit: 107, .. }), "{error}");
    }

    #[test]
    fn paths_that_an_option_cannot_carry_are_refused() {
        for directory in [OsStr::new("/a,b"), OsStr::from_bytes(b"/\xff")] {
            let error = Place::new(PathBuf::from(directory)).unwrap_err();
            assert!(matches!(error, PathError::Unusable { .. }), "{error}");
        }
    }
}
