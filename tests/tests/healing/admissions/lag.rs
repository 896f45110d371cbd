//! The last minute: what a lag that is only reported leaves to a young copy.

use selfsame::{ProveRefusal, Refusal};
use selfsame_tests::play::asked_for_hop;

use super::{BEAT, COPIED, Copied};
use crate::scene::{PEER, SECOND};

/// A lag up to this is reported, beyond it refused.
const LAG: u64 = 60 * SECOND;

#[test]
fn the_last_60_s_a_lag_up_to_60_s_is_reported_and_not_refused() {
    let t = COPIED + 600 * SECOND;
    let mut copied = Copied::new(20);
    // what the clocks allow a host, by the meeting half an hour ago and more
    let elapsed = t - 1 - super::MET;
    let least = super::MET + elapsed - elapsed / 1000 - SECOND;
    for (behind, lag) in [(0, 0), (1, 1), (LAG / 2, LAG / 2), (LAG, LAG)] {
        let party = copied.party.twin();
        let verdict = copied.thief_answers(t, least - behind).unwrap();
        assert_eq!((verdict.lag, verdict.known), (lag, Some(true)));
        copied = Copied { party, ..Copied::new(20) };
    }
    let refusal = copied.thief_answers(t, least - LAG - 1).unwrap_err();
    assert_eq!(refusal, Refusal::Stalled { lag: LAG + 1, max: LAG });
}

/// Used at that age, by a head as of right after the copy. Then the host goes on for so many beats, and is asked.
/// Whether its answers to the questions show a fork; `None` where the copy was refused.
fn is_shown(age: u64, beats: u64) -> Option<bool> {
    let mut copied = Copied::new(21);
    let used = COPIED + age;
    copied.thief_answers(used, COPIED + 1).ok()?;
    for n in 1..=beats {
        copied.host.moment(used + n * BEAT);
    }
    let t = used + (beats + 1) * BEAT;
    let challenge = copied.party.ask(PEER, t - 1).unwrap();
    let answer = copied.host.try_prove(t, &[challenge]).unwrap().remove(0);
    assert!(
        matches!(answer, Err(ProveRefusal::ForeignAnchor { .. })),
        "it is noticed all the same: {answer:?}"
    );
    let Copied { party, host, .. } = &mut copied;
    let fork = party.questioned(PEER, |index, tier| asked_for_hop(host, index, tier));
    Some(fork.is_some())
}

#[test]
fn a_copy_younger_than_the_last_60_s_can_hide_when_it_parted_from_the_host() {
    // if the host is asked at once, it shows it
    assert_eq!(is_shown(50 * SECOND, 3), Some(true));
    // after 64 moments it has forgotten the opening of a pledge that stood for a tick
    assert_eq!(is_shown(50 * SECOND, 70), Some(false));
    // an older one can't backdate so far
    assert_eq!(is_shown(70 * SECOND, 70), None);
}
