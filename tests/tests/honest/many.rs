//! Many challenges out at once.

use selfsame::Refusal;

use super::machine::SECOND;
use super::meeting::{Meeting, PEER};

#[test]
fn more_than_64_unconfirmed_heads_are_busy_and_nothing_is_lost() {
    let mut meeting = Meeting::enrolled();
    // all of them name one head, and each is answered by a head of its own
    let challenges: Vec<_> = (0..100).map(|_| meeting.ask()).collect();
    let proofs: Vec<_> = challenges.iter().map(|challenge| meeting.answer(challenge)).collect();
    let mut proofs = proofs.iter();
    for taken in 1..=64 {
        // the one that they name is confirmed by the first
        assert!(meeting.verify(proofs.next().unwrap()).is_ok());
        assert_eq!(meeting.unconfirmed(), taken);
    }
    let mut waiting: Vec<_> = proofs.collect();
    assert_eq!(waiting.len(), 36);
    for proof in &waiting {
        // more often than a challenge may be refused
        for _ in 0..10 {
            assert_eq!(meeting.verify(proof), Err(Refusal::Busy));
        }
    }
    assert_eq!(meeting.unconfirmed(), 64);
    // whoever asks now names all of them: one answer confirms them
    let challenge = meeting.ask();
    assert_eq!(challenge.since().len(), 64);
    let proof = meeting.answer(&challenge);
    assert_eq!(meeting.verify(&proof).unwrap().known, Some(true));
    assert_eq!(meeting.unconfirmed(), 1);
    // and those that were busy are taken, though newer ones have overtaken them
    for proof in waiting.drain(..) {
        let verdict = meeting.verify(proof).unwrap();
        assert_eq!((verdict.known, verdict.moved), (Some(true), false));
    }
    assert_eq!(meeting.unconfirmed(), 37);
    assert_eq!(meeting.meets().known, Some(true));
}

#[test]
fn answers_that_are_lost_leave_nothing_unconfirmed() {
    let mut meeting = Meeting::enrolled();
    for round in 0..70 {
        let lost = meeting.ask();
        meeting.answer(&lost);
        meeting.meets();
        assert_eq!(meeting.unconfirmed(), 1, "round {round}: only what was accepted counts");
    }
}

#[test]
fn answers_that_overtake_one_another_all_stand() {
    let mut meeting = Meeting::enrolled();
    let challenges: Vec<_> = (0..40).map(|_| meeting.ask()).collect();
    let mut proofs: Vec<_> = challenges.iter().map(|challenge| meeting.answer(challenge)).collect();
    proofs.reverse();
    for (number, proof) in proofs.iter().enumerate() {
        let verdict = meeting.verify(proof).unwrap();
        assert_eq!((verdict.known, verdict.moved), (Some(true), number == 0));
        assert_eq!(meeting.unconfirmed(), number + 1);
    }
    assert_eq!(meeting.meets().known, Some(true));
    assert_eq!(meeting.unconfirmed(), 1);
}

#[test]
fn one_moment_that_answers_many_is_one_head() {
    let mut meeting = Meeting::enrolled();
    let challenges: Vec<_> = (0..100).map(|_| meeting.ask()).collect();
    meeting.passes(SECOND);
    let proofs = meeting.machine.answers(meeting.t, &challenges);
    for proof in proofs {
        assert_eq!(meeting.verify(&proof.unwrap()).unwrap().known, Some(true));
        assert_eq!(meeting.unconfirmed(), 1);
    }
}

#[test]
fn of_two_enrolments_at_once_the_second_challenge_dies() {
    let mut meeting = Meeting::strangers();
    let [first, second] = [meeting.ask(), meeting.ask()];
    let [first, second] = [meeting.answer(&first), meeting.answer(&second)];
    meeting.party.enrol(PEER, &second, meeting.t).unwrap();
    let error = meeting.party.enrol(PEER, &first, meeting.t).unwrap_err();
    assert!(
        matches!(error, selfsame_store::StoreError::Refused(Refusal::UnknownChallenge)),
        "no alarm: it is simply over: {error}"
    );
    assert_eq!(meeting.meets().known, Some(true));
}
