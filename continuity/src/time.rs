//! Section 7, check 6: whether a lineage grows as fast as time passes, by the verifier's own clocks.

use crate::cbor::{ParseError, Reader, Writer, there};
use crate::moment::Genesis;
use crate::odometer::TICKS_PER_SECOND;

/// Slack by the age clock: a second.
pub(crate) const SLACK_TICKS: i128 = TICKS_PER_SECOND as i128;

/// Slack by wall time: ten minutes.
const WALL_SLACK_TICKS: i128 = 600 * TICKS_PER_SECOND as i128;

/// A boot of the verifier's machine, by the kernel's `boot_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot(pub [u8; 16]);

/// The verifier's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Which boot `ticks` count in.
    pub boot: Boot,
    /// Its age clock in ticks of 1/4096 s: like a lineage's, counts suspend and is never slewed.
    pub ticks: u64,
    /// Unix time in milliseconds.
    pub wall_ms: u64,
}

/// How a proof's time was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// By the age clock, to a second.
    Checked,
    /// By wall time, at a first meeting, or as the verifier was started anew since: to ten minutes.
    CheckedByWall,
    /// At a first meeting, the lineage is ahead of the wall time that it began with: policy decides.
    First,
    /// The verifier's wall time was set back: policy decides.
    Unjudged,
}

/// A head that was accepted, or introduced, and the verifier's clocks then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    index: u64,
    at: Now,
    /// Whether it lagged itself, or a head that was accepted since then did.
    lagged: bool,
}

/// Which of two heads bounds a later one more, at every time to come.
type Tighter = fn(i128, i128, i128) -> bool;

/// The heads that bound later ones most: one by the age clock of the current boot, one by wall time in it, and
/// one by wall time of all boots before. (One is enough: which of two bounds more does not change with time.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bound {
    here: Option<Seen>,
    here_by_wall: Option<Seen>,
    past: Option<Seen>,
}

/// What a relying party keeps of one lineage's times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    /// Heads by the issue of their challenges: later ones must not be ahead of these.
    ahead: Bound,
    /// Heads by their acceptance: later ones must not be behind these.
    behind: Bound,
    /// Index and wall time of the introduced moment, until a proof confirms it.
    introduced: Option<(u64, u64)>,
    /// The largest wall time that was seen.
    wall_max_ms: u64,
}

/// What check 6 finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) timing: Timing,
    /// Ticks by which it lags, beyond the slack.
    pub(crate) lag: u64,
    /// Ticks by which it is ahead, beyond the slack, and whether a head since the one that says so lagged.
    pub(crate) ahead: Option<(u64, bool)>,
}

/// Whether growing by so many ticks while so many passed is not too much.
pub(crate) fn not_ahead(growth: i128, elapsed: i128, slack: i128) -> bool {
    growth <= most(elapsed) + slack
}

fn most(elapsed: i128) -> i128 {
    elapsed + elapsed.div_euclid(1000)
}

fn least(elapsed: i128) -> i128 {
    elapsed - elapsed.div_euclid(1000)
}

impl Times {
    /// The times of a lineage that was introduced: by a moment of this index and wall time.
    pub(crate) fn introduced(index: u64, wall_ms: u64, now: &Now) -> Self {
        let mut times = Self { introduced: Some((index, wall_ms)), ..Self::default() };
        times.behind.add(Seen { index, at: *now, lagged: false }, now, later_asks_more);
        times.wall_max_ms = now.wall_ms;
        times
    }

    /// Checks a head at index `head`, in answer to a challenge issued at `issued`.
    pub(crate) fn check(&self, head: u64, issued: &Now, now: &Now, genesis: Option<&Genesis>) -> Found {
        let set_back = now.wall_ms < self.wall_max_ms.max(issued.wall_ms);
        let mut found = Found { timing: Timing::Checked, lag: 0, ahead: None };
        for (seen, by_wall) in self.ahead.relevant(now, now) {
            let (elapsed, slack) = elapsed(&seen.at, now, by_wall);
            let growth = i128::from(head) - i128::from(seen.index);
            if !found.can_judge(by_wall, set_back) {
                continue;
            }
            if !not_ahead(growth, elapsed, slack) {
                found.is_ahead(growth - most(elapsed) - slack, seen.lagged);
            }
        }
        for (seen, by_wall) in self.behind.relevant(issued, now) {
            let (elapsed, slack) = elapsed(&seen.at, issued, by_wall);
            let growth = i128::from(head) - i128::from(seen.index);
            if !found.can_judge(by_wall, set_back) {
                continue;
            }
            let lag = u64::try_from(least(elapsed) - slack - growth).unwrap_or(0);
            found.lag = found.lag.max(lag);
        }
        let first = self.introduced.or_else(|| genesis.map(|genesis| (0, genesis.wall_ms())));
        if let Some((index, wall_ms)) = first.filter(|_| self.ahead.is_empty()) {
            let elapsed = ticks_of_ms(i128::from(now.wall_ms.saturating_sub(wall_ms)));
            let growth = i128::from(head) - i128::from(index);
            if found.can_judge(true, set_back) && !not_ahead(growth, elapsed, WALL_SLACK_TICKS) {
                found.timing = Timing::First;
            }
        }
        found
    }

    /// Keeps the head that was accepted; `anew` where a person let it pass in spite of its time.
    pub(crate) fn accept(&mut self, head: u64, issued: &Now, now: &Now, lagged: bool, anew: bool) {
        if anew {
            (self.ahead, self.behind) = (Bound::default(), Bound::default());
        }
        if lagged {
            self.ahead.mark_lagged();
        }
        self.ahead.add(Seen { index: head, at: *issued, lagged }, now, earlier_allows_more);
        self.behind.add(Seen { index: head, at: *now, lagged: false }, now, later_asks_more);
        self.introduced = None;
        let wall_max_ms = now.wall_ms.max(issued.wall_ms);
        self.wall_max_ms = if anew { wall_max_ms } else { self.wall_max_ms.max(wall_max_ms) };
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.map(3 + there([self.introduced.is_some()]));
        writer.uint(1);
        self.ahead.write(writer);
        writer.uint(2);
        self.behind.write(writer);
        if let Some((index, wall_ms)) = self.introduced {
            writer.uint(3).array(2).uint(index).uint(wall_ms);
        }
        writer.uint(4).uint(self.wall_max_ms);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut times = Self::default();
        reader.map("times", |reader, key| {
            match key {
                1 => times.ahead = Bound::read(reader)?,
                2 => times.behind = Bound::read(reader)?,
                3 => {
                    reader.array_of("introduced", 2, "an array of index and wall time")?;
                    times.introduced = Some((reader.index("introduced")?, reader.uint("introduced")?));
                }
                4 => times.wall_max_ms = reader.uint("wall")?,
                _ => return Err(reader.unknown(key)),
            }
            Ok(())
        })?;
        Ok(times)
    }
}

impl Found {
    /// Whether a head can be held against this clock, and says so where that is the wall's.
    fn can_judge(&mut self, by_wall: bool, set_back: bool) -> bool {
        if by_wall {
            self.timing = if set_back { Timing::Unjudged } else { Timing::CheckedByWall };
        }
        !(by_wall && set_back)
    }

    fn is_ahead(&mut self, by: i128, lagged: bool) {
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        self.ahead = Some(self.ahead.map_or((by, lagged), |(most, any)| (most.max(by), any || lagged)));
    }
}

impl Bound {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The heads to check now, by the time that passed from each to `to`; each with whether by wall time.
    fn relevant(&self, to: &Now, now: &Now) -> impl Iterator<Item = (Seen, bool)> {
        let is_here = self.here.is_some_and(|seen| seen.at.boot == now.boot) && to.boot == now.boot;
        let here = if is_here { self.here } else { self.here_by_wall };
        here.map(|seen| (seen, !is_here)).into_iter().chain(self.past.map(|seen| (seen, true)))
    }

    fn add(&mut self, seen: Seen, now: &Now, later_is_tighter: Tighter) {
        let tighter = |kept: Option<Seen>, seen: Seen, by_wall: bool| {
            kept.map_or(seen, |kept| {
                let later = elapsed(&kept.at, &seen.at, by_wall).0;
                let (first, second, gap) =
                    if later >= 0 { (kept, seen, later) } else { (seen, kept, -later) };
                if later_is_tighter(first.index.into(), second.index.into(), gap) { second } else { first }
            })
        };
        if self.here.is_some_and(|here| here.at.boot != now.boot) {
            if let Some(gone) = self.here_by_wall {
                self.past = Some(tighter(self.past, gone, true));
            }
            (self.here, self.here_by_wall) = (None, None);
        }
        if seen.at.boot == now.boot {
            self.here = Some(tighter(self.here, seen, false));
            self.here_by_wall = Some(tighter(self.here_by_wall, seen, true));
        } else {
            self.past = Some(tighter(self.past, seen, true));
        }
    }

    fn mark_lagged(&mut self) {
        for seen in [&mut self.here, &mut self.here_by_wall, &mut self.past].into_iter().flatten() {
            seen.lagged = true;
        }
    }

    fn write(&self, writer: &mut Writer) {
        let seen = [(1, self.here), (2, self.here_by_wall), (3, self.past)];
        writer.map(there(seen.map(|(_, seen)| seen.is_some())));
        for (key, seen) in seen {
            if let Some(Seen { index, at, lagged }) = seen {
                writer.uint(key).array(3).uint(index);
                at.write(writer);
                writer.bool(lagged);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut bound = Self::default();
        reader.map("bound", |reader, key| {
            let place = match key {
                1 => &mut bound.here,
                2 => &mut bound.here_by_wall,
                3 => &mut bound.past,
                _ => return Err(reader.unknown(key)),
            };
            reader.array_of("seen", 3, "an array of index, time and lagged")?;
            let (index, at) = (reader.index("seen")?, Now::read(reader)?);
            *place = Some(Seen { index, at, lagged: reader.bool("seen")? });
            Ok(())
        })?;
        Ok(bound)
    }
}

impl Now {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(3).bytes(&self.boot.0).uint(self.ticks).uint(self.wall_ms);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        reader.array_of("time", 3, "an array of boot, ticks and wall time")?;
        let boot =
            reader.bytes("time")?.try_into().map_err(|_| reader.wrong("time", "a boot of 16 bytes"))?;
        Ok(Self { boot: Boot(boot), ticks: reader.uint("time")?, wall_ms: reader.uint("time")? })
    }

    /// Whether no more than `ms` have passed since `self`, and none run backwards.
    pub(crate) fn is_within(&self, now: &Self, ms: u64) -> bool {
        let (elapsed, _) = elapsed(self, now, self.boot != now.boot);
        (0..=ticks_of_ms(ms.into())).contains(&elapsed)
    }
}

/// Ticks from one time to another, and the slack that goes with that clock.
fn elapsed(from: &Now, to: &Now, by_wall: bool) -> (i128, i128) {
    if by_wall {
        (ticks_of_ms(i128::from(to.wall_ms) - i128::from(from.wall_ms)), WALL_SLACK_TICKS)
    } else {
        (i128::from(to.ticks) - i128::from(from.ticks), SLACK_TICKS)
    }
}

fn ticks_of_ms(ms: i128) -> i128 {
    (ms * i128::from(TICKS_PER_SECOND)).div_euclid(1000)
}

/// Of two heads' challenges, issued `gap` ticks apart: whether the later one allows less.
fn earlier_allows_more(first: i128, second: i128, gap: i128) -> bool {
    second <= first + most(gap)
}

/// Of two heads, accepted `gap` ticks apart: whether the later one asks more.
fn later_asks_more(first: i128, second: i128, gap: i128) -> bool {
    second >= first + least(gap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, EvidenceFields, Origin, Reason};
    use crate::hash::{Pledge, Salt};
    use crate::odometer::TIERS;

    const SECOND: u64 = TICKS_PER_SECOND;
    const HOUR: u64 = 3600 * SECOND;

    /// The clocks after so many hours: both run alike.
    fn at(boot: u8, hours: u64) -> Now {
        Now { boot: Boot([boot; 16]), ticks: hours * HOUR, wall_ms: hours * 3_600_000 }
    }

    /// A lineage that began after so many hours.
    fn genesis(hours: u64) -> Genesis {
        let evidence = Evidence::new(EvidenceFields::default()).expect("short");
        let origin = Origin::new(Reason::Install, None);
        let pledges = [Pledge::new([0; 32]); TIERS];
        Genesis::compose(pledges, at(1, hours).wall_ms, evidence, Salt::new([0; 32]), origin)
    }

    #[test]
    fn the_first_head_after_an_introduction_is_held_against_the_moments_wall_time() {
        // made in the fifth hour of its lineage, at 7, introduced at 8, asked at 10
        let times = Times::introduced(5 * HOUR, at(1, 7).wall_ms, &at(1, 8));
        let check = |head, now: &Now| times.check(head, now, now, None);
        let found = |timing, lag| Found { timing, lag, ahead: None };
        let now = at(1, 10);
        let most = 5 * HOUR + 3 * HOUR + 3 * HOUR / 1000 + 600 * SECOND;
        assert_eq!(check(most, &now), found(Timing::CheckedByWall, 0));
        assert_eq!(check(most + 1, &now), found(Timing::First, 0));
        let least = 5 * HOUR + 2 * HOUR - 2 * HOUR / 1000 - SECOND;
        assert_eq!(check(least, &now), found(Timing::CheckedByWall, 0));
        assert_eq!(check(least - 1, &now), found(Timing::CheckedByWall, 1));
        let set_back = Now { wall_ms: at(1, 8).wall_ms - 1, ..now };
        assert_eq!(check(most + 1, &set_back), found(Timing::Unjudged, 0));
    }

    #[test]
    fn a_head_after_another_is_not_held_against_the_genesis() {
        let (mut times, genesis) = (Times::default(), genesis(1));
        let check = |times: &Times, head, now: &Now| times.check(head, now, now, Some(&genesis));
        let found = |timing| Found { timing, lag: 0, ahead: None };
        // six hours of growth in one
        assert_eq!(check(&times, 6 * HOUR, &at(1, 2)), found(Timing::First));
        times.accept(6 * HOUR, &at(1, 2), &at(1, 2), false, false);
        assert_eq!(check(&times, 7 * HOUR, &at(1, 3)), found(Timing::Checked));
    }

    #[test]
    fn the_pair_that_bounds_most_is_kept_in_whichever_order_two_are_accepted() {
        let index = |seen: Option<Seen>| seen.map(|seen| seen.index);
        let (first, gap) = (10 * HOUR, 5 * HOUR);
        let (alike_ahead, alike_behind) = (gap + gap / 1000, gap - gap / 1000);
        // so much later it has grown by `grown`: of two that bound alike the later is kept
        for (grown, ahead, behind) in [
            (gap / 2, gap / 2, 0),
            (alike_behind, alike_behind, alike_behind),
            (alike_ahead, alike_ahead, alike_ahead),
            (gap * 2, 0, gap * 2),
        ] {
            let accepted = [(first, at(1, 1)), (first + grown, at(1, 6))];
            for order in [[0, 1], [1, 0]] {
                let mut times = Times::default();
                for (head, now) in order.map(|which| accepted[which]) {
                    times.accept(head, &now, &now, false, false);
                }
                assert_eq!(index(times.ahead.here), Some(first + ahead), "grown by {grown}, {order:?}");
                assert_eq!(index(times.behind.here), Some(first + behind), "grown by {grown}, {order:?}");
            }
        }
    }

    #[test]
    fn it_is_an_alarm_where_any_head_that_says_so_lagged() {
        for lagged in [false, true] {
            let mut times = Times::default();
            times.accept(HOUR, &at(1, 1), &at(1, 1), lagged, false);
            // the verifier is started anew: a head of each boot bounds
            times.accept(2 * HOUR, &at(2, 2), &at(2, 2), false, false);
            let found = times.check(10 * HOUR, &at(2, 2), &at(2, 2), None);
            assert_eq!(found.ahead, Some((8 * HOUR - SECOND, lagged)));
        }
    }

    #[test]
    fn a_lag_marks_every_head_that_is_kept() {
        let mut times = Times::default();
        times.accept(HOUR, &at(1, 1), &at(1, 1), false, false);
        times.accept(2 * HOUR, &at(2, 2), &at(2, 2), false, false);
        times.accept(3 * HOUR, &at(2, 3), &at(2, 3), true, false);
        let Bound { here, here_by_wall, past } = times.ahead;
        let lagged = [here, here_by_wall, past].map(|seen| seen.map(|seen| seen.lagged));
        assert_eq!(lagged, [Some(true); 3]);
        assert_eq!(times.behind.past.map(|seen| seen.lagged), Some(false));
    }

    #[test]
    fn what_is_kept_of_times_is_read_again() {
        let mut times = Times::introduced(HOUR, 7, &at(1, 1));
        let same = |times: &Times| {
            let mut writer = Writer::default();
            times.write(&mut writer);
            let bytes = writer.finish();
            let read = Reader::whole("times", bytes.len(), &bytes, Times::read);
            assert_eq!(read.as_ref(), Ok(times));
        };
        same(&times);
        times.accept(2 * HOUR, &at(1, 2), &at(1, 2), true, false);
        times.accept(3 * HOUR, &at(2, 3), &at(2, 3), false, false);
        assert!(times.ahead.past.is_some() && times.behind.past.is_some());
        same(&times);
    }
}
