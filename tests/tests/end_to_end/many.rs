//! Many at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use selfsame_tests::{Host, Relying};

#[tokio::test]
async fn two_hundred_callers_get_right_proofs() {
    const CALLERS: usize = 200;
    let host = Host::start().await;
    let before = host.identity().await.moments().await.unwrap();
    let mut doors: Vec<_> = (0..CALLERS).map(|door| Relying::new(&format!("door {door}"))).collect();

    let challenges: Vec<_> = doors.iter_mut().map(Relying::challenge).collect();
    let connections = join_all((0..CALLERS).map(|_| host.bus.connect())).await;
    let identities = join_all(connections.iter().map(selfsame_dbus::Identity1Proxy::uncached)).await;
    let options = selfsame_dbus::Options::new();
    let asked = identities.iter().zip(&challenges).map(|(identity, challenge)| {
        let payload = selfsame_dbus::Bytes::new(challenge.nonce());
        let challenge_bytes = selfsame_dbus::Bytes::new(challenge.as_bytes());
        identity.as_ref().unwrap().prove(challenge.audience(), challenge_bytes, payload, &options)
    });
    let proofs = join_all(asked).await;

    let mut heads = BTreeSet::new();
    for ((door, challenge), proof) in doors.iter_mut().zip(&challenges).zip(proofs) {
        let enrolment = door.enrol(&proof.unwrap()).unwrap();
        assert_eq!(enrolment.verdict.statement.audience(), challenge.audience());
        assert_eq!(enrolment.verdict.statement.payload(), Some(challenge.nonce()), "each its own");
        heads.insert(enrolment.verdict.index);
    }
    let moments = host.identity().await.moments().await.unwrap() - before;
    println!("{CALLERS} callers were answered by {} moments", heads.len());
    assert!(moments >= heads.len() as u64);
    assert!(heads.len() < CALLERS, "what waits becomes one moment");
}

#[tokio::test]
async fn fifty_challenges_against_one_anchor_are_answered_out_of_order() {
    const OUT: usize = 50;
    let host = Host::start().await;
    let mut door = Relying::new("door");
    let enrolled = door.meet_first(&host).await;
    let challenges: Vec<_> = (0..OUT).map(|_| door.challenge()).collect();
    assert!(challenges.iter().all(|challenge| challenge.start() == enrolled.verdict.index));

    let mut proofs = Vec::new();
    for challenge in &challenges {
        proofs.push(host.prove("door", challenge, b"").await.unwrap());
    }
    // the newest first, then every seventh of what is left
    let mut order: Vec<usize> = (0..OUT).map(|place| (OUT - 1 + place * 7) % OUT).collect();
    order.dedup();
    assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), OUT);
    let (mut moved, mut newest) = (0, enrolled.verdict.index);
    for place in order {
        let verdict = door.verify(&proofs[place]).unwrap();
        assert_eq!(verdict.known, Some(true));
        assert_eq!(verdict.moved, verdict.index > newest, "the anchor only goes forward");
        moved += usize::from(verdict.moved);
        newest = newest.max(verdict.index);
    }
    assert_eq!(moved, 1, "the newest came first");
    assert_eq!(door.store.peers().unwrap()[0].index, newest);

    let next = door.challenge();
    assert_eq!(next.since().len(), OUT, "all heads are unconfirmed");
    assert_eq!(next.start(), newest);
    let proof = host.prove("door", &next, b"").await.unwrap();
    assert_eq!(door.verify(&proof).unwrap().known, Some(true));
    assert_eq!(door.challenge().since().len(), 1, "the next answer confirmed them all");
}
