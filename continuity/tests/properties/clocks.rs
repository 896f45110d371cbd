//! A verifier's clocks, in a world with a true time in ticks, which begins with the host's lineage.

use selfsame::{Boot, Now};

use super::host::BORN_MS;

/// A challenge lives so long.
const LIFE_MS: u64 = 60_000;

#[derive(Clone, Debug)]
pub struct Clocks {
    boot: u8,
    booted_at: u64,
    /// By how much the wall clock is wrong.
    wrong_ms: i64,
}

impl Clocks {
    pub fn new() -> Self {
        Self { boot: 1, booted_at: 0, wrong_ms: 0 }
    }

    /// What they say at true time `t`.
    pub fn now(&self, t: u64) -> Now {
        let right = BORN_MS + t / 512 * 125 + t % 512 * 1000 / 4096;
        let wall_ms = right.checked_add_signed(self.wrong_ms).expect("dates of this century");
        // every boot's age clock begins elsewhere: it says nothing in another boot
        let ticks = t - self.booted_at + u64::from(self.boot % 3) * 1_000_000_007;
        Now { boot: Boot([self.boot; 16]), ticks, wall_ms }
    }

    pub fn reboot(&mut self, t: u64) {
        self.boot += 1;
        self.booted_at = t;
    }

    /// The wall clock is set, to this much wrong.
    pub fn set_wall(&mut self, wrong_ms: i64) {
        self.wrong_ms = wrong_ms;
    }

    pub fn set_wall_by(&mut self, ms: i64) {
        self.wrong_ms += ms;
    }
}

/// Whether a challenge issued then lives now: 60 s, both ends included, by the age clock in one boot, else by wall
/// time.
pub fn lives(issued: &Now, now: &Now) -> bool {
    if issued.boot == now.boot {
        (issued.ticks..=issued.ticks + LIFE_MS * 4096 / 1000).contains(&now.ticks)
    } else {
        (issued.wall_ms..=issued.wall_ms + LIFE_MS).contains(&now.wall_ms)
    }
}
