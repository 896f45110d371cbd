//! A tap on the wire between a client and its TPM.

mod connection;
mod record;
mod rules;
pub(crate) mod wire;

use std::fmt;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle, Scope};
use std::time::Duration;

use crate::place::{PathError, Place, socket_of};
use crate::watcher::Watcher;
use crate::{Exchange, How, Simulator, When};
use record::Record;
use rules::Rules;

/// A proxy between clients and a simulator, which records what passes, and disturbs it as it is told.
///
/// It takes any number of connections. Each has its own to swtpm, which serves them one after the other: a
/// connection waits until the one before is closed. When a client hangs up, its connection to swtpm is closed too,
/// whatever is being held back; when swtpm goes, so do its clients' connections. libtss2's control channel is led past
/// the tap. A connection whose messages are no TPM's, by the length that they claim, is closed.
///
/// Dropping the tap closes all connections, and leaves no thread and no file behind.
pub struct Tap {
    shared: Arc<Shared>,
    tcti: String,
    // Closed by the drop: that ends the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
    // Removes the directory, also if this process is killed.
    _watcher: Watcher,
}

#[derive(Default)]
struct Shared {
    record: Record,
    rules: Rules,
    connections: AtomicUsize,
}

impl Tap {
    /// Puts a tap before `simulator`. It goes on to work when that is killed and restarted; meanwhile, connections
    /// are closed at once, as those to a TPM that was torn out.
    ///
    /// # Errors
    /// [`TapError`], and nothing is left behind.
    pub fn start(simulator: &Simulator) -> Result<Self, TapError> {
        Self::on(simulator.tcti())
    }

    /// Puts a tap before whatever listens at a TCTI `swtpm:path=…`, or will.
    ///
    /// # Errors
    /// [`TapError`], and nothing is left behind.
    pub fn on(tcti: &str) -> Result<Self, TapError> {
        let target = socket_of(tcti).ok_or_else(|| TapError::NotSwtpm { found: tcti.to_owned() })?;
        let directory = |source| TapError::Directory { source };
        let (watcher, path) = Watcher::start().map_err(directory)?;
        let place = Place::new(path).map_err(|source| TapError::Path { source })?;
        symlink(Place::control_of(target), place.control_socket()).map_err(directory)?;

        let wire = |source| TapError::Listen { source };
        let listener = UnixListener::bind(place.socket()).map_err(wire)?;
        listener.set_nonblocking(true).map_err(wire)?;
        let (stop, stopped) = UnixStream::pair().map_err(wire)?;
        let shared = Arc::new(Shared::default());
        let (target, for_thread) = (PathBuf::from(target), Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("tap".to_owned())
            .spawn(move || thread::scope(|scope| accept(scope, &listener, &stopped, &target, &for_thread)))
            .map_err(wire)?;
        let tcti = format!("swtpm:path={}", place.socket());
        Ok(Self { shared, tcti, stop: Some(stop), thread: Some(thread), _watcher: watcher })
    }

    /// The TCTI with which libtss2 reaches the TPM through this tap.
    pub fn tcti(&self) -> &str {
        &self.tcti
    }

    /// What has passed since this was last asked, in the order in which it came to its end.
    ///
    /// A command is in it before its client gets the answer. One that is held back, by a freeze or a delay, is in it
    /// as soon as it is, and its `told` is filled in when it is let go, unless it was taken before. One without an answer is in it when the
    /// tap has swallowed it or its connection has ended.
    pub fn take(&self) -> Vec<Exchange> {
        self.shared.record.take()
    }

    /// What [`take`](Self::take) would give, which stays.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.record.exchanges()
    }

    /// How many connections were taken so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Has each exchange shown to `observer` when it has come to its end, from now on, in place of one before. No other
    /// exchange ends while it looks.
    pub fn observe(&self, observer: impl FnMut(&Exchange) + Send + 'static) {
        self.shared.record.observe(Box::new(observer));
    }

    /// Disturbs commands from now on. The first rule that matches wins, in the order in which they were given.
    pub fn disturb(&self, when: When, how: How) {
        self.shared.rules.add(when, how);
    }

    /// Drops all rules, and lets go what is frozen or delayed.
    pub fn calm(&self) {
        self.shared.rules.calm();
    }

    /// Waits until an exchange that was not yet taken satisfies `seen`. False: none did within `bound`.
    pub fn wait_for(&self, bound: Duration, seen: impl Fn(&Exchange) -> bool) -> bool {
        self.shared.record.wait_for(bound, seen)
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("tcti", &self.tcti).finish_non_exhaustive()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has closed its connection, and was heard.
            let _ = thread.join();
        }
    }
}

/// Takes connections until `stopped` hangs up; then ends them all. The scope waits for their threads.
fn accept<'scope>(
    scope: &'scope Scope<'scope, '_>,
    listener: &UnixListener,
    stopped: &UnixStream,
    target: &Path,
    shared: &'scope Shared,
) {
    let mut clients: Vec<Weak<UnixStream>> = Vec::new();
    while wire::wait(Some(listener), &[&stopped], None).is_ok() {
        // A client that went away again, or no file descriptor left: the next one may do better.
        let Ok((client, _)) = listener.accept() else { continue };
        let connection = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        // Here, so that swtpm gets them in the order in which they came. Out of reach: the client is hung up on.
        let Ok(tpm) = wire::Dial::begin(target) else { continue };
        let client = Arc::new(client);
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(&client));
        let serve = move || {
            // Ends with an error when either side hangs up; both sides are closed then.
            let _ = connection::serve(connection, &client, tpm, shared);
        };
        // No thread to be had: the connection is closed.
        let _ = thread::Builder::new().name(format!("tap-{connection}")).spawn_scoped(scope, serve);
    }
    for client in clients.iter().filter_map(Weak::upgrade) {
        wire::end(&client);
    }
}

/// Why there is no tap.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TapError {
    /// Not the TCTI of a swtpm on a Unix socket.
    #[error("expected `swtpm:path=` and an absolute path, found `{found}`")]
    NotSwtpm {
        /// The TCTI.
        found: String,
    },
    /// The temporary directory cannot be made or used.
    #[error("temporary directory not usable")]
    Directory {
        /// What the system said.
        source: io::Error,
    },
    /// The temporary directory cannot hold the sockets.
    #[error(transparent)]
    Path {
        /// What is wrong with the socket's path.
        source: PathError,
    },
    /// There is no socket or thread to listen with.
    #[error("tap not started")]
    Listen {
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_swtpm_on_a_unix_socket_is_refused() {
        for bad in ["", "swtpm", "swtpm:path=", "swtpm:path=s", "swtpm:path=/s,x=1", "device:/dev/tpmrm0"] {
            let error = Tap::on(bad).unwrap_err();
            assert!(matches!(&error, TapError::NotSwtpm { found } if found == bad), "{error}");
        }
    }

    #[test]
    fn a_tap_may_be_used_from_any_thread() {
        fn any_thread<T: Send + Sync>() {}
        any_thread::<Tap>();
        any_thread::<How>();
    }
}
