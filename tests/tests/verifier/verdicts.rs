//! Verify: what a verdict says, and each refusal with what programs read of it.

use std::collections::HashMap;

use selfsame::Proof;
use selfsame_dbus::{Error, Options, VerdictSubject};
use zbus::Variant;

use crate::{
    host::Member,
    scene::{Door, cause, pair, text},
};

/// Whom a statement must be of: this user.
pub fn subject(uid: u32) -> HashMap<String, Variant<'static>> {
    HashMap::from([("uid".to_owned(), Variant::from(uid))])
}

#[tokio::test]
async fn a_verdict_says_who_spoke_and_how_it_stands() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    let first = door.enrolled("web", &mut host).await;
    assert_eq!((first.first, first.moved, first.by_wall), (true, true, true));
    assert_eq!((&*first.lineage, &*first.time), (&*host.id().to_string(), "checked"));
    assert_eq!((first.reason.as_deref(), first.predecessor, first.succeeds), (Some("install"), None, None));

    host.moment();
    let challenge = door.challenge("web").await;
    let proof = host.answer_with(&challenge, Some(b"hello")).unwrap();
    let verdict = door.verify("web", &proof).await.unwrap();
    let parsed = Proof::parse(&proof).unwrap();
    let head = parsed.head().unwrap();
    assert_eq!((verdict.index, verdict.hops as usize), (head.head().index, parsed.hops().len()));
    assert_eq!(verdict.gap_ms, (verdict.index - first.index) * 1000 / 4096);
    assert_eq!((verdict.first, verdict.moved, verdict.confirmed), (false, true, true));
    // by the same clock in the same boot
    assert_eq!((&*verdict.time, verdict.by_wall, verdict.stalled_ms), ("checked", false, 0));
    let said =
        VerdictSubject { uid: Some(1000), unit: Some("a.service".into()), ..VerdictSubject::default() };
    assert_eq!(verdict.subject, said);
    assert_eq!((&**verdict.payload, &**verdict.evidence), (&b"hello"[..], head.evidence().as_bytes()));
    assert_eq!(verdict.reason, None, "that is Enrol's");

    let known = &door.verifier.peers().await.unwrap()[0];
    assert_eq!((&*known.name, &*known.lineage, known.index), ("web", &*verdict.lineage, verdict.index));
    assert!(crate::host::wall_ms() - known.met_ms < 60_000, "{known:?}");
}

#[tokio::test]
async fn an_answer_that_was_overtaken_stands_and_moves_nothing() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let (first, second) = (door.challenge("web").await, door.challenge("web").await);
    let (first, second) = (host.prove(&first), host.prove(&second));
    let newest = door.verify("web", &second).await.unwrap();
    assert!(newest.moved);
    let overtaken = door.verify("web", &first).await.unwrap();
    assert!(!overtaken.moved && overtaken.index < newest.index);
    assert_eq!(door.verifier.peers().await.unwrap()[0].index, newest.index);
}

#[tokio::test]
async fn the_statement_has_to_be_of_whom_was_asked_for() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let wanted = |entries: &[(&str, Variant<'static>)]| {
        let subject: HashMap<String, Variant<'static>> =
            entries.iter().map(|(name, value)| ((*name).to_owned(), value.try_clone().unwrap())).collect();
        Options::from([("subject", Variant::from(subject))])
    };
    let proof = host.prove(&door.challenge("web").await);
    for (entries, field) in [
        (&[("uid", Variant::from(0u32))][..], "uid"),
        (&[("uid", Variant::from(1000u32)), ("unit", Variant::from("b.service"))], "unit"),
        (&[("app", Variant::from("org.example.App"))], "app"),
    ] {
        let refused = door.verify_with("web", &proof, &wanted(entries)).await;
        assert_eq!(refused.as_ref().unwrap_err().1.check, Some(5));
        assert_eq!(cause(refused), pair("WrongSubject", field));
    }
    for (name, value, says) in [
        ("uid", Variant::from("root"), "`uid` of option `subject`: expected a number, u, found s"),
        ("unit", Variant::from(1u32), "`unit` of option `subject`: expected a text, s, found u"),
        ("gid", Variant::from(0u32), "\"gid\" of option `subject`: there are `uid`, `unit`, `app`"),
    ] {
        let refused = door.verify_with("web", &proof, &wanted(&[(name, value)])).await;
        assert!(
            matches!(&refused, Err(refused) if matches!(refused.0, Error::InvalidArgument(_))),
            "{refused:?}"
        );
        assert_eq!(text(refused), says);
    }
    let no_subject = Options::from([("subject", Variant::from("root"))]);
    assert_eq!(
        text(door.verify_with("web", &proof, &no_subject).await),
        "option `subject`: expected a{sv}, found s"
    );
    let unknown = Options::from([("dry_run", Variant::from(true))]);
    assert_eq!(
        text(door.verify_with("web", &proof, &unknown).await),
        "option \"dry_run\": there are `subject`, `time`"
    );
    // none of these but the first three counts as a refusal of the proof
    let own = wanted(&[("uid", Variant::from(1000u32)), ("unit", Variant::from("a.service"))]);
    door.verify_with("web", &proof, &own).await.unwrap();
}

/// A proof with one byte of its first opening changed.
fn tampered(proof: &[u8]) -> Vec<u8> {
    let parsed = Proof::parse(proof).unwrap();
    let opening = parsed.hops()[0].opening().as_bytes().to_vec();
    let at = proof.windows(opening.len()).position(|bytes| bytes == opening).unwrap();
    let mut changed = proof.to_vec();
    changed[at + 100] ^= 1;
    changed
}

#[tokio::test]
async fn what_is_wrong_with_a_proof_is_told_by_its_name() {
    let (door, mut host, mut other) = (Door::start().await, Member::born(1), Member::born(2));
    door.enrolled("web", &mut host).await;
    let proof = host.prove(&door.challenge("web").await);
    assert_eq!(cause(door.verify("nobody", &proof).await), pair("UnknownPeer", "name"));
    assert_eq!(cause(door.verify("web", b"garbage").await), pair("Malformed", "form"));
    assert_eq!(cause(door.verify("web", b"").await), pair("Malformed", "form"));

    let broken = door.verify("web", &tampered(&proof)).await;
    let (_, details) = &**broken.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm), (Some(3), true), "{details:?}");
    assert_eq!(cause(broken), pair("NotContinuous", "hop"));

    // an answer to another's challenge, whoever it is for
    let others = other.prove(&door.challenge("db").await);
    assert_eq!(cause(door.verify("web", &others).await).0, "UnknownChallenge");
    let first = crate::crafting::for_another_audience(&door, "mail").await;
    let (_, details) = &**first.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm), (Some(5), false));
    assert_eq!(cause(first), pair("WrongAudience", "statement"));

    // of all that nothing is left
    door.verify("web", &proof).await.unwrap();
}

#[tokio::test]
async fn another_lineage_and_a_contradiction_are_told_with_what_is_known() {
    let (door, mut host, mut other) = (Door::start().await, Member::born(1), Member::born(2));
    let (own, others) = (host.id().to_string(), other.id().to_string());
    let expecting = Options::from([("lineage", Variant::from(own.clone()))]);
    let challenge = door.challenge_with("web", &expecting).await.unwrap();
    // the other's agent would say so: here it answers what was not asked
    let anyone = selfsame_tests::play::item::challenge(challenge.audience(), challenge.nonce(), None, &[]);
    let proof = other.prove(&anyone);
    let refused = door.enrol("web", &proof).await;
    assert_eq!(cause(refused).0, "UnknownChallenge", "it is bound to the whole challenge");
    door.enrol("web", &host.prove(&challenge)).await.unwrap();

    let refused = crate::crafting::of_another_lineage(&door, "web", &mut other).await;
    let (_, details) = &**refused.as_ref().unwrap_err();
    assert_eq!((&details.lineage, &details.expected), (&Some(others), &Some(own)), "{details:?}");
    assert_eq!((details.check, details.alarm), (Some(2), false));
    assert_eq!(cause(refused), pair("OtherLineage", "proof"));

    let contradiction = crate::crafting::contradiction(&door, "crafted").await;
    let (_, details) = &**contradiction.as_ref().unwrap_err();
    assert_eq!((details.check, details.alarm), (Some(8), true));
    assert_eq!(cause(contradiction), pair("Contradiction", "history"));
}

#[tokio::test]
async fn with_sixty_four_heads_unconfirmed_one_more_is_busy_and_not_used_up() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let mut challenges = Vec::new();
    for _ in 0..65 {
        challenges.push(door.challenge("web").await);
    }
    let proofs: Vec<_> = challenges.iter().map(|challenge| host.prove(challenge)).collect();
    for proof in &proofs[..64] {
        door.verify("web", proof).await.unwrap();
    }
    let busy = door.verify("web", &proofs[64]).await;
    assert_eq!(busy.as_ref().unwrap_err().1.check, Some(9));
    assert_eq!(cause(busy), pair("Busy", "unconfirmed"));
    // what confirms them makes room
    assert!(door.ask("web", &mut host).await.unwrap().confirmed);
    door.verify("web", &proofs[64]).await.unwrap();
}
