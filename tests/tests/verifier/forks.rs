//! A copy that was used: found by a proof, by an answer to a question, or reported by somebody else. It is kept by lineage.

use std::time::Duration;

use futures_util::StreamExt;
use selfsame::Fork;
use selfsame_dbus::{Bytes, ForkFoundStream};
use tokio::time::timeout;

use crate::{
    host::Member,
    scene::{Door, borrowed, cause, confronted, pair, refused},
};

/// The next fork that is told: whose, and itself.
async fn told(forks: &mut ForkFoundStream) -> (String, Vec<u8>) {
    let told = timeout(Duration::from_secs(60), forks.next()).await.expect("it is told").unwrap();
    let args = told.args().unwrap();
    (args.peer.to_owned(), args.fork.to_vec())
}

/// A host that was met, and a copy of it, each with its answer to a challenge of the same time.
async fn parted(door: &Door, seed: u64) -> (Member, Member, [Vec<u8>; 2]) {
    let mut host = Member::born(seed);
    door.enrolled("web", &mut host).await;
    let mut copy = host.copied(seed + 1000);
    let (first, second) = (door.challenge("web").await, door.challenge("web").await);
    let proofs = host.both(&mut copy, [&first, &second]);
    (host, copy, proofs)
}

#[tokio::test]
async fn a_proof_that_forks_is_an_alarm_is_kept_and_is_told() {
    let door = Door::start().await;
    let mut forks = door.verifier.receive_fork_found().await.unwrap();
    let (mut host, mut copy, proofs) = parted(&door, 1).await;
    door.verify("web", &proofs[1]).await.unwrap();
    let refused = door.verify("web", &proofs[0]).await;
    let (_, details) = &**refused.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm), (Some(7), true));
    assert_eq!(details.lineage, Some(host.id().to_string()));
    assert_eq!(cause(refused), pair("Forked", "shown"));
    let (peer, fork) = told(&mut forks).await;
    assert_eq!(peer, "web");
    assert_eq!(Fork::parse(&fork).unwrap().lineage(), &host.id());
    assert_eq!(door.verifier.forks("web").await.unwrap(), [&fork[..]]);

    // from now on neither is taken
    for who in [&mut host, &mut copy] {
        let challenge = door.challenge("web").await;
        let Ok(proof) = who.answer(&challenge) else { continue };
        let refused = door.verify("web", &proof).await;
        assert!(refused.as_ref().unwrap_err().1.alarm);
        assert_eq!(cause(refused), pair("Forked", "peer"));
    }
    let said = door.agent().stderr();
    let line = said.lines().find(|line| line.contains("49b9f246743449648b3296e98727bfd5")).unwrap();
    assert!(line.contains("peer=\"web\"") && line.contains("caller_uid=0"), "{line}");
    assert!(line.contains("a proof shows a fork") && line.contains("ERROR"), "{line}");
}

#[tokio::test]
async fn questions_make_of_an_alarm_a_fork_for_anyone() {
    let door = Door::start().await;
    let mut forks = door.verifier.receive_fork_found().await.unwrap();
    let mut host = Member::born(1);
    door.enrolled("web", &mut host).await;
    let mut copy = host.copied(2);
    door.ask("web", &mut copy).await.unwrap();
    host.moment_at(copy.lineage.head().index);
    // its agent says ForeignAnchor
    assert!(host.answer(&door.challenge("web").await).is_err());
    let fork = confronted(&door.verifier, "web", &host).await.expect("an answer shows it");
    let (peer, in_signal) = told(&mut forks).await;
    assert_eq!((&*peer, &in_signal[..]), ("web", &fork[..]));
    let shown = Fork::parse(&fork).unwrap();
    assert!(shown.is_for_anyone());
    shown.check([]).unwrap();
    door.agent().logged("an answer to a question shows a fork").await;

    // what is known is not told again; anyone else's peers stay as they are
    assert!(confronted(&door.verifier, "web", &host).await.is_some());
    let mut other = Member::born(3);
    door.verifier.forget("web").await.unwrap();
    door.enrolled("db", &mut other).await;
    assert!(confronted(&door.verifier, "db", &other).await.is_none(), "an honest host's answers show none");
    let (hop, way) = host.hop(0, 0).unwrap();
    let answer = refused(door.verifier.confront("db", Bytes::new(&hop), &borrowed(&way)).await);
    assert_eq!(answer.as_ref().unwrap_err().1.expected, Some(other.id().to_string()));
    assert_eq!(cause(answer), pair("OtherLineage", "answer"));
    let nobody = refused(door.verifier.confront("web", Bytes::new(&hop), &[]).await);
    assert_eq!(cause(nobody), pair("UnknownPeer", "name"));
    let garbage = refused(door.verifier.confront("db", Bytes::new(b"hop"), &[]).await);
    assert_eq!(cause(garbage), pair("Malformed", "form"));
    assert!(
        timeout(Duration::ZERO, forks.next()).await.is_err(),
        "one signal a fork: all answers above came after what they would have told"
    );
}

#[tokio::test]
async fn a_report_is_checked_and_warns_of_a_peers_lineage_past_or_present() {
    let (finder, door) = (Door::start().await, Door::start().await);
    let mut host = Member::born(1);
    finder.enrolled("web", &mut host).await;
    let introduction = host.introduction().encode();
    let mut copy = host.copied(2);
    finder.ask("web", &mut copy).await.unwrap();
    host.moment_at(copy.lineage.head().index);
    let fork = confronted(&finder.verifier, "web", &host).await.expect("an answer shows it");

    let mut forks = door.verifier.receive_fork_found().await.unwrap();
    let report = async |fork: &[u8]| refused(door.verifier.report_fork(Bytes::new(fork)).await);
    assert_eq!(cause(report(&fork).await), pair("UnknownPeer", "lineage"));
    assert_eq!(cause(report(b"no fork").await), pair("Malformed", "form"));
    door.meet("www", &introduction, false).await.unwrap();
    let mut changed = fork.to_vec();
    let last = changed.len() - 3000;
    changed[last] ^= 1;
    let shows_none = cause(report(&changed).await);
    assert_eq!(shows_none.0, "Malformed", "{shows_none:?}");
    report(&fork).await.unwrap();
    let (peer, in_signal) = told(&mut forks).await;
    assert_eq!((&*peer, &in_signal[..]), ("www", &fork[..]));
    assert_eq!(cause(door.verify("www", &host.prove(&door.challenge("www").await)).await).0, "Forked");
    report(&fork).await.unwrap();
    assert!(timeout(Duration::ZERO, forks.next()).await.is_err(), "it was known");
    door.agent().logged("a report shows a fork").await;
}

#[tokio::test]
async fn forks_outlive_their_peer_and_the_agent() {
    let mut door = Door::start().await;
    let (mut host, _, proofs) = parted(&door, 1).await;
    door.verify("web", &proofs[0]).await.unwrap();
    assert_eq!(cause(door.verify("web", &proofs[1]).await).0, "Forked");
    let fork = door.verifier.forks("web").await.unwrap().remove(0);
    door.verifier.forget("web").await.unwrap();
    assert_eq!(cause(refused(door.verifier.forks("web").await)), pair("UnknownPeer", "name"));
    assert_eq!(
        door.verifier.forks("").await.unwrap(),
        *std::slice::from_ref(&fork),
        "of all: it is nobody's"
    );

    door.kill_and_restart().await;
    assert_eq!(door.verifier.forks("").await.unwrap(), [fork]);
    let met = door.meet("www", &host.introduction().encode(), false).await;
    let (_, details) = &**met.as_ref().unwrap_err();
    assert_eq!((details.alarm, &details.lineage), (true, &Some(host.id().to_string())));
    assert_eq!(cause(met), pair("Forked", "lineage"));
    let proof = host.prove(&door.challenge("www").await);
    assert_eq!(cause(door.enrol("www", &proof).await), pair("Forked", "lineage"));
    // a successor of it is told of it
    let origin = selfsame::Origin::new(
        selfsame::Reason::Ended,
        Some(selfsame::Predecessor { lineage: host.id(), head: host.lineage.head() }),
    );
    let mut next = Member::born_of(7, origin);
    let enrolled = door.enrolled("www", &mut next).await;
    assert_eq!((&enrolled.forked, &enrolled.predecessor), (&Some(host.id().to_string()), &enrolled.forked));
}
