//! First meetings of each kind, and meeting again.

use std::time::Duration;

use selfsame::Timing;

use selfsame_tests::{Host, Relying};

#[tokio::test]
async fn enrolled_by_first_use_and_verified_again_and_again_with_gaps() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    let enrolment = door.meet_first(&host).await;
    assert!(enrolment.verdict.first_meeting);
    assert_eq!(enrolment.verdict.lineage, host.lineage().await);
    assert_eq!(enrolment.verdict.known, None, "there was no head to know");
    assert_eq!(enrolment.reason, selfsame::Reason::Install);

    let mut before = enrolment.verdict.index;
    for gap_ms in [0, 1, 10, 150, 900, 2500] {
        tokio::time::sleep(Duration::from_millis(gap_ms)).await;
        let verdict = door.ask(&host).await.unwrap();
        assert!(!verdict.first_meeting);
        assert_eq!(verdict.known, Some(true), "after {gap_ms} ms");
        assert!(verdict.moved);
        assert_eq!((verdict.timing, verdict.lag), (Timing::Checked, 0));
        assert_eq!(verdict.gap, verdict.index - before);
        assert!(verdict.gap >= gap_ms * 4096 / 1000, "{} ticks in {gap_ms} ms", verdict.gap);
        assert!((1..=45).contains(&verdict.hops), "{} hops", verdict.hops);
        before = verdict.index;
    }
}

#[tokio::test]
async fn enrolled_by_its_id() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    let challenge = door.challenge_for(Some(host.lineage().await));
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    door.enrol(&proof).unwrap();
    assert_eq!(door.ask(&host).await.unwrap().known, Some(true));
}

#[tokio::test]
async fn met_by_an_introduction() {
    let host = Host::start().await;
    host.wait_for_moments(3).await;
    let mut door = Relying::new("door");
    let introduction = host.identity().await.introduce().await.unwrap();
    door.meet(&introduction);
    host.wait_for_moments(2).await;

    let first = door.ask(&host).await.unwrap();
    assert!(!first.first_meeting, "the anchor came with the introduction");
    assert_eq!(first.known, Some(true), "what was introduced is remembered as handed out");
    assert_eq!(door.ask(&host).await.unwrap().timing, Timing::Checked);
}

#[tokio::test]
async fn two_relying_parties_stand_at_different_anchors() {
    let host = Host::start().await;
    let (mut door, mut gate) = (Relying::new("door"), Relying::new("gate"));
    door.meet_first(&host).await;
    host.wait_for_moments(3).await;
    gate.meet_first(&host).await;
    for round in 0..4 {
        let often = door.ask(&host).await.unwrap();
        assert_eq!(often.known, Some(true));
        if round % 2 == 1 {
            let seldom = gate.ask(&host).await.unwrap();
            assert_eq!(seldom.known, Some(true));
            assert!(seldom.gap > often.gap, "the gate was away for longer");
        }
        host.wait_for_moments(1).await;
    }
    let anchor = |relying: &mut Relying| relying.store.peers().unwrap()[0].index;
    assert_ne!(anchor(&mut door), anchor(&mut gate));
}

#[tokio::test]
async fn the_payload_comes_through() {
    let host = Host::start().await;
    let mut door = Relying::new("door");
    door.meet_first(&host).await;
    for payload in [&b"x"[..], &[0xff; 4096]] {
        let challenge = door.challenge();
        let proof = host.prove("door", &challenge, payload).await.unwrap();
        assert_eq!(door.verify(&proof).unwrap().statement.payload(), Some(payload));
    }
    let challenge = door.challenge();
    let proof = host.prove("door", &challenge, b"").await.unwrap();
    assert_eq!(door.verify(&proof).unwrap().statement.payload(), None, "an empty one is left out");
}
