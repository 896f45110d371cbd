//! A host that was started anew is of another lineage, and says so.

use selfsame::{Policy, ProveRefusal, Reason, Refusal};
use selfsame_store::{ChallengeOptions, EnrolOptions, StoreError};

use super::meeting::{Meeting, PEER};

#[test]
fn a_new_lineage_after_a_reboot_is_another_lineage_never_an_alarm() {
    let mut meeting = Meeting::enrolled();
    let before = meeting.machine.lineage();
    let [answered, asked] = [meeting.ask(), meeting.ask()];
    let in_flight = meeting.answer(&answered);
    let old = meeting.machine.introduces(meeting.t);
    meeting.passes(10_000);
    meeting.machine.reboots(&mut meeting.chance, meeting.t);
    let own = meeting.machine.lineage();
    // the host: not its own, and whom it follows
    meeting.passes(1000);
    let refusal = meeting.machine.answers(meeting.t, &[asked]).remove(0).unwrap_err();
    assert_eq!(refusal, ProveRefusal::OtherLineage { asked: before, own, predecessor: Some(before) });
    assert_eq!(meeting.machine.head().index, 0, "no moment is made for it");
    // what the old lineage said is as right as before
    assert_eq!(meeting.verify(&in_flight).unwrap().known, Some(true));
    // the store: a person is asked, as often as one likes
    let options = ChallengeOptions { anew: true, lineage: None };
    let challenge = meeting.party.ask_with(PEER, meeting.t, &options).unwrap();
    let proof = meeting.answer(&challenge);
    let now = meeting.party.clocks.now(meeting.t);
    for _ in 0..10 {
        let error = meeting.party.enrol(PEER, &proof, meeting.t).unwrap_err();
        let StoreError::Succession { own: known, found, predecessor, reason } = error else {
            panic!("{error}");
        };
        assert_eq!((known, found, predecessor, reason), (before, own, Some(before), Reason::Boot));
        // where it does not belong it answers nothing
        let error =
            meeting.party.store().verify(PEER, &proof.encode(), &now, &Policy::default()).unwrap_err();
        assert!(matches!(error, StoreError::Refused(Refusal::UnknownChallenge)), "{error}");
    }
    let introduction = selfsame::Introduction::parse(&meeting.machine.introduces(meeting.t)).unwrap();
    let error = meeting.party.store().meet(PEER, &introduction, &now, true).unwrap_err();
    assert!(matches!(error, StoreError::OtherLineage { .. }), "{error}");
    let options = EnrolOptions { succeeds: true, ..EnrolOptions::default() };
    let enrolment = meeting.party.store().enrol(PEER, &proof.encode(), &now, &options).unwrap();
    assert!(enrolment.verdict.first_meeting);
    assert_eq!((enrolment.succeeds, enrolment.verdict.lineage), (Some(before), own));
    assert_eq!(meeting.meets().known, Some(true));
    // what introduced the old one is of the past
    let introduction = selfsame::Introduction::parse(&old).unwrap();
    let error = meeting.party.store().meet(PEER, &introduction, &now, true).unwrap_err();
    assert!(matches!(error, StoreError::PastLineage { .. }), "{error}");
}

#[test]
fn a_bare_id_of_before_the_reboot_is_another_lineage() {
    let mut meeting = Meeting::strangers();
    let before = meeting.machine.lineage();
    meeting.machine.reboots(&mut meeting.chance, meeting.t);
    let options = ChallengeOptions { anew: false, lineage: Some(before) };
    let challenge = meeting.party.ask_with(PEER, meeting.t, &options).unwrap();
    meeting.passes(100);
    let own = meeting.machine.lineage();
    let refusal = meeting.machine.answers(meeting.t, &[challenge]).remove(0).unwrap_err();
    assert_eq!(refusal, ProveRefusal::OtherLineage { asked: before, own, predecessor: Some(before) });
}

#[test]
fn a_relying_party_that_is_started_anew_goes_on() {
    let mut meeting = Meeting::enrolled();
    let mut beside = meeting.party.beside();
    for _ in 0..8 {
        let challenge = meeting.ask();
        meeting.party.restart();
        let proof = meeting.answer(&challenge);
        beside.restart();
        // issued by one process, and taken by another
        let verdict = beside.verify(PEER, &proof.encode(), meeting.t).unwrap();
        assert_eq!(verdict.known, Some(true));
        assert_eq!(meeting.verify(&proof).unwrap_err(), Refusal::UnknownChallenge);
    }
}
