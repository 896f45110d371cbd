//! Machines that are suspended or paused, and clocks that are set back.

use selfsame::Timing;

use super::machine::SECOND;
use super::meeting::Meeting;

#[test]
fn a_host_that_was_suspended_does_not_lag() {
    let mut meeting = Meeting::enrolled();
    for hours in [1, 24, 24 * 60] {
        meeting.machine.suspended(meeting.t, hours * 3600 * SECOND);
        meeting.passes(hours * 3600 * SECOND);
        let verdict = meeting.meets();
        assert_eq!((verdict.lag, verdict.timing), (0, Timing::Checked));
    }
}

#[test]
fn a_host_that_was_paused_for_less_than_a_minute_lags_and_is_not_refused() {
    let mut meeting = Meeting::enrolled();
    assert!(meeting.machine.pauses(meeting.t, 59 * SECOND));
    meeting.passes(59 * SECOND);
    let verdict = meeting.meets();
    assert!((57 * SECOND..59 * SECOND).contains(&verdict.lag), "{}", verdict.lag);
    assert_eq!(meeting.meets().known, Some(true), "nor is the next one");
}

#[test]
fn a_clock_set_back_is_not_held_against_the_host() {
    let mut meeting = Meeting::enrolled();
    // in one boot nobody looks at the wall
    meeting.party.clocks.set_wall(-3 * 3600 * 1000);
    assert_eq!(meeting.meets().timing, Timing::Checked);
    // in the next one it can't be judged until the wall clock is past what it said before
    let mut meeting = Meeting::enrolled();
    meeting.party.clocks.reboot(meeting.t);
    meeting.party.clocks.set_wall(-240_000);
    meeting.party.restart();
    assert_eq!(meeting.meets().timing, Timing::Unjudged);
    meeting.passes(241 * SECOND);
    let verdict = meeting.meets();
    assert_eq!((verdict.timing, verdict.lag, verdict.known), (Timing::CheckedByWall, 0, Some(true)));
}
