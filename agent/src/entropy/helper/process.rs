//! One helper process: started, asked, and ended one way or the other. Where a unit has started it, its end is that unit's
//! matter: here only the connection is closed.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::wire::{self, Answer, NoAnswer, Patience};

/// A helper that runs. Dropped, it is killed; or left to its unit.
pub(super) struct HelperProcess {
    /// None: a unit's, or already waited for.
    child: Option<Child>,
    stream: UnixStream,
}

/// A helper that was killed and is still there: it hangs in the kernel.
pub(super) struct Stuck(Child);

impl HelperProcess {
    /// Starts this program again, with these arguments, and a socket to it as its standard input.
    pub(super) fn start(arguments: &[OsString]) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        // Not by its path, where a newer version may stand by now.
        let child = Command::new("/proc/self/exe")
            .arg0("selfsame-agent")
            .args(arguments)
            // libtss2 would write to standard error whenever a command fails
            .env("TSS2_LOG", "all+none")
            // who manages the agent's service is not to hear from a helper
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            // a terminal's Ctrl-C is for the agent, which lets its helpers go in order
            .process_group(0)
            .spawn()?;
        Ok(Self { child: Some(child), stream })
    }

    /// The helper at the other end of `stream`, which a unit has started.
    pub(super) fn of_unit(stream: UnixStream) -> Self {
        Self { child: None, stream }
    }

    /// Whether a unit has started it: then nobody here can kill it, or wait for it.
    pub(super) fn is_units(&self) -> bool {
        self.child.is_none()
    }

    /// Asks for bytes to fill `out` with.
    pub(super) fn ask(&mut self, out: &mut [u8], patience: Patience) -> Result<Answer, NoAnswer> {
        wire::ask(&mut self.stream, out, patience)
    }

    /// Kills it, and says how it ended; or it is stuck.
    pub(super) fn kill(mut self) -> Result<Option<ExitStatus>, Stuck> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        // of one that has ended by itself this says nothing new
        let _ = child.kill();
        end_within(child, KILL)
    }

    /// Lets it go: it sees the connection end, puts its device in order, and ends. One that does not is killed.
    pub(super) fn let_go(mut self) {
        let Some(child) = self.child.take() else { return };
        drop(self);
        if let Err(Stuck(mut child)) = end_within(child, LET_GO) {
            let _ = child.kill();
            // one that is stuck even so is left to the service manager
            let _ = end_within(child, LET_GO);
        }
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = end_within(child, KILL);
        }
    }
}

impl Stuck {
    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has come loose, and died of its kill.
    pub(super) fn is_gone(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

/// Waits for an end that is due. There is no call that waits for a child and has a limit.
fn end_within(mut child: Child, limit: Duration) -> Result<Option<ExitStatus>, Stuck> {
    let until = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Some(status)),
            // nothing that could be waited for
            Err(_) => return Ok(None),
            Ok(None) if Instant::now() >= until => return Err(Stuck(child)),
            Ok(None) => thread::sleep(POLL),
        }
    }
}

/// A process that was killed is gone within a scheduler's round, unless it is stuck in the kernel.
const KILL: Duration = Duration::from_secs(1);

/// One FlushContext, which takes half a second at most (architecture, Entropy), and less than the entropy thread waits
/// for its sources at its end.
const LET_GO: Duration = Duration::from_millis(400);

/// A hundredth of the shortest wait.
const POLL: Duration = Duration::from_millis(4);
