//! Two verifiers on one store: whatever comes to whom, they never both accept a fork, nor one proof twice.

use std::fs;

use selfsame::Challenge;
use selfsame_dbus::{Bytes, Options, VerdictReply, Verifier1Proxy};
use selfsame_tests::{Output, Run, play::count::cases};

use crate::{
    host::{DOOR, Member},
    scene::{Door, Refused, cause, challenge, refused, verify},
};

/// A host that was met, and a copy of it.
async fn met(verifier: &Verifier1Proxy<'_>, peer: &str, seed: u64) -> (Member, Member) {
    let mut host = Member::born(seed);
    let challenge = challenge(verifier, peer, &Options::new()).await.unwrap();
    let proof = host.prove(&challenge);
    refused(verifier.enrol(peer, Bytes::new(&proof), &Options::new()).await).unwrap();
    let copy = host.copied(seed + 1_000_000);
    (host, copy)
}

/// One is accepted, and of the other it is told that it forks.
fn one_is_accepted(outcomes: [Result<VerdictReply, Refused>; 2]) -> usize {
    let accepted: Vec<usize> = (0..2).filter(|at| outcomes[*at].is_ok()).collect();
    assert_eq!(accepted.len(), 1, "{outcomes:?}");
    let [first, second] = outcomes;
    let refused = if accepted[0] == 0 { second } else { first };
    assert!(refused.as_ref().unwrap_err().1.alarm);
    assert_eq!(cause(refused).0, "Forked");
    accepted[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_on_one_store_never_both_accept_a_fork() {
    let rounds = u64::from(cases(200));
    let door = Door::start().await;
    let (agent, beside, _bus) = door.beside().await;
    let none = Options::new();
    let mut won = [0; 2];
    for round in 0..rounds {
        let peer = format!("peer{round}");
        let (mut host, mut copy) = met(&door.verifier, &peer, round).await;
        // each verifier has asked, before either has an answer
        let first = challenge(&door.verifier, &peer, &none).await.unwrap();
        let second = challenge(&beside, &peer, &none).await.unwrap();
        let [hosts, copys] = host.both(&mut copy, [&first, &second]);
        let (hosts, copys) =
            tokio::join!(verify(&door.verifier, &peer, &hosts, &none), verify(&beside, &peer, &copys, &none));
        won[one_is_accepted([hosts, copys])] += 1;
        // the fork is both's knowledge
        for verifier in [&door.verifier, &beside] {
            assert_eq!(verifier.forks(&peer).await.unwrap().len(), 1);
            let challenge = challenge(verifier, &peer, &none).await.unwrap();
            for who in [&mut host, &mut copy] {
                let Ok(proof) = who.answer(&challenge) else { continue };
                assert_eq!(cause(verify(verifier, &peer, &proof, &none).await).0, "Forked");
            }
        }
    }
    println!("{rounds} forks raced: the host was first {} times, its copy {}", won[0], won[1]);
    drop(agent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_proof_is_taken_by_one_of_two_agents() {
    let rounds = u64::from(cases(200));
    let door = Door::start().await;
    let (_agent, beside, _bus) = door.beside().await;
    let none = Options::new();
    let (mut host, _) = met(&door.verifier, "web", 1).await;
    for round in 0..rounds {
        let verifier = if round % 2 == 0 { &door.verifier } else { &beside };
        let proof = host.prove(&challenge(verifier, "web", &none).await.unwrap());
        let (first, second) =
            tokio::join!(verify(&door.verifier, "web", &proof, &none), verify(&beside, "web", &proof, &none));
        assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1, "{first:?} {second:?}");
        let refused = if first.is_ok() { second } else { first };
        assert_eq!(cause(refused).0, "UnknownChallenge");
    }
    println!("{rounds} proofs given to both");
}

/// What the command says of a proof, by the same file.
async fn command(door: &Door, arguments: &[&str]) -> Output {
    Run::selfsame().arg("--store").arg(door.file()).args(arguments).run().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_and_the_command_share_a_store() {
    let rounds = u64::from(cases(50));
    let door = Door::start().await;
    let none = Options::new();
    let (mut known, _) = met(&door.verifier, "known", 1).await;
    let mut won = [0; 2];
    for round in 2..rounds + 2 {
        let peer = format!("peer{round}");
        let (mut host, mut copy) = met(&door.verifier, &peer, round).await;
        let first = challenge(&door.verifier, &peer, &none).await.unwrap();
        let second = command(&door, &["challenge", &peer, "--audience", DOOR]).await;
        assert_eq!(second.code(), Some(0), "{second:?}");
        let second = Challenge::parse(&decode(second.stdout.trim())).unwrap();
        let [hosts, copys] = host.both(&mut copy, [&first, &second]);
        let file = door.file().with_file_name("proof");
        fs::write(&file, encode(&copys)).unwrap();
        let copys = format!("@{}", file.display());
        let arguments = ["--json", "verify", &peer, &copys];
        let (hosts, copys) =
            tokio::join!(verify(&door.verifier, &peer, &hosts, &none), command(&door, &arguments));
        match (hosts, copys.code()) {
            (Ok(_), Some(6)) => won[0] += 1,
            (Err(refused), Some(0)) => {
                assert_eq!(cause::<()>(Err(refused)).0, "Forked");
                won[1] += 1;
            }
            (hosts, _) => panic!("{hosts:?} {copys:?}"),
        }
        assert_eq!(door.verifier.forks(&peer).await.unwrap().len(), 1);
    }
    println!("{} forks raced: the agent was first {} times, the command {}", rounds, won[0], won[1]);

    // one clock: what the one has kept of a host's times the other goes by, to a second
    let challenge = command(&door, &["challenge", "known", "--audience", DOOR]).await;
    let proof = known.prove(&Challenge::parse(&decode(challenge.stdout.trim())).unwrap());
    let verdict = door.verify("known", &proof).await.unwrap();
    assert_eq!((&*verdict.time, verdict.by_wall, verdict.stalled_ms), ("checked", false, 0));
    let proof = known.prove(&door.challenge("known").await);
    let verdict = command(&door, &["--json", "verify", "known", &encode(&proof)]).await;
    assert_eq!(verdict.code(), Some(0), "{verdict:?}");
    let verdict = verdict.json();
    assert_eq!((&verdict["by_wall"], &verdict["stalled_ms"]), (&false.into(), &0.into()), "{verdict}");
}

fn encode(bytes: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}
