//! The clocks that a relying party goes by (protocol section 7, step 6).

use std::{fs, io};

use nix::time::{ClockId, clock_gettime};
use selfsame::{Boot, Now, TICKS_PER_SECOND};

/// The clocks of this system, now.
pub(crate) fn now() -> io::Result<Now> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let id = u128::from_str_radix(&id.trim_end().replace('-', ""), 16).map_err(io::Error::other)?;
    // in this order a pause between them puts the sum behind, never ahead (protocol section 1)
    let raw = nanos(ClockId::CLOCK_MONOTONIC_RAW)?;
    let boottime = nanos(ClockId::CLOCK_BOOTTIME)?;
    let monotonic = nanos(ClockId::CLOCK_MONOTONIC)?;
    let ticks = (raw + (boottime - monotonic)) * i128::from(TICKS_PER_SECOND) / 1_000_000_000;
    let wall_ms = nanos(ClockId::CLOCK_REALTIME)? / 1_000_000;
    Ok(Now {
        boot: Boot(id.to_be_bytes()),
        ticks: u64::try_from(ticks).unwrap_or(0),
        wall_ms: u64::try_from(wall_ms).unwrap_or(0),
    })
}

fn nanos(clock: ClockId) -> io::Result<i128> {
    let time = clock_gettime(clock)?;
    Ok(i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec()))
}
