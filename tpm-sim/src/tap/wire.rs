//! One side of a connection, and waiting on several.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use crate::exchange::HEADER_BYTES;

/// A stream that is cut into messages, commands or answers.
pub(crate) struct Side<S> {
    stream: S,
    received: Vec<u8>,
}

impl<S: AsFd + Read + Write> Side<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    /// The next whole message. An error: this side has hung up, or sends no messages, or one of `partners` has hung up,
    /// which is a broken pipe.
    pub(crate) fn message(&mut self, partners: &[&dyn AsFd]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(message) = self.cut()? {
                return Ok(message);
            }
            wait(Some(&self.stream), partners, None)?;
            let mut bytes = [0; MESSAGE_BYTES];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.received.extend(bytes.iter().take(length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.stream.write_all(message)
    }

    fn cut(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(field) = self.received.get(2..6).and_then(|field| field.first_chunk()) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*field)).unwrap_or(usize::MAX);
        if !(HEADER_BYTES..=MESSAGE_BYTES).contains(&length) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok((length <= self.received.len()).then(|| self.received.drain(..length).collect()))
    }
}

/// Waits until there is something to read from `wanted`, its end included. False: `bound` has passed before.
///
/// An error: one of `partners` has hung up, and it does not matter any more.
pub(crate) fn wait(
    wanted: Option<&dyn AsFd>,
    partners: &[&dyn AsFd],
    bound: Option<Duration>,
) -> io::Result<bool> {
    let deadline = bound.and_then(|bound| Instant::now().checked_add(bound));
    loop {
        // A hang-up is always told, asked for or not.
        let mut polled: Vec<PollFd<'_>> =
            partners.iter().map(|partner| PollFd::new(partner.as_fd(), PollFlags::empty())).collect();
        polled.extend(wanted.map(|wanted| PollFd::new(wanted.as_fd(), PollFlags::POLLIN)));
        let timeout = deadline.map_or(PollTimeout::NONE, milliseconds_until);
        match poll(&mut polled, timeout) {
            Ok(_) | Err(Errno::EINTR) => (),
            Err(errno) => return Err(errno.into()),
        }
        let (partners, wanted) = polled.split_at(partners.len());
        if partners.iter().any(happened) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if wanted.iter().any(happened) {
            return Ok(true);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(false);
        }
    }
}

fn happened(polled: &PollFd<'_>) -> bool {
    polled.any().unwrap_or(true)
}

/// Rounded up, so that the last one does not turn into a busy loop.
fn milliseconds_until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}

/// A connection that is being made to the socket at a path.
///
/// A frozen swtpm takes only as many as its backlog holds, and a connect that blocks could not be ended. So the first
/// attempt does not wait, and only [`finish`](Self::finish) goes on trying.
pub(crate) struct Dial {
    stream: UnixStream,
    address: UnixAddr,
    connected: bool,
}

impl Dial {
    /// Makes the first attempt. An error: there is nobody to wait for.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let address = UnixAddr::new(path)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let stream = UnixStream::from(socket(AddressFamily::Unix, SockType::Stream, flags, None)?);
        let mut dial = Self { stream, address, connected: false };
        dial.attempt()?;
        Ok(dial)
    }

    /// Goes on until it is connected, as long as `client` stays.
    pub(crate) fn finish(mut self, client: &dyn AsFd) -> io::Result<UnixStream> {
        while !self.connected {
            wait(None, &[client], Some(FULL_BACKLOG_POLL))?;
            self.attempt()?;
        }
        self.stream.set_nonblocking(false)?;
        Ok(self.stream)
    }

    fn attempt(&mut self) -> io::Result<()> {
        match connect(self.stream.as_raw_fd(), &self.address) {
            Ok(()) => self.connected = true,
            Err(Errno::EAGAIN | Errno::EINTR) => (),
            Err(errno) => return Err(errno.into()),
        }
        Ok(())
    }
}

/// Ends a connection that another thread may be waiting on.
pub(crate) fn end(stream: &UnixStream) {
    // One that is not connected any more has ended.
    let _ = stream.shutdown(Shutdown::Both);
}

/// Bytes of the longest command or answer.
///
/// Source: `MAX_COMMAND_SIZE` and `MAX_RESPONSE_SIZE`, 4096 in libtpms and in the TCG's PC Client profile; twice that.
const MESSAGE_BYTES: usize = 8192;

/// How long to wait before a full backlog is tried again. Source: of no weight beside what keeps swtpm busy.
const FULL_BACKLOG_POLL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_however_their_bytes_come() {
        let (mut far, near) = UnixStream::pair().unwrap();
        let (partner, _kept) = UnixStream::pair().unwrap();
        let mut side = Side::new(&near);
        let (one, two) = ([0x80, 1, 0, 0, 0, 10, 1, 2, 3, 4], [0x80, 1, 0, 0, 0, 12, 5, 6, 7, 8, 9, 10]);
        far.write_all(&[&one[..], &two[..5]].concat()).unwrap();
        assert_eq!(side.message(&[&partner]).unwrap(), one);
        far.write_all(&two[5..]).unwrap();
        assert_eq!(side.message(&[&partner]).unwrap(), two);
        drop(far);
        assert_eq!(side.message(&[&partner]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn lengths_that_no_message_has_are_refused() {
        let (partner, _kept) = UnixStream::pair().unwrap();
        for length in [0_u32, 9, 8193, u32::MAX] {
            let (mut far, near) = UnixStream::pair().unwrap();
            far.write_all(&[&[0x80, 1][..], &length.to_be_bytes(), &[0; 10]].concat()).unwrap();
            let error = Side::new(&near).message(&[&partner]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{length}");
        }
    }

    #[test]
    fn a_partner_who_hangs_up_ends_the_wait() {
        let (_far, near) = UnixStream::pair().unwrap();
        let (partner, gone) = UnixStream::pair().unwrap();
        assert!(!wait(Some(&near), &[&partner], Some(Duration::from_millis(1))).unwrap());
        drop(gone);
        assert_eq!(Side::new(&near).message(&[&partner]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
