//! Heads that were handed out, and used late or never.

use selfsame::{Introduction, Refusal};

use super::machine::SECOND;
use super::meeting::{Meeting, PEER};

const DAY: u64 = 86_400 * SECOND;

#[test]
fn an_introduction_taken_up_late_goes_on() {
    let mut meeting = Meeting::strangers();
    meeting.passes(DAY);
    let introduction = meeting.machine.introduces(meeting.t);
    // the host answers others meanwhile
    for _ in 0..200 {
        meeting.passes(3600 * SECOND);
        meeting.machine.introduces(meeting.t);
    }
    let introduction = Introduction::parse(&introduction).unwrap();
    meeting.party.meet(PEER, &introduction, meeting.t).unwrap();
    let [first, fragile] = [meeting.ask(), meeting.ask()];
    let [first, fragile] = [meeting.answer(&first), meeting.answer(&fragile)];
    let verdict = meeting.verify(&first).unwrap();
    assert_eq!((verdict.known, verdict.lag, verdict.first_meeting), (Some(true), 0, false));
    assert!(verdict.gap > 8 * DAY, "{}", verdict.gap);
    // it was made against what no proof had confirmed
    assert_eq!(meeting.verify(&fragile), Err(Refusal::UnknownChallenge));
    assert_eq!(meeting.meets().known, Some(true));
}

#[test]
fn heads_that_are_never_used_are_in_nobodys_way() {
    let mut meeting = Meeting::enrolled();
    let mut other = Meeting::strangers().party;
    for _ in 0..50 {
        meeting.passes(SECOND);
        // in a proof that is lost, in one for somebody else, and in an introduction
        let lost = meeting.ask();
        meeting.answer(&lost);
        let challenge = other.ask(PEER, meeting.t).unwrap();
        meeting.answer(&challenge);
        meeting.machine.introduces(meeting.t);
    }
    meeting.passes(DAY);
    let verdict = meeting.meets();
    assert_eq!((verdict.known, verdict.lag), (Some(true), 0));
}

#[test]
fn an_answer_is_too_late_only_after_60_s() {
    let mut meeting = Meeting::enrolled();
    let (first, second) = (meeting.ask(), meeting.ask());
    let issued = meeting.t;
    let [first, second] = [meeting.answer(&first), meeting.answer(&second)].map(|proof| proof.encode());
    let party = &mut meeting.party;
    assert_eq!(party.verify(PEER, &second, issued + 60 * SECOND + 1), Err(Refusal::Expired));
    assert_eq!(party.verify(PEER, &first, issued + 60 * SECOND), Err(Refusal::Expired));
    assert_eq!(party.verify(PEER, &second, issued + 60 * SECOND).unwrap().known, Some(true));
}
