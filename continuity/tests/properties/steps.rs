//! Section 7, step 6, word for word and slowly: every pair of a head and its times is kept, and asked.

use selfsame::{Now, Timing};

/// A head that was accepted by a proof.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    index: u64,
    issued: Now,
    accepted: Now,
    /// Whether it lagged itself.
    lagged: bool,
}

/// All that step 6 may ask of a lineage.
#[derive(Clone, Debug, Default)]
pub struct EveryPair {
    accepted: Vec<Accepted>,
    /// The introduced moment's index and wall time, and when it was taken.
    introduced: Option<(u64, u64, Now)>,
}

/// What step 6 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    pub timing: Timing,
    /// Ticks that it is ahead at most, beyond the slack.
    pub ahead: Option<u64>,
    /// Of the pairs that it is ahead of: whether a head that was accepted since then lagged, of any and of all.
    pub lagged_since: (bool, bool),
    /// Ticks that it lags at most, beyond the slack.
    pub lag: u64,
}

impl EveryPair {
    pub fn introduced(index: u64, wall_ms: u64, now: Now) -> Self {
        Self { accepted: Vec::new(), introduced: Some((index, wall_ms, now)) }
    }

    /// What it says of a head at index `h`, in answer to a challenge that was issued then; at a first meeting with
    /// the wall time of the genesis.
    pub fn say(&self, h: u64, issued: &Now, now: &Now, genesis_ms: Option<u64>) -> Says {
        let kept = self.accepted.iter().flat_map(|pair| [pair.issued.wall_ms, pair.accepted.wall_ms]);
        let kept = kept.chain(self.introduced.map(|(_, _, taken)| taken.wall_ms)).chain([issued.wall_ms]);
        let is_set_back = kept.max() > Some(now.wall_ms);
        let (mut timing, mut ahead, mut since, mut lag) = (Timing::Checked, None, (false, true), 0);
        let h = i128::from(h);
        for (place, pair) in self.accepted.iter().enumerate() {
            let Some((e, slack)) = elapsed(&pair.issued, now, now, is_set_back, &mut timing) else {
                continue;
            };
            let over = h - i128::from(pair.index) - (e + e.div_euclid(1000) + slack);
            if over > 0 {
                let lagged = self.accepted[place..].iter().any(|later| later.lagged);
                since = (since.0 || lagged, since.1 && lagged);
                ahead = ahead.max(Some(over as u64));
            }
        }
        let pairs = self.accepted.iter().map(|pair| (pair.index, pair.accepted));
        for (i, at) in pairs.chain(self.introduced.map(|(index, _, taken)| (index, taken))) {
            let Some((d, slack)) = elapsed(&at, issued, now, is_set_back, &mut timing) else { continue };
            let under = d - d.div_euclid(1000) - slack - (h - i128::from(i));
            lag = lag.max(u64::try_from(under).unwrap_or(0));
        }
        if let Some(most) = self.first(now, genesis_ms) {
            timing = match is_set_back {
                true => Timing::Unjudged,
                false if h > i128::from(most) => Timing::First,
                false => Timing::CheckedByWall,
            };
        }
        Says { timing, ahead, lagged_since: since, lag }
    }

    /// At a first meeting, and the first time after an introduction: the last index that is not ahead of the wall
    /// time in the genesis or in the introduced moment.
    pub fn first(&self, now: &Now, genesis_ms: Option<u64>) -> Option<u64> {
        let introduced = self.introduced.map(|(index, wall_ms, _)| (index, wall_ms));
        let (i, began_ms) = introduced.or(Some(0).zip(genesis_ms)).filter(|_| self.accepted.is_empty())?;
        let e = ticks(i128::from(now.wall_ms) - i128::from(began_ms)).max(0);
        u64::try_from(i128::from(i) + e + e / 1000 + BY_WALL).ok()
    }

    /// A head was accepted; in spite of its time, where a person let it pass.
    pub fn accept(&mut self, index: u64, issued: Now, accepted: Now, says: &Says, in_spite: bool) {
        if in_spite {
            *self = Self::default();
        }
        self.accepted.push(Accepted { index, issued, accepted, lagged: says.lag > 0 });
    }

    /// The indices at which what it says of a head changes: not ahead up to the first, not lagging from the second.
    pub fn bounds(&self, issued: &Now, now: &Now) -> (Option<u64>, Option<u64>) {
        let least = |from: u64| self.say(from, issued, now, None);
        // what it says changes one for one with the index
        let far = 1 << 62;
        let most = least(far).ahead.map(|over| far - over);
        let behind = Some(least(0).lag).filter(|lag| *lag > 0);
        (most, behind)
    }
}

const BY_CLOCK: i128 = 4096;
const BY_WALL: i128 = 600 * 4096;

/// Ticks from one time to another, by the age clock where both are of this boot, else by wall time, and the slack;
/// `None` where they can't be judged, since the wall time was set back.
fn elapsed(from: &Now, to: &Now, now: &Now, is_set_back: bool, timing: &mut Timing) -> Option<(i128, i128)> {
    if from.boot == now.boot && to.boot == now.boot {
        return Some((i128::from(to.ticks) - i128::from(from.ticks), BY_CLOCK));
    }
    *timing = if is_set_back { Timing::Unjudged } else { Timing::CheckedByWall };
    (!is_set_back).then(|| (ticks(i128::from(to.wall_ms) - i128::from(from.wall_ms)), BY_WALL))
}

fn ticks(ms: i128) -> i128 {
    (ms * 4096).div_euclid(1000)
}
