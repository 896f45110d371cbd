//! Enrol: at a first meeting, and after another; and what a new lineage is worth, with real agents for hosts.

use selfsame::{Origin, Predecessor, Reason};
use selfsame_dbus::{Bytes, CallError, Error, Identity1Proxy, Options};
use zbus::Variant;

use crate::{
    host::{DOOR, Member},
    scene::{Door, cause, pair, text},
};

fn with(names: &[&'static str]) -> Options<'static> {
    names.iter().map(|name| (*name, Variant::Bool(true))).collect()
}

#[tokio::test]
async fn a_look_changes_nothing_and_the_same_proof_enrols() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    let proof = host.prove(&door.challenge("web").await);
    let look = door.enrol_with("web", &proof, &with(&["dry_run"])).await.unwrap();
    assert_eq!(door.names().await, Vec::<String>::new());
    let enrolled = door.enrol("web", &proof).await.unwrap();
    assert_eq!(look, enrolled);
    assert_eq!(door.names().await, ["web"]);
    assert!(!door.agent().stderr().contains("would"), "a look is not for the journal");
    assert_eq!(door.agent().stderr().matches("is enrolled").count(), 1);
}

#[tokio::test]
async fn a_lineage_is_one_peers_and_an_old_copy_does_not_start_it_anew() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let own = Some(host.id().to_string());
    // for another peer
    let proof = host.prove(&door.challenge("db").await);
    let taken = door.enrol("db", &proof).await;
    let (_, details) = &**taken.as_ref().unwrap_err();
    assert_eq!((details.peer.as_deref(), &details.lineage), (Some("web"), &own));
    assert_eq!(cause(taken), pair("PeerExists", "known"));
    // for itself, anew: with and without a person's word
    let anew = door.challenge_with("web", &with(&["anew"])).await.unwrap();
    let proof = host.prove(&anew);
    for options in [with(&[]), with(&["succeeds"])] {
        assert_eq!(cause(door.enrol_with("web", &proof, &options).await), pair("PeerExists", "known"));
    }
    // by an answer to what was meant for Verify
    let proof = host.prove(&door.challenge("web").await);
    assert_eq!(cause(door.enrol("web", &proof).await), pair("PeerExists", "known"));
    door.verify("web", &proof).await.unwrap();
}

/// A host's agent, on a bus of its own.
async fn host_agent() -> (Door, Identity1Proxy<'static>) {
    let host = Door::start().await;
    let identity = Identity1Proxy::uncached(&host.connection).await.unwrap();
    (host, identity)
}

async fn prove(identity: &Identity1Proxy<'_>, challenge: &selfsame::Challenge) -> Result<Vec<u8>, Error> {
    match identity.prove(DOOR, Bytes::new(challenge.as_bytes()), Bytes::new(b""), &Options::new()).await {
        Ok(proof) => Ok(proof.into_vec()),
        Err(CallError::Refused(error, _)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_lineage_succeeds_only_where_a_person_says_so() {
    let (door, (_host, identity)) = (Door::start().await, host_agent().await);
    let before = identity.lineage().await.unwrap();
    let proof = prove(&identity, &door.challenge("web").await).await.unwrap();
    let first = door.enrol("web", &proof).await.unwrap();
    assert_eq!((first.reason.as_deref(), first.subject.uid), (Some("install"), Some(0)));
    let introduction = identity.introduce().await.unwrap();

    identity.end("ended").await.unwrap();
    let after = identity.lineage().await.unwrap();
    let refusal = prove(&identity, &door.challenge("web").await).await.unwrap_err();
    assert!(matches!(refusal, Error::OtherLineage(_)), "{refusal:?}");
    let challenge = door.challenge_with("web", &with(&["anew"])).await.unwrap();
    let proof = prove(&identity, &challenge).await.unwrap();

    let unasked = door.enrol("web", &proof).await;
    let (_, details) = &**unasked.as_ref().unwrap_err();
    assert_eq!((&details.lineage, &details.expected), (&Some(after.clone()), &Some(before.clone())));
    assert!(!details.alarm, "{details:?}");
    assert_eq!(cause(unasked), pair("Succession", "unasked"));

    let look = door.enrol_with("web", &proof, &with(&["succeeds", "dry_run"])).await.unwrap();
    assert_eq!((&look.succeeds, &look.predecessor), (&Some(before.clone()), &Some(before.clone())));
    assert_eq!((look.reason.as_deref(), look.claim.as_deref()), (Some("ended"), Some("known")), "{look:?}");
    assert!(look.claim_ms.is_some() && look.silent_ms.is_some(), "{look:?}");
    assert_eq!(look.forked, None);
    assert_eq!(door.verifier.peers().await.unwrap()[0].lineage, before, "nothing has changed");

    let done = door.enrol_with("web", &proof, &with(&["succeeds"])).await.unwrap();
    assert_eq!((&done.succeeds, &done.lineage), (&look.succeeds, &after));
    assert_eq!(door.verifier.peers().await.unwrap()[0].lineage, after);
    let said = door.agent().stderr();
    assert!(said.contains("message_id=\"bbe0e8313e1040758d638296594330fb\" peer=\"web\""), "{said}");
    // from now on the old one is refused, by any name
    let back = door.meet("db", &introduction, false).await;
    assert_eq!(back.as_ref().unwrap_err().1.peer.as_deref(), Some("web"));
    assert_eq!(cause(back), pair("PeerExists", "past-lineage"));
    assert_eq!(door.verifier.whose(&before).await.unwrap(), "web");
    let proof = prove(&identity, &door.challenge("web").await).await.unwrap();
    assert_eq!(door.verify("web", &proof).await.unwrap().lineage, after);
}

#[tokio::test]
async fn what_a_new_lineage_names_is_held_against_what_is_known() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    door.enrolled("web", &mut host).await;
    let own = host.lineage.head();
    let named = |lineage, head| Origin::new(Reason::Boot, Some(Predecessor { lineage, head }));
    let false_head = selfsame::Head { index: own.index, digest: selfsame::Digest::new([9; 32]) };
    let ahead = selfsame::Head { index: own.index + 4096, ..false_head };
    for (seed, origin, claim, index) in [
        (2, Origin::new(Reason::Lost, None), "nobody", None),
        (3, named(Member::born(9).id(), own), "other", None),
        (4, named(host.id(), own), "known", None),
        (5, named(host.id(), false_head), "false", Some(own.index)),
        (6, named(host.id(), ahead), "ahead", None),
    ] {
        let mut next = Member::born_of(seed, origin);
        let challenge = door.challenge_with("web", &with(&["anew"])).await.unwrap();
        let proof = next.prove(&challenge);
        let look = door.enrol_with("web", &proof, &with(&["succeeds", "dry_run"])).await.unwrap();
        assert_eq!((look.claim.as_deref(), look.claim_index), (Some(claim), index), "{look:?}");
    }
}

#[tokio::test]
async fn nobody_is_there_to_be_succeeded_at_a_first_meeting() {
    let (door, mut host) = (Door::start().await, Member::born(1));
    let proof = host.prove(&door.challenge("web").await);
    // it is a first meeting all the same: the verdict has nobody before
    let enrolled = door.enrol_with("web", &proof, &with(&["succeeds"])).await.unwrap();
    assert_eq!(enrolled.succeeds, None);
    let wrong = Options::from([("succeeds", Variant::from("yes"))]);
    assert_eq!(
        text(door.enrol_with("web", &proof, &wrong).await),
        "option `succeeds`: expected a boolean, b, found s"
    );
}
