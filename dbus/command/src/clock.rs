//! The clocks of a relying party that keeps its peers in a file (protocol section 7, step 6).

use std::{fs, io};

use nix::time::{ClockId, clock_gettime};
use selfsame::{Boot, Now, TICKS_PER_SECOND};

/// The clocks of this system, now.
///
/// # Errors
///
/// Where the kernel does not give the boot's id, or a clock.
pub(crate) fn now() -> io::Result<Now> {
    let boot = boot(&fs::read_to_string(BOOT_ID)?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{BOOT_ID} holds no boot's id")))?;
    // in this order a pause between them puts the sum behind, never ahead (protocol section 1)
    let raw = nanos(ClockId::CLOCK_MONOTONIC_RAW)?;
    let boottime = nanos(ClockId::CLOCK_BOOTTIME)?;
    let monotonic = nanos(ClockId::CLOCK_MONOTONIC)?;
    let wall = nanos(ClockId::CLOCK_REALTIME)?;
    let wall_ms = u64::try_from(wall / NANOS_PER_MS).unwrap_or(0);
    Ok(Now { boot, ticks: ticks(raw + (boottime - monotonic)), wall_ms })
}

fn nanos(clock: ClockId) -> io::Result<i128> {
    let time = clock_gettime(clock)?;
    Ok(i128::from(time.tv_sec()) * NANOS_PER_SECOND + i128::from(time.tv_nsec()))
}

fn ticks(nanos: i128) -> u64 {
    u64::try_from(nanos * i128::from(TICKS_PER_SECOND) / NANOS_PER_SECOND).unwrap_or(0)
}

/// The boot with the id that the kernel writes: a UUID.
fn boot(text: &str) -> Option<Boot> {
    let digits: String = text.trim_end().split('-').collect();
    let is_hex = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = u128::from_str_radix(&digits, 16).ok().filter(|_| is_hex)?;
    Some(Boot(id.to_be_bytes()))
}

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MS: i128 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_a_uuid() {
        let id = boot("00010203-0405-0607-0809-0a0b0c0d0eff\n").map(|boot| boot.0);
        assert_eq!(id, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]));
        for wrong in ["", "+0010203-0405-0607-0809-0a0b0c0d0e0f", "00010203-0405-0607-0809-0a0b0c0d0e"] {
            assert_eq!(boot(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn ticks_are_whole_and_never_negative() {
        assert_eq!([ticks(244_140), ticks(244_141), ticks(NANOS_PER_SECOND)], [0, 1, 4096]);
        assert_eq!(ticks(-1), 0);
    }

    #[test]
    fn the_clocks_go_forward_in_one_boot() {
        let before = now().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let after = now().unwrap();
        assert_eq!(before.boot, after.boot);
        assert!(after.ticks >= before.ticks + 8, "{before:?} {after:?}");
        assert!(after.wall_ms > 1_700_000_000_000, "the wall clock is in this century");
    }
}
