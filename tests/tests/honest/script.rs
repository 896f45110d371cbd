//! What happens of its own accord, at random.

use super::machine::SECOND;
use super::world::{Act, NAMES, Ways, World};

/// The relying parties' wall clock is wrong by so much at most: any two times are less than ten minutes apart. (By
/// more, and over a reboot, its owner decides: section 7, step 6.)
const MOST_WRONG_MS: i64 = 240_000;

/// Boots that [`selfsame_tests::play::clocks::Clocks`] counts.
const MOST_BOOTS: u32 = 250;

/// What the script remembers.
#[derive(Debug, Default)]
pub struct Script {
    boots: u32,
    /// Peers that nobody asks until an introduction of them is taken up.
    pub awaited: [bool; NAMES.len()],
}

impl World {
    /// Something happens, and something else later.
    pub fn turn(&mut self) {
        let peer = self.chance.index(NAMES.len());
        match self.chance.below(1000) {
            0..60 => {
                let count = 2 + self.chance.below(14);
                self.burst(peer, count, false);
            }
            60..66 => {
                let count = 66 + self.chance.below(50);
                self.burst(peer, count, true);
            }
            66..110 => self.later(0, Act::Elsewhere { peer }),
            110..190 => self.introduction(peer),
            190..240 => {
                let process = self.chance.index(self.processes.len());
                self.later(0, Act::Restart { process });
            }
            240..258 if self.script.boots < MOST_BOOTS => {
                self.script.boots += 1;
                let wrong_ms = self.chance.around(MOST_WRONG_MS);
                self.later(0, Act::Reboot { wrong_ms });
            }
            258..285 => {
                let wrong_ms = self.chance.around(MOST_WRONG_MS);
                self.later(0, Act::SetWall { wrong_ms });
            }
            285..320 => {
                let most = if self.chance.one_in(4) { 8 * 3600 * SECOND } else { 40 * SECOND };
                let ticks = self.chance.up_to(most);
                self.later(0, Act::Suspend { peer, ticks });
            }
            320..360 => {
                let ticks = SECOND + self.chance.below(11 * SECOND);
                self.later(0, Act::Pause { peer, ticks });
            }
            360..370 => self.later(0, Act::HostReboots { peer }),
            370..380 => {
                self.later(0, Act::Forget { peer });
                if self.chance.one_in(2) {
                    self.script.awaited[peer] = true;
                    let back = Some(self.late());
                    self.later(1, Act::Introduce { peer, back });
                }
            }
            _ => self.ask(peer),
        }
        let gap = match self.chance.below(200) {
            0..6 => {
                self.tally.happened("long silence, an hour to two months");
                3600 * SECOND + self.chance.up_to(60 * 86_400 * SECOND)
            }
            6..20 => self.chance.up_to(600 * SECOND),
            _ => self.chance.up_to(4 * SECOND),
        };
        self.later(gap, Act::Turn);
    }

    fn ask(&mut self, peer: usize) {
        if !self.script.awaited[peer] {
            let ways = self.ways();
            self.later(0, Act::Ask { peer, anew: false, ways });
        }
    }

    /// Many challenges at once; where they are hasty, each is answered by a moment of its own, and none is lost.
    fn burst(&mut self, peer: usize, count: u64, hasty: bool) {
        for number in 0..count {
            if hasty && !self.script.awaited[peer] {
                let ways = Ways { there: 50 * number + 1, gathers: 0, back: Some(self.chance.up_to(SECOND)) };
                self.later(0, Act::Ask { peer, anew: false, ways });
            } else {
                self.ask(peer);
            }
        }
    }

    /// How long an introduction lies about.
    fn late(&mut self) -> u64 {
        match self.chance.below(3) {
            0 => self.chance.up_to(60 * SECOND),
            1 => 60 * SECOND + self.chance.below(600 * SECOND),
            _ => self.chance.up_to(3 * 86_400 * SECOND),
        }
    }

    fn introduction(&mut self, peer: usize) {
        let back = self.chance.one_in(2).then(|| self.late());
        self.later(0, Act::Introduce { peer, back });
    }

    /// How long a challenge and its answer take this time.
    pub fn ways(&mut self) -> Ways {
        let gathers = if self.chance.one_in(3) { self.chance.up_to(4 * SECOND) } else { 0 };
        let (there, back) = (self.way(), self.way());
        Ways { there, gathers, back: (!self.chance.one_in(12)).then_some(back) }
    }

    fn way(&mut self) -> u64 {
        match self.chance.below(20) {
            0 => self.chance.below(70 * SECOND) + 1,
            1..5 => self.chance.below(28 * SECOND) + 1,
            _ => self.chance.up_to(2 * SECOND),
        }
    }
}
