//! Steps of the wall clock. They go with a restored snapshot where the host's clock is set again, and with much else: so the
//! journal is told, and nothing follows from one.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use nix::{
    errno::Errno,
    sys::{
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    unistd::read,
};

use crate::clock::Clock;

/// A timer that the kernel cancels when the wall clock is set.
pub(super) struct WallSteps {
    timer: TimerFd,
    clock: Clock,
    offset_ms: i128,
}

impl WallSteps {
    /// Listens.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub(super) fn listen(clock: Clock) -> io::Result<Self> {
        let timer =
            TimerFd::new(ClockId::CLOCK_REALTIME, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let steps = Self { timer, offset_ms: offset_ms(&clock), clock };
        steps.arm()?;
        Ok(steps)
    }

    fn arm(&self) -> io::Result<()> {
        let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        Ok(self.timer.set(Expiration::OneShot(TimeSpec::new(NEVER_S, 0)), flags)?)
    }

    /// What the journal is to be told, where the clock was set by much.
    ///
    /// # Errors
    /// Where it can't be seen any more.
    pub(super) fn take(&mut self) -> io::Result<Option<String>> {
        match read(&self.timer, &mut [0; 8]) {
            Err(Errno::ECANCELED) => {}
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        self.arm()?;
        let now = offset_ms(&self.clock);
        let by_ms = now - std::mem::replace(&mut self.offset_ms, now);
        Ok(step(by_ms))
    }
}

impl AsFd for WallSteps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

/// How far the wall clock is from the age clock, in milliseconds.
fn offset_ms(clock: &Clock) -> i128 {
    i128::from(clock.wall_ms()) - i128::from(clock.age().nanos() / 1_000_000)
}

/// What the journal is told of a step of so many milliseconds; none where it is as good as none: after a suspend the clock
/// is set to what it would be.
fn step(by_ms: i128) -> Option<String> {
    let ahead = if by_ms > 0 { "ahead" } else { "back" };
    (by_ms.abs() >= LEAST_MS).then(|| format!("the wall clock was set {ahead} by {} ms", by_ms.abs()))
}

/// A clock that is set after a suspend is some milliseconds off.
const LEAST_MS: i128 = 1000;

/// In the year 4000: the timer never runs out. Only a timer that runs is cancelled.
const NEVER_S: i64 = 64_060_588_800;

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::clock::manual::Manual;

    #[test]
    fn steps_of_a_second_are_told_both_ways() {
        assert_eq!(step(999), None);
        assert_eq!(step(-999), None);
        assert_eq!(step(3_600_000).unwrap(), "the wall clock was set ahead by 3600000 ms");
        assert_eq!(step(-1000).unwrap(), "the wall clock was set back by 1000 ms");
    }

    #[test]
    fn a_suspend_is_no_step() {
        let host = Manual::default();
        host.pass(5_000_000_000);
        let before = offset_ms(&host.clock());
        // only these two go on while the machine sleeps
        for clock in [&host.boottime, &host.wall] {
            clock.fetch_add(60_000_000_000, Ordering::SeqCst);
        }
        assert_eq!(offset_ms(&host.clock()), before);
        host.wall.fetch_add(2_000_000_000, Ordering::SeqCst);
        assert_eq!(offset_ms(&host.clock()) - before, 2000);
    }
}
