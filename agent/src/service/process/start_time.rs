//! When a process began.

use nix::time::{ClockId, clock_gettime};
use procfs::process::Stat;

/// When a process began, or something else happened, in the kernel's clock ticks since the boot (USER_HZ, mostly
/// 1/100 s; proc(5), `starttime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StartTime(u64);

impl StartTime {
    /// Now.
    pub(crate) fn now() -> Self {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("this clock is in every Linux since 2.6.39");
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
        let hz = procfs::ticks_per_second();
        Self(seconds * hz + nanos * hz / 1_000_000_000)
    }

    /// When the process of this `stat` began.
    pub(super) fn of(stat: &Stat) -> Self {
        Self(stat.starttime)
    }
}
