//! The kernel's word on a new VM generation id: a uevent, which its driver sends (Linux, drivers/virt/vmgenid.c: in 6.9, not
//! in 6.1). Older kernels send none, and keep the id to themselves.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket},
};

/// The kernel's events.
pub(super) struct Uevents {
    socket: OwnedFd,
}

impl Uevents {
    /// Listens.
    ///
    /// # Errors
    /// Where the kernel refuses, or a sandbox that leaves out AF_NETLINK.
    pub(super) fn listen() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkKObjectUEvent,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL_GROUP))?;
        Ok(Self { socket })
    }

    /// Takes all events that are there, and says how many of them tell of a new VM generation id.
    ///
    /// # Errors
    /// Where nothing more can be read.
    pub(super) fn take(&self) -> io::Result<u64> {
        let (mut bytes, mut told) = ([0; EVENT_MOST], 0);
        loop {
            match recvfrom::<NetlinkAddr>(self.socket.as_raw_fd(), &mut bytes) {
                Ok((length, from)) => {
                    // from the kernel alone: others may send to a group, if they have the capability
                    let is_kernels = from.is_some_and(|from| from.pid() == 0);
                    let is_new = is_kernels && bytes.get(..length).is_some_and(is_new_generation);
                    told += u64::from(is_new);
                }
                Err(Errno::EAGAIN) => return Ok(told),
                Err(Errno::EINTR) => {}
                Err(Errno::ENOBUFS) => {
                    tracing::debug!("some of the kernel's events came too fast, and are lost");
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Uevents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Whether an event, `ACTION@PATH` and lines that each end with a zero, tells of a new VM generation id. A synthetic one,
/// which root can write, has other names for what it adds.
fn is_new_generation(event: &[u8]) -> bool {
    event.starts_with(b"change@") && event.split(|byte| *byte == 0).any(|line| line == NEW_GENERATION)
}

const NEW_GENERATION: &[u8] = b"NEW_VMGENID=1";

/// The group that the kernel sends to; what udev passes on is in another.
const KERNEL_GROUP: u32 = 1;

/// Longer than any event. Source: Linux, include/linux/kobject.h, UEVENT_BUFFER_SIZE is 2,048.
const EVENT_MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_own_word_counts() {
        for (event, is_new) in [
            (&b"change@/devices/LNXSYSTM:00/VMGENCTR:00\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=9\0"[..], true),
            (b"change@/devices/platform/VMGENCTR:00\0NEW_VMGENID=1\0", true),
            (b"change@/devices/x\0ACTION=change\0SEQNUM=9\0", false),
            (b"change@/devices/x\0NEW_VMGENID=10\0", false),
            (b"change@/devices/x\0SYNTH_ARG_NEW_VMGENID=1\0SYNTH_UUID=0\0", false),
            (b"add@/devices/x\0NEW_VMGENID=1\0", false),
            (b"libudev\0NEW_VMGENID=1\0", false),
            (b"", false),
        ] {
            assert_eq!(is_new_generation(event), is_new, "{}", String::from_utf8_lossy(event));
        }
    }

    #[test]
    fn the_kernel_lets_anyone_listen() {
        assert_eq!(Uevents::listen().unwrap().take().unwrap(), 0);
    }
}
