//! The age clock of protocol section 1, wall time, and the boot that both belong to.

use std::{fs, io, path::Path, sync::Arc};

use nix::time::{ClockId, clock_gettime};
use selfsame::{Boot, Now};

/// The host's clocks, as a value that is passed in: the system's, or a test's own.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Readings>);

impl Clock {
    /// The clocks of this system.
    pub(crate) fn system() -> Self {
        Self::new(System)
    }

    /// A clock that reads `readings` instead of the system.
    pub(crate) fn new(readings: impl Readings + 'static) -> Self {
        Self(Arc::new(readings))
    }

    /// The age clock now: RAW + (BOOTTIME − MONOTONIC).
    ///
    /// It counts suspend and is never slewed. The three are read in this order, so that a pause
    /// between them puts the result behind, never ahead.
    pub(crate) fn age(&self) -> AgeTime {
        let raw = self.0.read(HostClock::Raw);
        let boottime = self.0.read(HostClock::Boottime);
        let monotonic = self.0.read(HostClock::Monotonic);
        let age = i128::from(raw) + i128::from(boottime) - i128::from(monotonic);
        AgeTime(u64::try_from(age.max(0)).unwrap_or(u64::MAX))
    }

    /// Nanoseconds that the machine has slept since its boot, as far as it knows: BOOTTIME − MONOTONIC. A pause between the
    /// two readings makes it less, never more.
    pub(crate) fn slept_nanos(&self) -> u64 {
        let boottime = self.0.read(HostClock::Boottime);
        boottime.saturating_sub(self.0.read(HostClock::Monotonic))
    }

    /// Nanoseconds that it was awake: MONOTONIC.
    pub(crate) fn awake_nanos(&self) -> u64 {
        self.0.read(HostClock::Monotonic)
    }

    /// Unix time in milliseconds, as the host has it; 0 before 1970.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.0.read(HostClock::Wall) / NANOS_PER_MS
    }

    /// All that a verifier goes by, in this boot (protocol section 7, step 6).
    pub(crate) fn now(&self, boot: Boot) -> Now {
        Now { boot, ticks: ticks(self.age().nanos()), wall_ms: self.wall_ms() }
    }
}

/// What a [`Clock`] is made of.
pub(crate) trait Readings: Send + Sync {
    /// `clock` now, in nanoseconds since its own zero.
    fn read(&self, clock: HostClock) -> u64;
}

/// The clocks that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostClock {
    /// CLOCK_MONOTONIC_RAW
    Raw,
    /// CLOCK_BOOTTIME
    Boottime,
    /// CLOCK_MONOTONIC
    Monotonic,
    /// CLOCK_REALTIME
    Wall,
}

/// A reading of the age clock. Its zero is near the boot's; only differences mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgeTime(u64);

impl AgeTime {
    /// The reading in nanoseconds: to be kept for as long as the boot lasts.
    pub(crate) fn nanos(self) -> u64 {
        self.0
    }

    /// The reading of `nanos` nanoseconds in this boot.
    pub(crate) fn of_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since `born`; none where this reading is before it: the clock went backwards.
    pub(crate) fn nanos_since(self, born: AgeTime) -> Option<u64> {
        self.0.checked_sub(born.0)
    }
}

/// `nanos` nanoseconds in whole ticks of 1/4096 s, rounded down.
pub(crate) fn ticks(nanos: u64) -> u64 {
    let ticks = u128::from(nanos) * u128::from(TICKS_PER_SECOND) / NANOS_PER_SECOND;
    u64::try_from(ticks).expect("there are fewer ticks than nanoseconds in any time")
}

/// The shortest time in nanoseconds that holds `ticks` whole ticks: how long to wait for a tick.
pub(crate) fn nanos_of_ticks(ticks: u64) -> u64 {
    let nanos = (u128::from(ticks) * NANOS_PER_SECOND).div_ceil(u128::from(TICKS_PER_SECOND));
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

/// The id that the kernel drew for this boot, as it writes it: 36 characters.
///
/// # Errors
/// Where it can't be read, or is not a UUID.
pub(crate) fn boot_id() -> io::Result<String> {
    read_boot_id(Path::new(BOOT_ID))
}

fn read_boot_id(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    let id = text.trim_end();
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is no UUID", path.display())));
    }
    Ok(id.to_owned())
}

/// The boot with this id, as verifiers keep it: its 16 bytes, in the order in which the kernel writes them.
pub(crate) fn boot(id: &str) -> Option<Boot> {
    let digits: String = id.split('-').collect();
    let is_hex = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let id = u128::from_str_radix(&digits, 16).ok().filter(|_| is_hex)?;
    Some(Boot(id.to_be_bytes()))
}

struct System;

impl Readings for System {
    fn read(&self, clock: HostClock) -> u64 {
        let id = match clock {
            HostClock::Raw => ClockId::CLOCK_MONOTONIC_RAW,
            HostClock::Boottime => ClockId::CLOCK_BOOTTIME,
            HostClock::Monotonic => ClockId::CLOCK_MONOTONIC,
            HostClock::Wall => ClockId::CLOCK_REALTIME,
        };
        let now = clock_gettime(id).expect("these clocks are in every Linux since 2.6.39");
        // A wall clock may stand before 1970.
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
    }
}

/// Ticks of the protocol in a second. Source: protocol section 1.
pub(crate) const TICKS_PER_SECOND: u64 = 4096;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
const NANOS_PER_MS: u64 = 1_000_000;
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A clock that stands still until a test moves it.
#[cfg(test)]
pub(crate) mod manual {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::{Clock, HostClock, Readings};

    /// All four clocks of a test's host, in nanoseconds. Clones share them.
    #[derive(Clone, Default)]
    pub(crate) struct Manual {
        pub(crate) raw: Arc<AtomicU64>,
        pub(crate) boottime: Arc<AtomicU64>,
        pub(crate) monotonic: Arc<AtomicU64>,
        pub(crate) wall: Arc<AtomicU64>,
    }

    impl Manual {
        /// The clock to pass in.
        pub(crate) fn clock(&self) -> Clock {
            Clock::new(self.clone())
        }

        /// Lets `nanos` nanoseconds pass on all clocks.
        pub(crate) fn pass(&self, nanos: u64) {
            for clock in [&self.raw, &self.boottime, &self.monotonic, &self.wall] {
                clock.fetch_add(nanos, Ordering::SeqCst);
            }
        }
    }

    impl Readings for Manual {
        fn read(&self, clock: HostClock) -> u64 {
            match clock {
                HostClock::Raw => &self.raw,
                HostClock::Boottime => &self.boottime,
                HostClock::Monotonic => &self.monotonic,
                HostClock::Wall => &self.wall,
            }
            .load(Ordering::SeqCst)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, atomic::Ordering};

    use super::{manual::Manual, *};

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn ticks_round_down() {
        for (nanos, expected) in [
            (0, 0),
            (244_140, 0),
            (244_141, 1),
            (SECOND - 1, 4095),
            (SECOND, 4096),
            (u64::MAX, 75_557_863_725_914),
        ] {
            assert_eq!(ticks(nanos), expected, "{nanos} ns");
        }
    }

    #[test]
    fn waiting_for_a_tick_reaches_it_and_no_sooner() {
        for tick in [0, 1, 2, 3, 4095, 4096, 4097, 1 << 40] {
            let nanos = nanos_of_ticks(tick);
            assert_eq!(ticks(nanos), tick);
            assert!(tick == 0 || ticks(nanos - 1) == tick - 1);
        }
        assert_eq!(nanos_of_ticks(u64::MAX), u64::MAX);
    }

    #[test]
    fn suspend_counts_and_slewing_does_not() {
        let host = Manual::default();
        let clock = host.clock();
        host.pass(SECOND);
        let born = clock.age();

        // Suspended for 10 s: only BOOTTIME goes on.
        host.boottime.fetch_add(10 * SECOND, Ordering::SeqCst);
        assert_eq!(clock.age().nanos_since(born).map(ticks), Some(10 * 4096));

        // Slewed by a second: MONOTONIC and BOOTTIME alike.
        host.boottime.fetch_add(SECOND, Ordering::SeqCst);
        host.monotonic.fetch_add(SECOND, Ordering::SeqCst);
        assert_eq!(clock.age().nanos_since(born).map(ticks), Some(10 * 4096));

        assert_eq!(born.nanos_since(clock.age()), None, "backwards is told");
    }

    /// A host that is paused for a second before it reads one of its clocks.
    struct Paused {
        now: Mutex<u64>,
        pause_before: HostClock,
    }

    impl Readings for Paused {
        fn read(&self, clock: HostClock) -> u64 {
            let mut now = self.now.lock().unwrap();
            if clock == self.pause_before {
                *now += SECOND;
            }
            *now
        }
    }

    #[test]
    fn a_pause_between_readings_puts_it_behind_never_ahead() {
        for pause_before in [HostClock::Raw, HostClock::Boottime, HostClock::Monotonic] {
            let clock = Clock::new(Paused { now: Mutex::new(5 * SECOND), pause_before });
            let age = clock.age().0;
            let now_after = 6 * SECOND;
            assert!(age <= now_after, "{pause_before:?}: {age} is ahead");
        }
        // Even where the pause is longer than the host has been up.
        let clock = Clock::new(Paused { now: Mutex::new(0), pause_before: HostClock::Monotonic });
        assert_eq!(clock.age(), AgeTime(0));
    }

    #[test]
    fn the_system_clock_goes_forward() {
        let clock = Clock::system();
        let (first, wall) = (clock.age(), clock.wall_ms());
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.age().nanos_since(first).map(ticks).unwrap() >= 8);
        assert!(wall > 1_700_000_000_000, "the wall clock is in this century");
    }

    #[test]
    fn a_boot_is_the_bytes_of_its_id() {
        let id = boot("00010203-0405-0607-0809-0a0b0c0d0eff").map(|boot| boot.0);
        assert_eq!(id, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]));
        for wrong in ["", "+0010203-0405-0607-0809-0a0b0c0d0e0f", "00010203-0405-0607-0809-0a0b0c0d0e"] {
            assert_eq!(boot(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_boot_id_is_a_uuid_and_stays() {
        let id = boot_id().unwrap();
        assert_eq!(id.len(), 36);
        assert_eq!(boot_id().unwrap(), id);

        let file = tempfile::NamedTempFile::new().unwrap();
        for bad in ["", "no-uuid\n", "0123456789abcdef0123456789abcdef\n"] {
            fs::write(file.path(), bad).unwrap();
            assert_eq!(read_boot_id(file.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
